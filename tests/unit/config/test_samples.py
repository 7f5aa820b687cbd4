"""The files that the documentation of gnatsd 0.8.0 shows are understood as they stand.

They are in ``tests/config/samples``, with their closing braces.
"""

from app.config.addresses import Endpoint
from app.config.flags import CONFIG_FILE
from app.config.load import load
from app.config.options import Options, make_options
from app.domain.cluster.url import RouteUrl
from tests.fakes.server_process import ROOT

DEREKS = "$2a$11$W2zko751KUvVy59mUTWmpOdWjpEm5qhcCZRd05GjI/sSOT.xtiHyG"
ROUTES = "$2a$11$xH8dkGrty1cBNtZjhPeWJewu/YPbSU.rXJWmS6SFilOBXzmZoMk9m"


def sample(name: str) -> Options:
    """What a sample means; nothing in it is without effect."""
    loaded = load({CONFIG_FILE: str(ROOT / "tests" / "config" / "samples" / name)}, {})
    assert () == loaded.notices
    return loaded.options


def test_the_full_sample() -> None:
    """Every line of the long sample has its effect."""
    expected = make_options(
        {
            "host": "localhost",
            "port": 4242,
            "http_host": "localhost",
            "http_port": 8222,
            "authorization": {"user": "derek", "password": DEREKS, "timeout": 1},
            "cluster": {
                "host": "localhost",
                "port": 4244,
                "authorization": {"user": "route_user", "password": ROUTES, "timeout": 0.5},
                "routes": (
                    "nats-route://user1:pass1@127.0.0.1:4245",
                    "nats-route://user2:pass2@127.0.0.1:4246",
                ),
            },
            "trace": True,
            "logtime": False,
            "log_file": "/tmp/nats-server.log",  # noqa: S108 - the sample's
            "pid_file": "/tmp/nats-server.pid",  # noqa: S108 - the sample's
            "max_connections": 100,
            "max_control_line": 512,
            "max_payload": 65536,
            "max_pending_size": 10000000,
        }
    )

    assert expected == sample("server.conf")


def test_a_hashed_password() -> None:
    """A hash needs no quotes."""
    asked = sample("authorization.conf").authorization

    assert ("derek", 60) == (asked.user, len(asked.password))


def test_the_seed_of_a_cluster() -> None:
    """A port of monitoring alone is on the host of clients."""
    options = sample("seed.conf")

    assert Endpoint("127.0.0.1", 8222) == options.http
    assert ("127.0.0.1", 4248) == (options.cluster.host, options.cluster.port)


def test_tls_for_clients() -> None:
    """The short samples of TLS have their files, times and demands."""
    plain, strict = sample("tls.conf"), sample("tls_verify.conf")

    assert plain.tls is not None
    assert strict.tls is not None
    assert ("./configs/certs/server-cert.pem", 2.0, False) == (
        plain.tls.cert_file,
        plain.tls.timeout,
        plain.tls.verify,
    )
    assert ("./configs/certs/ca.pem", 0.5, True) == (
        strict.tls.ca_file,
        strict.tls.timeout,
        strict.tls.verify,
    )


def test_tls_between_servers() -> None:
    """A cluster has keys of its own, and clients none."""
    options = sample("cluster_tls.conf")

    assert options.tls is None
    assert options.cluster.tls is not None
    assert "./configs/certs/srva-cert.pem" == options.cluster.tls.cert_file
    assert (RouteUrl("127.0.0.1", 4246),) == options.cluster.routes
