"""A link between a transport and a handler, in virtual time."""

import errno
from collections.abc import Callable
from functools import partial
from typing import NoReturn

import pytest

from app.adapters.clock_manual import ManualClock
from app.domain.sessions.wire import PeerAddress, Wire
from app.ports.layers import begin
from app.ports.stream_wire import LinkContext, StreamWire
from app.ports.transport import HIGH_WATER, LINGER_SECONDS, LOW_WATER
from tests.fakes.asyncio_transport import FakeTransport
from tests.fakes.handler import (
    ClosingHandler,
    FaultyHandler,
    HandlerFactory,
    ReceiveRoom,
    RecordingAcceptor,
    RecordingHandler,
)


class Link:
    """A wire that was just connected, and everything around it."""

    def __init__(
        self, factory: HandlerFactory = RecordingHandler, *, write_eof_error: OSError | None = None
    ) -> None:
        self.clock = ManualClock()
        self.failures: list[Exception] = []
        self.transport = FakeTransport(write_eof_error=write_eof_error)
        acceptor = RecordingAcceptor(factory=factory)
        context = LinkContext(self.clock, acceptor, self.failures.append)
        self.wire = StreamWire(context, PeerAddress("192.0.2.1", 1234))
        begin(self.wire, self.transport)
        self.handler = acceptor.handlers[0]

    def receive(self, data: bytes) -> None:
        """Do what an event loop does when data has come in."""
        self.wire.get_buffer(-1)[: len(data)] = data
        self.wire.buffer_updated(len(data))


def test_writing_costs_no_detour() -> None:
    """While the link is open, what is called for each delivery is the transport's own."""
    link = Link()

    assert link.wire.write == link.transport.write
    assert link.wire.pending == link.transport.get_write_buffer_size


def test_pieces_are_passed_on_together() -> None:
    """Several pieces reach the transport in order, as one write."""
    link = Link()

    link.wire.writelines([b"MSG a 1 5\r\n", b"hello\r\n"])

    assert b"MSG a 1 5\r\nhello\r\n" == link.transport.written


def test_the_water_marks_are_the_ports() -> None:
    """The transport gets the two water marks of the port."""
    assert Link().transport.limits == [(HIGH_WATER, LOW_WATER)]


def test_input_goes_to_the_handler() -> None:
    """What the loop received stands in the handler's room."""
    link = Link()

    link.receive(b"PING\r\n")

    assert link.handler.data == b"PING\r\n"


def test_a_plain_link_is_open_at_once() -> None:
    """The handler of a plain link gets `opened` right after the acceptor returns; `security` is none."""
    link = Link()

    assert link.handler.open
    assert link.wire.security is None


def test_a_link_that_is_refused_is_never_open() -> None:
    """A handler that ends the link while it is accepted gets no `opened`."""

    def refuse(wire: Wire, room: ReceiveRoom, on_change: Callable[[], None]) -> RecordingHandler:
        wire.close()
        return RecordingHandler(wire, room, on_change)

    assert not Link(refuse).handler.open


def test_drained_is_not_called_within_the_loops_call() -> None:
    """The handler gets it in a later call, so that it may abort without harm to the loop."""
    link = Link()

    link.wire.resume_writing()
    calls_at_once = list(link.handler.calls)
    link.clock.run_pending()

    assert calls_at_once == []
    assert link.handler.calls == ["drained"]


def test_drained_is_not_called_after_the_end() -> None:
    """A link that ended before that later call gives its handler no `drained`."""
    link = Link()

    link.wire.resume_writing()
    link.wire.abort()
    link.clock.run_pending()

    assert link.handler.calls == []


def test_a_handler_that_cannot_reserve_is_cut_after_the_read() -> None:
    """The loop gets room it may fill, and the link is aborted when the loop is out of its read."""
    link = Link(partial(FaultyHandler, fault="reserve"))

    link.receive(b"x")
    requests_within_the_read = list(link.transport.requests)
    link.clock.run_pending()

    assert requests_within_the_read == []
    assert link.transport.requests == ["abort"]
    assert [type(failure) for failure in link.failures] == [ZeroDivisionError]
    assert link.handler.calls == []


