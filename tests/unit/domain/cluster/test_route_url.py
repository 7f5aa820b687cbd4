"""Route URLs: what is shown of them, and which pieces of gossip lead somewhere."""

import pytest

from app.domain.cluster.route_url import RouteUrl, is_near, read_gossip

DEAD_ENDS = {
    "empty": "",
    "no scheme": "192.0.2.7:6222",
    "another scheme": "http://192.0.2.7:6222/",
    "a name": "nats-route://seed.example:6222/",
    "localhost": "nats-route://localhost:6222/",
    "no port": "nats-route://192.0.2.7/",
    "an empty port": "nats-route://192.0.2.7:/",
    "port 0": "nats-route://192.0.2.7:0/",
    "a port too high": "nats-route://192.0.2.7:65536/",
    "a negative port": "nats-route://192.0.2.7:-1/",
    "a port in other digits": "nats-route://192.0.2.7:٦٢٢٢/",
    "a port with a sign": "nats-route://192.0.2.7:+62/",
    "credentials": "nats-route://u:p@192.0.2.7:6222/",
    "a path": "nats-route://192.0.2.7:6222/x",
    "a shortened address": "nats-route://127.1:6222/",
    "an address as a number": "nats-route://2130706433:6222/",
    "leading zeros": "nats-route://192.0.02.7:6222/",
    "a line end": "nats-route://192.0.2.7\r\n:6222/",
    "multicast": "nats-route://224.0.0.1:6222/",
    "multicast of IPv6": "nats-route://[ff02::1]:6222/",
    "nowhere": "nats-route://0.0.0.0:6222/",
    "nowhere in IPv6": "nats-route://[::]:6222/",
    "nowhere in disguise": "nats-route://[::ffff:0.0.0.0]:6222/",
    "multicast in disguise": "nats-route://[::ffff:224.0.0.1]:6222/",
    "very long": "nats-route://" + 300 * "1" + ":6222/",
}


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("nats-route://192.0.2.7:6222/", "192.0.2.7", 6222),
        ("nats-route://192.0.2.7:6222", "192.0.2.7", 6222),
        ("nats://192.0.2.7:1", "192.0.2.7", 1),
        ("nats-route://127.0.0.1:65535/", "127.0.0.1", 65535),
        ("nats-route://[2001:db8::7]:6222/", "2001:db8::7", 6222),
    ],
)
def test_gossip_that_leads_somewhere(text: str, host: str, port: int) -> None:
    """A numeric address with a port is where a server may be."""
    assert RouteUrl(host, port) == read_gossip(text)


@pytest.mark.parametrize("text", DEAD_ENDS.values(), ids=DEAD_ENDS.keys())
def test_gossip_that_leads_nowhere(text: str) -> None:
    """What is no numeric address of a server is not dialled, and nothing is looked up."""
    assert read_gossip(text) is None


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "127.9.9.9", "::1", "169.254.169.254", "fe80::1", "::ffff:127.0.0.1", "::ffff:169.254.1.1"],
)
def test_near_addresses(host: str) -> None:
    """Loopback and link-local addresses mean something else on every machine, in disguise as well."""
    assert is_near(host)


@pytest.mark.parametrize("host", ["192.0.2.7", "10.0.0.1", "2001:db8::7", "::ffff:192.0.2.7", "seed", ""])
def test_far_addresses(host: str) -> None:
    """Any other address means the same machine for every server."""
    assert not is_near(host)


def test_a_url_shows_no_credentials() -> None:
    """Neither its text nor its representation gives user or password away."""
    url = RouteUrl("seed", 6222, "joe", "secret")

    assert "nats-route://seed:6222/" == str(url)
    assert "secret" not in repr(url)
    assert "joe" not in repr(url)


def test_addresses_of_either_kind() -> None:
    """An IPv6 address is written in brackets, which separate it from its port."""
    assert "192.0.2.7:6222" == RouteUrl("192.0.2.7", 6222).address
    assert "[2001:db8::7]:6222" == RouteUrl("2001:db8::7", 6222).address


def test_urls_are_the_same_with_other_credentials() -> None:
    """Where a URL leads makes it what it is."""
    assert RouteUrl("seed", 6222) == RouteUrl("seed", 6222, "joe", "secret")
    assert RouteUrl("seed", 6222) != RouteUrl("seed", 6223)
