"""Unit tests of sending lines to a daemon that comes and goes."""

import errno
import threading

import pytest

from app.adapters.logs import syslog_sink
from app.adapters.logs.line_writer import LineWriter
from app.adapters.logs.syslog_sink import FIRST_PAUSE, LONGEST_PAUSE, SyslogSink
from tests.fakes.syslog_carrier import REFUSED, ScriptedDaemon

TOO_LONG = OSError(errno.EMSGSIZE, "Message too long")


class Pauses:
    """Stands in for the waiting: keeps how long each pause was to be."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self._set = False

    def wait(self, seconds: float) -> bool:
        """Pause no time at all."""
        self.seconds.append(seconds)
        return self._set

    def set(self) -> None:
        """Hurry."""
        self._set = True

    def is_set(self) -> bool:
        """Whether there is hurry."""
        return self._set


@pytest.fixture(name="pauses", autouse=True)
def _pauses(monkeypatch: pytest.MonkeyPatch) -> Pauses:
    """No sink of these tests waits for real."""
    pauses = Pauses()
    monkeypatch.setattr(syslog_sink.threading, "Event", lambda: pauses)
    return pauses


def send(sink: SyslogSink, text: str) -> None:
    """Write all of it."""
    data = memoryview(text.encode())
    while data:
        data = data[sink.write(data) :]


def test_lines_arrive() -> None:
    """Lines arrive one by one, in order, over one connection."""
    daemon = ScriptedDaemon()
    sink = SyslogSink(daemon.connect, "here", pytest.fail)

    send(sink, "one\ntwo\nthree\n")
    sink.close()

    assert ["one", "two", "three"] == daemon.lines
    assert (1, 0) == (daemon.attempts, daemon.open)


def test_no_daemon_at_the_start() -> None:
    """Without a daemon there is no sink; nothing is left open, and closing is silent."""
    daemon = ScriptedDaemon(connects=[REFUSED])

    with pytest.raises(ConnectionRefusedError):
        SyslogSink(daemon.connect, "here", pytest.fail)


def test_a_daemon_that_is_restarted(pauses: Pauses) -> None:
    """What could not be sent is sent again over a new connection, and one warning tells of it."""
    warnings: list[str] = []
    daemon = ScriptedDaemon(takes=[None, REFUSED, None, REFUSED])
    sink = SyslogSink(daemon.connect, "udp://here:514", warnings.append)

    for line in ("one\n", "two\n", "three\n"):
        send(sink, line)

    assert ["one", "two", "three"] == daemon.lines
    assert (3, 1) == (daemon.attempts, daemon.open)
    assert [FIRST_PAUSE, FIRST_PAUSE] == pauses.seconds
    assert [
        "cannot reach udp://here:514: [Errno 111] Connection refused; log lines wait until it is back"
    ] == warnings


def test_pauses_grow(pauses: Pauses) -> None:
    """A daemon that stays away is tried less and less often, up to a bound."""
    daemon = ScriptedDaemon(connects=[None, *[REFUSED] * 9], takes=[REFUSED])
    sink = SyslogSink(daemon.connect, "here", lambda _text: None)

    send(sink, "late\n")

    assert ["late"] == daemon.lines
    assert [min(FIRST_PAUSE * 2**number, LONGEST_PAUSE) for number in range(10)] == pauses.seconds
    assert LONGEST_PAUSE == pauses.seconds[-1]


def test_what_was_taken_is_not_sent_again() -> None:
    """When a connection breaks between two lines the first is not repeated."""
    daemon = ScriptedDaemon(takes=[1, REFUSED])
    sink = SyslogSink(daemon.connect, "here", lambda _text: None)

    send(sink, "one\ntwo\n")

    assert ["one", "two"] == daemon.lines


def test_a_line_the_network_cannot_carry(pauses: Pauses) -> None:
    """A line that will never get through is an error at once, so that it does not block the log."""
    sink = SyslogSink(ScriptedDaemon(takes=[TOO_LONG]).connect, "here", pytest.fail)

    with pytest.raises(OSError, match="Message too long"):
        sink.write(memoryview(b"long\n"))

    assert [] == pauses.seconds


def test_hurry_ends_the_waiting() -> None:
    """At the end of the server trouble is an error, and nobody waits."""
    daemon = ScriptedDaemon(takes=[REFUSED])
    sink = SyslogSink(daemon.connect, "here", pytest.fail)

    sink.hurry()

    with pytest.raises(ConnectionRefusedError):
        sink.write(memoryview(b"last\n"))
    assert 0 == daemon.open


def test_a_line_longer_than_a_chunk() -> None:
    """However long a line is, it is handed on whole."""
    daemon = ScriptedDaemon()
    sink = SyslogSink(daemon.connect, "here", pytest.fail)
    long = 100_000 * "x"

    send(sink, f"{long}\nnext\n")

    assert [long, "next"] == daemon.lines


def test_many_lines_are_sent_in_chunks() -> None:
    """A long backlog is handed on in pieces, each of whole lines."""
    daemon = ScriptedDaemon()
    sink = SyslogSink(daemon.connect, "here", pytest.fail)
    lines = [f"line {number}" for number in range(20_000)]

    send(sink, "\n".join(lines) + "\n")

    assert lines == daemon.lines


def test_lines_wait_and_what_is_too_much_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """While the daemon is away lines queue up to the bound; the rest is counted, and reported when it is back."""
    monkeypatch.undo()
    away, back = threading.Event(), threading.Event()
    daemon = ScriptedDaemon(takes=[None, REFUSED])
    first = daemon.connect()

    def connect() -> syslog_sink.Carrier:
        if daemon.attempts == 1:
            daemon.attempts += 1
            return first
        away.set()
        assert back.wait(20)
        return daemon.connect()

    sink = SyslogSink(connect, "here", lambda _text: None)
    writer = LineWriter(sink, lambda count: f"dropped {count}", pytest.fail, 10, sink.hurry)

    writer.write("one")
    writer.write("two")
    assert away.wait(20)
    for line in ("six", "ten", "eleven"):
        writer.write(line)
    back.set()
    writer.close()

    assert "one" == daemon.lines[0]
    assert "dropped" in daemon.lines[-1]