@pytest.mark.parametrize("call", ["drained", "lingering", "attaching"])
def test_no_memory_ends_one_link(call: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A failed allocation in a call of the loop aborts its link, and raises nothing into the loop."""

    def fail(*_: object, **__: object) -> NoReturn:
        raise MemoryError

    if call == "attaching":
        monkeypatch.setattr(FakeTransport, "set_write_buffer_limits", fail)
        failures: list[Exception] = []
        transport = FakeTransport()
        context = LinkContext(ManualClock(), RecordingAcceptor(), failures.append)
        begin(StreamWire(context, PeerAddress("192.0.2.1", 1234)), transport)
    else:
        link = Link()
        transport, failures = link.transport, link.failures
        link.wire.close()
        monkeypatch.setattr(link.wire, "pending", fail)
        if call == "drained":
            link.wire.resume_writing()
            link.clock.run_pending()
        else:
            link.clock.advance(LINGER_SECONDS)

    assert transport.requests[-1] == "abort"
    assert [type(failure) for failure in failures] == [MemoryError]


def test_no_memory_for_the_report_either() -> None:
    """Where not even the line about it can be made, the link ends all the same."""

    def fail(_error: Exception) -> NoReturn:
        raise MemoryError

    acceptor = RecordingAcceptor(factory=partial(FaultyHandler, fault="received"))
    wire = StreamWire(LinkContext(ManualClock(), acceptor, fail), PeerAddress("192.0.2.1", 1234))
    transport = FakeTransport()
    begin(wire, transport)

    wire.get_buffer(-1)[:1] = b"x"
    wire.buffer_updated(1)

    assert transport.requests[-1] == "abort"


def test_reading_is_paused_and_resumed() -> None:
    """The handler's wish is passed on."""
    link = Link()

    link.wire.pause()
    link.wire.resume()

    assert link.transport.requests == ["pause_reading", "resume_reading"]


def test_after_the_end_of_input_reading_stays_as_it_is() -> None:
    """Some loops would read the end of file again, and tell it twice."""
    link = Link()

    stays_open = link.wire.eof_received()
    link.wire.pause()
    link.wire.resume()

    assert stays_open
    assert link.transport.requests == []


def test_closing_sends_the_end_of_file_and_reads_on() -> None:
    """With nothing pending our end of file goes out at once; input is read, to be discarded."""
    link = Link()
    link.wire.pause()

    link.wire.close()
    link.receive(b"too late")

    assert link.transport.requests == ["pause_reading", "resume_reading", "write_eof"]
    assert link.handler.calls == []


def test_the_end_of_file_waits_for_what_is_pending() -> None:
    """With data pending our end of file goes out when the transport reports that all is sent."""
    link = Link()
    link.transport.buffered = 1

    link.wire.close()
    requests_before = list(link.transport.requests)
    link.transport.buffered = 0
    link.wire.resume_writing()
    link.clock.run_pending()

    assert requests_before == ["resume_reading"]
    assert link.transport.limits[-1] == (0, None)
    assert link.transport.requests == ["resume_reading", "write_eof"]


def test_a_half_close_of_a_dead_link_is_no_failure() -> None:
    """A peer that has reset the link unnoticed makes the close an abort."""
    link = Link(write_eof_error=OSError(errno.ENOTCONN, "not connected"))

    link.wire.close()

    assert link.transport.requests == ["resume_reading", "write_eof", "abort"]
    assert link.failures == []


def test_closing_after_the_peer_needs_no_lingering_for_it() -> None:
    """When the peer's end of file is in, the transport may end as soon as all is sent."""
    link = Link()
    link.wire.eof_received()

    link.wire.close()

    assert link.transport.requests == ["close"]
    assert link.clock.timers_outstanding == 0


def test_a_peer_that_has_ended_need_not_take_the_rest() -> None:
    """What is pending when the peer has sent its end of file is given up after `LINGER_SECONDS`."""
    link = Link()
    link.transport.buffered = 1
    link.wire.eof_received()
    link.wire.close()

    link.clock.advance(LINGER_SECONDS)

    assert link.transport.requests == ["close", "abort"]


def test_the_peers_end_of_file_ends_a_closing_link() -> None:
    """While closing, the loop is asked to close the link fully, and the handler gets no call."""
    link = Link()
    link.wire.close()

    stays_open = link.wire.eof_received()

    assert not stays_open
    assert link.handler.calls == []


@pytest.mark.parametrize(("pending", "expected"), [(0, "close"), (1, "abort")])
def test_lingering_has_an_end(pending: int, expected: str) -> None:
    """After `LINGER_SECONDS` the link ends; what is still pending then is given up."""
    link = Link()
    link.transport.buffered = pending
    link.wire.close()

    link.clock.advance(LINGER_SECONDS - 0.001)
    requests_before = list(link.transport.requests)
    link.clock.advance(0.001)

    assert link.transport.requests == [*requests_before, expected]


def test_a_lost_link_leaves_nothing_behind() -> None:
    """Once lost, the linger timer is gone, nothing is pending, and nothing reaches the transport."""
    link = Link()
    link.wire.close()
    requests_before = list(link.transport.requests)

    link.wire.connection_lost(None)
    link.wire.write(b"too late")
    link.wire.writelines([b"too late"])
    for request in (link.wire.pause, link.wire.resume, link.wire.close, link.wire.abort):
        request()
    link.clock.advance(10 * LINGER_SECONDS)

    assert link.handler.losses == [None]
    assert link.wire.pending() == 0
    assert link.transport.requests == requests_before
    assert link.clock.timers_outstanding == 0


def test_an_end_from_within_a_call_stops_the_input() -> None:
    """A handler that aborts while it receives is given no more of the same read."""
    link = Link(partial(ClosingHandler, parting="abort"))

    link.receive(b"one")
    link.receive(b"two")

    assert link.handler.data == b"one"
    assert link.transport.requests == ["abort"]


def test_an_end_of_input_before_the_acceptor_ends_the_link() -> None:
    """A peer that leaves during a handshake, before there is a handler, keeps no link half open."""
    transport = FakeTransport()
    wire = StreamWire(LinkContext(ManualClock(), RecordingAcceptor(), _fail), PeerAddress("192.0.2.1", 1234))
    wire.attach(transport)

    assert not wire.eof_received()


def _fail(error: Exception) -> NoReturn:
    raise error
