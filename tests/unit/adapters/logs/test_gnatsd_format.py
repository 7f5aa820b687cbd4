"""Unit tests of gnatsd's line."""

import time
from collections.abc import Iterator

import pytest

from app.adapters.logs.gnatsd_format import GnatsdLine
from app.domain.events import (
    AuthorizationFailed,
    ClientConnected,
    ClientReportedError,
    Event,
    LineReceived,
    Link,
    ListenFailed,
    ServerReady,
)

LINK = Link("cid", 7, "127.0.0.1:40000")
MOMENT = 1_461_676_880.379640


@pytest.fixture(name="half_past_zone", autouse=True)
def _half_past_zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Local time is five and a half hours ahead of UTC."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "XXX-5:30")
        time.tzset()
        yield
    time.tzset()


def line(fact: Event, at: float | None = None, *, colours: bool = False) -> str:
    """The line of process 2842; stamped when `at` is given."""
    stamp = {} if at is None else {"time": at}
    return GnatsdLine(2842, colours=colours)(None, "record", {"fact": fact, **stamp})


def test_a_stamped_line() -> None:
    """Process, local time with six digits, level and sentence, as gnatsd puts them."""
    assert "[2842] 2016/04/26 18:51:20.379640 [INF] Server is ready" == line(ServerReady(None), MOMENT)


def test_a_whole_second_has_six_digits() -> None:
    """Zeros are not left out, so that columns line up."""
    assert "[2842] 1970/01/01 05:30:00.000000 [INF] Server is ready" == line(ServerReady(None), 0.0)


def test_a_line_without_time() -> None:
    """Without a stamp the time and its blank are missing."""
    assert "[2842] [INF] Server is ready" == line(ServerReady(None))


def test_a_line_about_a_connection() -> None:
    """The peer and the connection's number stand before the sentence."""
    assert "[2842] [DBG] 127.0.0.1:40000 - cid:7 - Client connection created" == line(ClientConnected(LINK))


def test_a_line_about_a_route_over_ipv6() -> None:
    """Routes are numbered as rid; IPv6 addresses have no brackets."""
    link = Link("rid", 3, "::1:57860")

    assert "[2842] [ERR] ::1:57860 - rid:3 - Authorization Error" == line(AuthorizationFailed(link))


@pytest.mark.parametrize(
    ("fact", "label"),
    [
        (ServerReady(None), "[\x1b[32mINF\x1b[0m]"),
        (ClientConnected(None), "[\x1b[36mDBG\x1b[0m]"),
        (LineReceived(None, "PING"), "[\x1b[33mTRC\x1b[0m]"),
        (AuthorizationFailed(None), "[\x1b[31mERR\x1b[0m]"),
        (ListenFailed(None, "::", 1, "taken"), "[\x1b[31mFTL\x1b[0m]"),
    ],
    ids=["info", "debug", "trace", "error", "fatal"],
)
def test_colours(fact: Event, label: str) -> None:
    """On a terminal each level has gnatsd's colour, its brackets have none."""
    assert f"[2842] {label} {fact.text()}" == line(fact, colours=True)


def test_a_peer_forges_no_line() -> None:
    """Line ends and escape sequences that a peer sent are spelt out."""
    fact = ClientReportedError(LINK, "x\r\n[2842] [INF] \x1b[2J\0")

    assert r"[2842] [ERR] 127.0.0.1:40000 - cid:7 - Client Error x\r\n[2842] [INF] \x1b[2J\x00" == line(fact)
