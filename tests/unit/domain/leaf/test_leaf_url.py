"""Addresses of hubs: what can be dialled, and what a text shows of it."""

import pytest

from app.domain.leaf.leaf_url import LEAF_PORT, LeafUrl, is_numeric, read_leaf_address

HIDDEN = "s3cret"


def test_an_address_has_the_port_of_leaf_nodes_by_default() -> None:
    """A URL without a port leads to 7422, as with nats-server."""
    assert LeafUrl("hub.example").address == f"hub.example:{LEAF_PORT}"


def test_credentials_are_in_no_text() -> None:
    """Neither user, password nor token can get into a log."""
    url = LeafUrl("::1", 7000, user="anna", password=HIDDEN, token=HIDDEN)

    assert str(url) == "nats-leaf://[::1]:7000"
    assert not any(secret in f"{url!r}{url}" for secret in ("anna", HIDDEN))


def test_urls_are_equal_by_host_and_port() -> None:
    """A discovered address is found again among those that were configured."""
    assert LeafUrl("hub", 1, tls=True, user="u") == LeafUrl("hub", 1)
    assert LeafUrl("hub", 1) != LeafUrl("hub", 2)


@pytest.mark.parametrize(
    "url", [LeafUrl("hub", user="u"), LeafUrl("hub", password=HIDDEN), LeafUrl("hub", token=HIDDEN)]
)
def test_a_url_knows_whether_it_has_a_login(url: LeafUrl) -> None:
    """Hubs without a login of their own get that of the remote."""
    assert url.has_login
    assert not LeafUrl("hub").has_login


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("127.0.0.1:24555", "127.0.0.1", 24555),
        ("[::1]:7422", "::1", 7422),
        ("::1:7422", "::1", 7422),
        ("hub-1.example.com.:1", "hub-1.example.com.", 1),
        ("h:65535", "h", 65535),
    ],
)
def test_an_address_that_a_hub_names_is_read(text: str, host: str, port: int) -> None:
    """Numbers and names may be dialled."""
    assert read_leaf_address(text) == LeafUrl(host, port)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hub",
        "hub:",
        ":7422",
        "hub:0",
        "hub:65536",
        "hub:123456",
        "hub:\uff17",
        "a b:1",
        "a\r\nPUB x:1",
        "user@hub:1",
        "-hub:1",
        "0.0.0.0:1",
        "224.0.0.1:1",
        "[::]:1",
        "h" * 260 + ":1",
    ],
)
def test_other_texts_are_no_address(text: str) -> None:
    """A hub can make us dial nothing but hosts."""
    assert read_leaf_address(text) is None


def test_a_name_is_not_numeric() -> None:
    """A certificate is checked against a name where there is one."""
    assert is_numeric("10.0.0.1")
    assert not is_numeric("hub")
