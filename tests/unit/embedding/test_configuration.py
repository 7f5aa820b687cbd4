"""From what a program gives to options."""

from pathlib import Path

import pytest

from app.config.errors import ConfigError
from app.embedding.configuration import RequestedOptions


def test_loopback_and_a_free_port_by_default() -> None:
    """What nobody gives is as in a configuration file, but for the address."""
    options, notices = RequestedOptions({}, {}).options()

    assert ("127.0.0.1", -1, 1_048_576, ()) == (options.host, options.port, options.max_payload, notices)


def test_who_wins(tmp_path: Path) -> None:
    """The keyword, then the mapping, then the file; names are those of the file."""
    file = tmp_path / "broker.conf"
    file.write_text("max_conn: 1\nmax_payload: 1\nping_max: 1\nlisten: 0.0.0.0:4333\n")
    options, _ = RequestedOptions({"max_payload": 2, "ping_max": 2}, {"ping_max": 3}, str(file)).options()

    assert (1, 2, 3) == (options.max_connections, options.max_payload, options.ping_max)
    assert ("0.0.0.0", 4333) == (options.host, options.port)  # noqa: S104 - it is compared


def test_port_0_is_a_free_one() -> None:
    """So is -1; an address gives both."""
    asked = {
        "listen": "127.0.0.1:0",
        "http": 0,
        "cluster": {"port": 0},
        "websocket": {"port": 0, "no_tls": True},
    }
    options, _ = RequestedOptions(asked, {}).options()

    assert [-1, -1, -1, -1] == [
        options.port,
        options.http_port,
        options.cluster.port,
        options.websocket.port,
    ]


def test_sizes_and_times_as_texts() -> None:
    """Where a number belongs, a text with a unit is one; elsewhere it stays a text."""
    options, _ = RequestedOptions(
        {"max_payload": "64KB", "ping_interval": "1m30s", "server_name": "1k"}, {}
    ).options()

    assert (65536, 90.0, "1k") == (options.max_payload, options.ping_interval, options.server_name)


def test_sizes_in_a_section() -> None:
    """They are read there, too."""
    options, _ = RequestedOptions({"cluster": {"port": 7000, "connect_retries": "1k"}}, {}).options()

    assert options.cluster.connect_retries == 1000


@pytest.mark.parametrize(
    ("config", "text"),
    [
        ({"max_paylaod": 1}, 'unknown key "max_paylaod"'),
        ({"max_payload": "1 MB"}, "max_payload must be a whole number"),
        ({"port": 4222, "http": 4222}, "4222"),
        ({"max_payload": 10_000, "max_pending": 1_000}, "max_pending"),
    ],
)
def test_mistakes(config: dict[str, object], text: str) -> None:
    """All that keeps a server from starting is named."""
    with pytest.raises(ConfigError, match=text):
        RequestedOptions(config, {}).options()


def test_what_has_no_effect() -> None:
    """It is said, and the server starts."""
    _, notices = RequestedOptions({"cluster": {"no_advertise": True}}, {}).options()

    assert "without a cluster" in str(notices[0])


def test_all_listeners_are_on_loopback() -> None:
    """Unless the program says otherwise; a listener that is not asked for is none."""
    keys: dict[str, object] = {"websocket": {"port": -1, "no_tls": True}, "cluster": {"host": "0.0.0.0"}}  # noqa: S104 - an example
    options, _ = RequestedOptions(keys, {}).options()
    plain, _ = RequestedOptions({}, {}).options()

    assert ("127.0.0.1", "0.0.0.0") == (options.websocket.host, options.cluster.host)  # noqa: S104 - the same
    assert plain.websocket.port == 0


def test_a_leaf_without_a_listener_has_no_host() -> None:
    """Where leaf nodes connect is on loopback, and a server with remotes alone listens nowhere."""
    listener, _ = RequestedOptions({"leafnodes": {"port": 0}}, {}).options()
    _, notices = RequestedOptions({"leafnodes": {"remotes": [{"url": "nats-leaf://hub"}]}}, {}).options()

    assert ("127.0.0.1", -1) == (listener.leafnodes.host, listener.leafnodes.port)
    assert () == notices
