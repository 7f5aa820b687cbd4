"""Requests for a websocket, and who is refused."""

import pytest

from app.adapters.net_asyncio.websocket_upgrade import (
    REQUEST_BYTES,
    OriginRules,
    Refusal,
    Upgrade,
    UpgradeRequest,
    parse_origin,
)

HEADERS = {
    "Host": "localhost:80",
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version": "13",
}


def request(path: str = "/", **changed: str) -> bytes:
    """A request with some headers changed; an empty one is left out."""
    headers = HEADERS | {name.replace("_", "-"): value for name, value in changed.items()}
    lines = [f"{name}: {value}" for name, value in headers.items() if value]
    return "\r\n".join((f"GET {path} HTTP/1.1", *lines, "", "")).encode()


def asked(data: bytes, origins: OriginRules | None = None, *, deflate: bool = False) -> object:
    """The outcome of a request that comes at once."""
    return UpgradeRequest(origins or OriginRules(), deflate=deflate, secure=False).receive(data)


def test_upgrade_byte_by_byte() -> None:
    """A request gets its websocket when it is complete, and what follows it is kept."""
    pending = UpgradeRequest(OriginRules(), deflate=False, secure=False)
    data = request()

    assert [pending.receive(data[at : at + 1]) for at in range(len(data) - 1)] == [None] * (len(data) - 1)
    outcome = pending.receive(data[-1:] + b"rest")

    assert isinstance(outcome, Upgrade)
    assert outcome.response.startswith(b"HTTP/1.1 101 ")
    assert b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in outcome.response
    assert outcome.rest == b"rest"
    assert not outcome.deflate


@pytest.mark.parametrize("deflate", [False, True])
def test_compression_is_agreed_if_both_want_it(deflate: bool) -> None:  # noqa: FBT001 - a parameter of a test
    """The offer is taken where compression is on, with nothing kept between messages."""
    outcome = asked(request(Sec_WebSocket_Extensions="permessage-deflate"), deflate=deflate)

    assert isinstance(outcome, Upgrade)
    assert outcome.deflate == deflate
    assert (b"server_no_context_takeover; client_no_context_takeover" in outcome.response) == deflate


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (request(Sec_WebSocket_Version="12"), 400),
        (request(Sec_WebSocket_Key="short"), 400),
        (request(Upgrade="", Connection=""), 400),
        (request(Host=""), 400),
        (b"POST / HTTP/1.1\r\n\r\n", 400),
        (b"CONNECT {}\r\n\r\n", 400),
        (request("/mqtt"), 404),
        (request("/x/leafnode?a=b"), 404),
        (request(X="y" * REQUEST_BYTES), 431),
        (b"GET / HTTP/1.1\r\n" + b"y" * REQUEST_BYTES, 431),
    ],
)
def test_refusals(data: bytes, status: int) -> None:
    """W1, W2 and W9: each bad request has its status, and hears our version."""
    outcome = asked(data)

    assert isinstance(outcome, Refusal)
    assert outcome.status == status
    assert b"\r\nSec-WebSocket-Version: 13\r\n" in outcome.response()
    assert outcome.reason


@pytest.mark.parametrize(
    ("rules", "origin", "passes"),
    [
        (OriginRules(), "http://elsewhere", True),
        (OriginRules(same=True), "", True),
        (OriginRules(same=True), "http://localhost", True),
        (OriginRules(same=True), "http://localhost:81", False),
        (OriginRules(same=True), "null", False),
        (OriginRules(allowed=frozenset({("https", "a.example", 443)})), "https://a.example", True),
        (OriginRules(allowed=frozenset({("https", "a.example", 443)})), "http://a.example", False),
    ],
)
def test_origins(rules: OriginRules, origin: str, passes: bool) -> None:  # noqa: FBT001 - a parameter of a test
    """W1: a page of a foreign origin is refused with 403 where origins are limited."""
    outcome = asked(request(Origin=origin), rules)

    assert isinstance(outcome, Upgrade) == passes
    assert passes or (isinstance(outcome, Refusal) and outcome.status == 403)


def test_origin_without_a_host() -> None:
    """An origin names a scheme and a host."""
    with pytest.raises(ValueError, match="must be written"):
        parse_origin("a.example")
