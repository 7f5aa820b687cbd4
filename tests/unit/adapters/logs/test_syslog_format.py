"""Unit tests of lines for syslog."""

import json
import socket
import time
from collections.abc import Iterator

import pytest

from app.adapters.logs.structured import ProcessorChain
from app.adapters.logs.syslog_format import Facility, SyslogLine, json_text, plain_text
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
"""26 April 2016, 13:21:20 UTC."""


@pytest.fixture(name="zone")
def _zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Local time is that of the zone given as parameter."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", request.param)
        time.tzset()
        yield
    time.tzset()


def half_past(zone: str) -> pytest.MarkDecorator:
    """Run the test in a zone."""
    return pytest.mark.parametrize("zone", [zone], indirect=True)


utc = half_past("UTC0")
india = half_past("XXX-5:30")


@pytest.fixture(name="host", autouse=True)
def _host(monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine is called vm."""
    monkeypatch.setattr(socket, "gethostname", lambda: "vm")


def remote(fact: Event, at: float = MOMENT) -> str:
    """The line of process 42 for a daemon whose address was given."""
    return ProcessorChain([SyslogLine(Facility.KERNEL, 42, lambda: at, plain_text, local=False)]).line(fact)


def local(fact: Event, at: float = MOMENT) -> str:
    """The line of process 42 for the daemon of this machine."""
    return ProcessorChain([SyslogLine(Facility.DAEMON, 42, lambda: at, plain_text, local=True)]).line(fact)


@utc
@pytest.mark.usefixtures("zone")
def test_a_line_for_a_daemon_elsewhere() -> None:
    """Priority, RFC 3339 to the second, host, tag and process; no level in the text."""
    assert "<5>2016-04-26T13:21:20Z vm gnatsd[42]: Server is ready" == remote(ServerReady(None))


@india
@pytest.mark.usefixtures("zone")
def test_local_time_with_its_offset() -> None:
    """The stamp is local time, and says how far it is from UTC."""
    assert "<5>2016-04-26T18:51:20+05:30 vm gnatsd[42]: Server is ready" == remote(ServerReady(None))


@india
@pytest.mark.usefixtures("zone")
def test_a_line_for_the_daemon_of_this_machine() -> None:
    """The old stamp in local time, no host, and the facility of daemons."""
    assert "<29>Apr 26 18:51:20 gnatsd[42]: Server is ready" == local(ServerReady(None))


@utc
@pytest.mark.usefixtures("zone")
def test_a_day_of_one_digit() -> None:
    """A blank keeps the columns in line."""
    assert "<29>Jan  1 00:00:00 gnatsd[42]: Server is ready" == local(ServerReady(None), 0.0)


@pytest.mark.parametrize(
    ("fact", "severity"),
    [
        (ServerReady(None), 5),
        (AuthorizationFailed(None), 3),
        (ListenFailed(None, "::", 1, "taken"), 2),
        (ClientConnected(None), 7),
        (LineReceived(None, "PING"), 5),
    ],
    ids=["info", "error", "fatal", "debug", "trace"],
)
def test_priorities(fact: Event, severity: int) -> None:
    """Each level has gnatsd's severity, under the facility of the destination."""
    assert remote(fact).startswith(f"<{severity}>")
    assert local(fact).startswith(f"<{24 + severity}>")


@utc
@pytest.mark.usefixtures("zone")
def test_a_line_about_a_connection() -> None:
    """The text begins with the peer and the number of the connection."""
    assert (
        "<7>2016-04-26T13:21:20Z vm gnatsd[42]: 127.0.0.1:40000 - cid:7 - Client connection created"
    ) == remote(ClientConnected(LINK))


def test_a_peer_forges_no_line() -> None:
    """Line ends and escape sequences that a peer sent are spelt out."""
    line = local(ClientReportedError(LINK, "x\r\n<0>Apr 26 18:51:20 gnatsd[42]: \x1b[2J\0"))

    assert line.endswith(r"Client Error x\r\n<0>Apr 26 18:51:20 gnatsd[42]: \x1b[2J\x00")
    assert line.isprintable()


@utc
@pytest.mark.usefixtures("zone")
def test_json_after_the_header() -> None:
    """A fact as JSON keeps the header, and its keys."""
    line = ProcessorChain([SyslogLine(Facility.KERNEL, 42, lambda: 0.0, json_text, local=False)])

    header, _, text = line.line(ClientConnected(LINK)).partition(": ")

    assert "<7>1970-01-01T00:00:00Z vm gnatsd[42]" == header
    assert {
        "level": "debug",
        "event": "client_connected",
        "text": "Client connection created",
        "link": {"kind": "cid", "number": 7, "address": "127.0.0.1:40000"},
    } == json.loads(text)
