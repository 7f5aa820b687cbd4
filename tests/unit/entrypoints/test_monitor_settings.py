"""Options of monitoring, and what its pages show of the others."""

import ssl

import pytest

from app import __version__
from app.adapters.monitoring.context import LeafRemoteSummary, LeafSummary, MonitorSettings
from app.adapters.monitoring.monitor import MonitorEndpoint
from app.adapters.net_asyncio.tls_context import TlsError
from app.config.options import make_options
from app.config.reloading import config_digest
from app.domain.permissions.configured_users import ConfiguredUsers
from app.entrypoints.identity import RUNTIME
from app.entrypoints.monitor_settings import leaf_summary, monitor_endpoints, monitor_settings, own_names
from tests.support.certificates import certificates


def test_no_monitoring_by_default() -> None:
    """Unless a port is given, there is nothing to read."""
    assert () == monitor_endpoints(make_options({}))


def test_monitoring() -> None:
    """A plain port is served at its own host, or at that of clients."""
    assert (MonitorEndpoint("10.0.0.1", 8222),) == monitor_endpoints(
        make_options({"host": "10.0.0.1", "http_port": 8222})
    )
    own = make_options(
        {"host": "10.0.0.1", "http_host": "127.0.0.1", "http_port": 8222, "server_name": "edge"}
    )
    assert (MonitorEndpoint("127.0.0.1", 8222),) == monitor_endpoints(own)
    settings = MonitorSettings(
        tls_timeout=0.5,
        server_name="edge",
        data_plane="python",
        pynatsd=__version__,
        python=RUNTIME,
        known_as=own_names(own),
        log="standard error",
        config_file="/etc/p.conf",
        digest=config_digest(own),
        users=ConfiguredUsers(login_required=False),
    )
    assert settings == monitor_settings(own, "python", "/etc/p.conf")


@pytest.mark.parametrize(
    ("given", "log"),
    [
        ({}, "standard error"),
        ({"log_file": "/var/log/p.log", "remote_syslog": "udp://h:1"}, "/var/log/p.log"),
        ({"remote_syslog": "udp://h:1", "syslog": True}, "udp://h:1"),
        ({"syslog": True}, "syslog"),
    ],
)
def test_where_the_log_goes(given: dict[str, object], log: str) -> None:
    """The dashboard names the destination that counts."""
    assert log == monitor_settings(make_options(given), "python").log


def test_names_of_the_server() -> None:
    """A server is known by the names that its configuration gives it, however they are written."""
    named = make_options(
        {"host": "Inside.example.com", "http_host": "pages.example.com", "http_port": 8222}
        | {"server_name": "edge-1.example.com.", "client_advertise": "outside.example.com:4333"}
    )

    assert {
        "inside.example.com",
        "pages.example.com",
        "edge-1.example.com",
        "outside.example.com",
    } < own_names(named)


def test_encrypted_monitoring() -> None:
    """An encrypted port shows the clients' certificate, and asks for none."""
    pair = certificates().server
    tls = {"cert_file": pair.cert_file, "key_file": pair.key_file, "timeout": 3.0}
    options = make_options({"https_port": 8443, "tls": tls})

    (endpoint,) = monitor_endpoints(options)

    assert (8443, "https") == (endpoint.port, endpoint.scheme)
    assert endpoint.tls is not None
    assert ssl.CERT_NONE is endpoint.tls.verify_mode
    assert 3.0 == monitor_settings(options, "python").tls_timeout


def test_encryption_needs_a_certificate() -> None:
    """Without a certificate there is no encrypted port."""
    with pytest.raises(TlsError, match="TLS cert and key required for HTTPS"):
        monitor_endpoints(make_options({"https_port": 8443}))


def test_what_pages_show_of_leaf_nodes() -> None:
    """The listener with its times, and hubs without their logins; nothing where there is neither."""
    remotes = ({"urls": ("nats://u:p@hub", "tls://b:1"), "deny_exports": "x"},)
    tls = {"cert_file": "c", "key_file": "k", "verify": True}
    shown = LeafRemoteSummary("$G", ("hub:7422", "b:1"), (), ("x",))

    assert LeafSummary() == leaf_summary(make_options({}))
    assert LeafSummary(remotes=(shown,)) == leaf_summary(make_options({"leafnodes": {"remotes": remotes}}))
    assert LeafSummary("h", 2.0, 2.0, tls_required=True, tls_verify=True, remotes=(shown,)) == leaf_summary(
        make_options({"leafnodes": {"host": "h", "port": 1, "tls": tls, "remotes": remotes}})
    )
    assert "h" in own_names(make_options({"leafnodes": {"host": "h", "port": 1}}))
