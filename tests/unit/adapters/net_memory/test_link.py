"""One link in memory, below any layers: pipes and streams."""

from typing import NoReturn

from app.adapters.clock_manual import ManualClock
from app.adapters.net_memory import MemoryWire, Pipe
from app.domain.sessions.wire import PeerAddress
from app.ports.layers import LayerFactory
from tests.fakes.handler import RecordingAcceptor, RecordingHandler
from tests.fakes.layers import Framed, Scrambled


def _fail(error: Exception) -> NoReturn:
    raise error


class Rig:
    """Both ends of a link, which no network made."""

    def __init__(self, *layers: LayerFactory, capacity: int = 1000) -> None:
        self.clock = ManualClock()
        self.acceptor = RecordingAcceptor()
        near, far = (MemoryWire(self.clock, _fail, PeerAddress("memory", number)) for number in (1, 2))
        self.there = Pipe(capacity, near.stream, far.stream)
        back = Pipe(capacity, far.stream, near.stream)
        near.join(self.there, back)
        far.join(back, self.there)
        near.start(self.acceptor, layers)
        far.start(self.acceptor, layers)

    @property
    def ends(self) -> list[RecordingHandler]:
        """Their handlers, the near one first."""
        return self.acceptor.handlers


def test_without_layers_the_wire_writes_to_the_stream() -> None:
    """Without layers the wire's write is that of the stream, with no call between."""
    rig = Rig()
    wire = rig.ends[0].wire

    assert isinstance(wire, MemoryWire)
    assert wire.write == wire.stream.write


def test_what_is_in_the_pipe_is_untaken() -> None:
    """It counts up to the capacity; the rest is pending."""
    rig = Rig(capacity=10)

    rig.ends[0].wire.write(b"x" * 15)

    assert (10, 5) == (rig.ends[0].wire.untaken(), rig.ends[0].wire.pending())
    assert rig.there.holds_data


def test_layers_change_what_is_in_the_pipe_only() -> None:
    """The other end reads what was written."""
    rig = Rig(Scrambled, Framed)

    rig.ends[0].wire.write(b"PING\r\n")
    room = memoryview(bytearray(100))
    travelling = bytes(room[: rig.there.take(room)])
    rig.there.put(travelling)
    rig.clock.run_pending()

    assert b"PING" not in travelling
    assert b"PING\r\n" == rig.ends[1].data


def test_a_stream_that_ended_sends_nothing() -> None:
    """Nothing is pending any more, and a late end of file goes nowhere."""
    rig = Rig(capacity=10)
    wire = rig.ends[0].wire
    assert isinstance(wire, MemoryWire)
    wire.write(b"x" * 15)

    wire.stream.abort()
    wire.stream.write_eof()

    assert 0 == wire.stream.get_write_buffer_size()
    assert not rig.there.shut
