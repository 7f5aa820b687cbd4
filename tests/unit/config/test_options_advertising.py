"""Unit tests of addresses that are advertised."""

import pytest

from app.config.errors import ConfigError
from app.config.options import make_options


@pytest.mark.parametrize("text", ["h", "h:4222", "10.0.0.1", "[::1]", "[::1]:4222"])
def test_an_address_for_others(text: str) -> None:
    """A host, with or without a port, can be advertised."""
    assert text == make_options({"client_advertise": text}).client_advertise


@pytest.mark.parametrize("text", ["10.0.0.1", "10.0.0.1:6222", "[2001:db8::1]", "[2001:db8::1]:6222"])
def test_an_address_for_servers(text: str) -> None:
    """Servers get a numeric address, with or without a port."""
    assert text == make_options({"cluster": {"cluster_advertise": text}}).cluster.cluster_advertise


@pytest.mark.parametrize("text", ["nats.example.com", "localhost:6222", "10.0.0", "[::]", "224.0.0.1:6222"])
def test_no_server_would_dial(text: str) -> None:
    """What other servers would not dial is refused."""
    with pytest.raises(
        ConfigError, match=r"^cluster.cluster_advertise must be a numeric address: other servers"
    ):
        make_options({"cluster": {"cluster_advertise": text}})


@pytest.mark.parametrize("text", [":4222", "h:", "h:x", "h:0", "h:-1", "::1", "a:b:c"])
def test_nobody_can_connect_to(text: str) -> None:
    """What nobody can connect to is refused."""
    with pytest.raises(ConfigError, match=r'^client_advertise must be a host, or "host:port"$'):
        make_options({"client_advertise": text})
