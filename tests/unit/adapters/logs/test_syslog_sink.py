"""Unit tests of sending lines to a daemon that comes and goes."""

import errno
import threading

import pytest

from app.adapters.logs.line_writer import LineWriter
from app.adapters.logs.syslog_sink import FIRST_PAUSE, LONGEST_PAUSE, SyslogSink
from tests.fakes.syslog_carrier import REFUSED, ScriptedDaemon
from tests.support.patience import PATIENCE

SECONDS = PATIENCE
TOO_LONG = OSError(errno.EMSGSIZE, "Message too long")


class Pauses:
    """Pauses that take no time: keeps how long each was to be."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self._set = False

    def set(self) -> None:
        """Hurry."""
        self._set = True

    def is_set(self) -> bool:
        """Whether there is hurry."""
        return self._set

    def wait(self, timeout: float) -> bool:
        """Pause no time at all."""
        self.seconds.append(timeout)
        return self._set


def ignore(text: str) -> None:
    """A warning that the test expects."""


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


def test_a_daemon_that_is_restarted() -> None:
    """What could not be sent is sent again over a new connection, with one warning."""
    warnings: list[str] = []
    daemon = ScriptedDaemon(takes=[None, REFUSED, None, REFUSED])
    pauses = Pauses()
    sink = SyslogSink(daemon.connect, "udp://here:514", warnings.append, pauses)

    for line in ("one\n", "two\n", "three\n"):
        send(sink, line)

    assert ["one", "two", "three"] == daemon.lines
    assert (3, 1) == (daemon.attempts, daemon.open)
    assert [FIRST_PAUSE, FIRST_PAUSE] == pauses.seconds
    assert [
        "cannot reach udp://here:514: [Errno 111] Connection refused; log lines wait until it is back"
    ] == warnings


def test_pauses_grow() -> None:
    """A daemon that stays away is tried less and less often, up to a bound."""
    daemon = ScriptedDaemon(connects=[None, *[REFUSED] * 9], takes=[REFUSED])
    pauses = Pauses()
    sink = SyslogSink(daemon.connect, "here", ignore, pauses)

    send(sink, "late\n")

    assert ["late"] == daemon.lines
    assert [min(FIRST_PAUSE * 2**number, LONGEST_PAUSE) for number in range(10)] == pauses.seconds
    assert LONGEST_PAUSE == pauses.seconds[-1]


def test_what_was_taken_is_not_sent_again() -> None:
    """When a connection breaks between two lines the first is not repeated."""
    daemon = ScriptedDaemon(takes=[1, REFUSED])
    sink = SyslogSink(daemon.connect, "here", ignore, Pauses())

    send(sink, "one\ntwo\n")

    assert ["one", "two"] == daemon.lines


def test_a_line_the_network_cannot_carry() -> None:
    """A line that will never get through is an error at once, so that it does not block the log."""
    pauses = Pauses()
    sink = SyslogSink(ScriptedDaemon(takes=[TOO_LONG]).connect, "here", pytest.fail, pauses)

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


def test_lines_wait_and_what_is_too_much_is_counted() -> None:
    """While the daemon is away lines queue up to the bound; the rest is counted, and reported afterwards."""
    away, back = threading.Event(), threading.Event()

    class Outage(Pauses):
        def wait(self, timeout: float) -> bool:
            away.set()
            assert back.wait(SECONDS)
            return super().wait(timeout)

    daemon = ScriptedDaemon(takes=[REFUSED])
    sink = SyslogSink(daemon.connect, "here", ignore, Outage())
    writer = LineWriter(sink, lambda count: f"dropped {count}", pytest.fail, 10, sink.hurry)
    writer.write("one")
    assert away.wait(SECONDS)

    for line in ("two", "six", "eleven"):
        writer.write(line)
    back.set()
    writer.close()

    assert ["one", "two", "dropped 2"] == daemon.lines
    assert 0 == daemon.open


def test_closing_the_log_ends_an_outage() -> None:
    """A server that ends while the daemon is away tries once more, and does not wait for its return."""
    away = threading.Event()

    class Outage(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            away.set()
            return super().wait(None if timeout else 0)

    daemon = ScriptedDaemon(connects=[None, REFUSED, REFUSED], takes=[REFUSED])
    warnings: list[str] = []
    sink = SyslogSink(daemon.connect, "here", ignore, Outage())
    writer = LineWriter(sink, lambda count: f"dropped {count}", warnings.append, hurry=sink.hurry)
    writer.write("last")
    assert away.wait(SECONDS)

    writer.close(SECONDS)

    assert sink.closed
    assert 3 == daemon.attempts
    assert 1 == len(warnings)
