"""What an event loop drives: the wire itself, or the lowest of its layers."""

import asyncio
import socket
from collections.abc import Callable
from typing import NoReturn

import pytest

from app.adapters.clock_manual import ManualClock
from app.adapters.net_asyncio.tcp_wire import LayeredProtocol, LoopScheduler, TcpWire, loop_protocol
from app.domain.sessions.wire import PeerAddress
from app.ports.layers import LayerFactory, LinkSetup, stack
from app.ports.stream_wire import LinkContext
from tests.fakes.asyncio_transport import FakeTransport
from tests.fakes.handler import RecordingAcceptor
from tests.fakes.layers import Framed, Scrambled


def _fail(error: Exception) -> NoReturn:
    raise error


class Rig:
    """A wire, its layers, and what the loop has of them."""

    def __init__(self, *layers: LayerFactory, keep: Callable[[int], bool] | None = None) -> None:
        clock = ManualClock()
        self.acceptor = RecordingAcceptor()
        self.transport = FakeTransport()
        self.wire = TcpWire(LinkContext(clock, self.acceptor, _fail, keep), PeerAddress("192.0.2.1", 1234))
        self.lowest = stack(self.wire, layers, LinkSetup(clock))
        self.protocol = loop_protocol(self.wire, self.lowest)
        self.protocol.connection_made(self.transport)


def test_without_layers_the_loop_drives_the_wire() -> None:
    """No object and no call is between; writing is the transport's own method."""
    rig = Rig()

    assert rig.protocol is rig.wire
    assert rig.wire.write == rig.transport.write
    assert rig.acceptor.handlers[0].open


def test_with_layers_the_loop_calls_the_lowest_one() -> None:
    """A read takes no detour: what the loop looks up are the layer's own methods."""
    rig = Rig(Framed, Scrambled)

    assert isinstance(rig.protocol, LayeredProtocol)
    assert isinstance(rig.protocol, asyncio.BufferedProtocol)
    assert isinstance(rig.lowest, Framed)
    assert rig.protocol.get_buffer == rig.lowest.get_buffer
    assert rig.protocol.buffer_updated == rig.lowest.buffer_updated


def test_a_lost_link_is_passed_through_the_layers() -> None:
    """The handler hears of it once, and the layers let each other go."""
    rig = Rig(Framed, Scrambled)

    rig.protocol.connection_lost(None)

    assert [None] == rig.acceptor.handlers[0].losses
    assert not hasattr(rig.lowest, "upper")


def test_what_was_not_taken_is_asked_of_the_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    """Through any layers, and not after the end."""
    rig = Rig(Scrambled)
    near, far = socket.socketpair()
    monkeypatch.setattr(rig.transport, "get_extra_info", lambda _name: near)
    with near, far:
        near.send(b"12345")
        untaken = rig.wire.untaken()
        rig.wire.abort()

    assert untaken >= 5
    assert 0 == rig.wire.untaken()


class Keeper:
    """Keeps links, or not, and notes of which it was asked."""

    def __init__(self, *, keeps: bool = True) -> None:
        self.asked: list[int] = []
        self._keeps = keeps

    def keep(self, descriptor: int) -> bool:
        """See `LinkContext.keep`."""
        self.asked.append(descriptor)
        return self._keeps


@pytest.mark.parametrize("keeps", [True, False])
def test_an_idle_link_may_be_kept(monkeypatch: pytest.MonkeyPatch, *, keeps: bool) -> None:
    """A link that is kept is left without a word to its peer; another one ends as always."""
    keeper = Keeper(keeps=keeps)
    rig = Rig(keep=keeper.keep)
    near, far = socket.socketpair()
    monkeypatch.setattr(rig.transport, "get_extra_info", lambda _name: near)
    with near, far:
        rig.wire.close()
        rig.wire.close()

        assert [near.fileno()] == keeper.asked
    assert keeps is ("abort" in rig.transport.requests)
    assert keeps is not ("write_eof" in rig.transport.requests)


def test_which_links_are_never_kept() -> None:
    """Those with something to send, those whose peer has ended, and those with layers, which say goodbye."""
    keeper = Keeper()
    pending, ended, layered = Rig(keep=keeper.keep), Rig(keep=keeper.keep), Rig(Framed, keep=keeper.keep)
    pending.wire.write(b"wait")
    ended.wire.eof_received()

    for rig in (pending, ended, layered):
        rig.wire.close()

    assert [] == keeper.asked
    assert ["close"] == [request for request in ended.transport.requests if request == "close"]


def test_the_timers_are_the_loops() -> None:
    """Time and calls are those of one event loop."""
    loop = asyncio.new_event_loop()
    try:
        scheduler, calls = LoopScheduler(loop), list[str]()
        scheduler.call_later(0.0, loop.stop)
        scheduler.call_later(60.0, loop.stop).cancel()
        scheduler.call_soon(lambda: calls.append("soon"))
        loop.run_forever()

        assert ["soon"] == calls
        assert abs(scheduler.monotonic() - loop.time()) < 60
    finally:
        loop.close()
