"""The transport in memory, in virtual time; what it shares with TCP is in the conformance suite."""

from dataclasses import dataclass
from functools import partial
from typing import NoReturn

import pytest

from app.adapters.clock_manual import ManualClock
from app.adapters.net_memory import CAPACITY, MemoryNetwork, MemoryWire
from app.domain.sessions.wire import PeerAddress
from app.ports.transport import HIGH_WATER, LINGER_SECONDS, LOW_WATER, Address, ListenError
from tests.fakes.handler import FaultyHandler, ReceiveRoom, RecordingAcceptor, RecordingHandler

ANYWHERE = "0.0.0.0"  # noqa: S104 - a name; nothing is bound
BROKER = Address("broker", 4222)


@dataclass
class Link:
    """Both ends of a link: wires to act on, handlers to look at."""

    near: MemoryWire
    near_handler: RecordingHandler
    far_handler: RecordingHandler

    @property
    def far(self) -> MemoryWire:
        """The accepted end."""
        assert isinstance(self.far_handler.wire, MemoryWire)
        return self.far_handler.wire


class World:
    """A clock, a network, and the one acceptor in it."""

    def __init__(self, *, capacity: int = CAPACITY) -> None:
        self.clock = ManualClock()
        self.failures: list[Exception] = []
        self.network = MemoryNetwork(self.clock, capacity=capacity, on_failure=self.failures.append)
        self.accepted = RecordingAcceptor()
        self.dialled = RecordingAcceptor()

    def link(self) -> Link:
        """Make a link to `BROKER`, and let it be accepted."""
        if not self.accepted.handlers:
            self.network.bind(BROKER.host, BROKER.port, self.accepted)
        near = self.network.connect(BROKER, self.dialled)
        self.clock.run_pending()
        return Link(near, self.dialled.handlers[-1], self.accepted.handlers[-1])


def test_nothing_happens_before_the_clock_runs() -> None:
    """Connecting, writing and ending call nobody at the other end from within."""
    world = World()
    world.network.bind(BROKER.host, BROKER.port, world.accepted)

    near = world.network.connect(BROKER, world.dialled)
    accepted_at_once = len(world.accepted.handlers)
    world.clock.run_pending()
    near.write(b"x")
    near.abort()

    assert accepted_at_once == 0
    assert world.accepted.handlers[0].calls == []
    assert world.dialled.handlers[0].calls == []


def test_both_ends_write_and_read() -> None:
    """A link carries bytes both ways, also those written before it was accepted."""
    world = World()
    world.network.bind(BROKER.host, BROKER.port, world.accepted)

    near = world.network.connect(BROKER, world.dialled)
    near.write(b"CONNECT {}\r\n")
    world.clock.run_pending()
    world.accepted.handlers[0].wire.write(b"+OK\r\n")
    world.clock.run_pending()

    assert world.accepted.handlers[0].data == b"CONNECT {}\r\n"
    assert world.dialled.handlers[0].data == b"+OK\r\n"


def test_both_ends_know_each_other() -> None:
    """The dialling end names the address it dialled, the accepting one a port of its own per link."""
    world = World()

    first, second = world.link(), world.link()

    assert first.near.peer == PeerAddress("broker", 4222)
    assert first.far.peer.ip == "127.0.0.1"
    assert first.far.peer != second.far.peer


def test_input_is_taken_room_by_room() -> None:
    """One step of the clock fills the reserved room once, so that links take turns."""
    world = World()
    world.accepted = RecordingAcceptor(room=ReceiveRoom(size=4))
    one, two = world.link(), world.link()
    turns: list[str] = []
    for name, link in (("one", one), ("two", two)):
        link.near.write(b"12345678")
        link.far_handler.on_note = partial(turns.append, name)

    world.clock.run_pending()

    assert turns == ["one", "two", "one", "two"]


def test_only_what_exceeds_the_capacity_is_pending() -> None:
    """Bytes within the capacity count as passed on, as with a kernel's buffer."""
    link = World(capacity=100).link()
    link.far.pause()

    link.near.write(b"x" * 100)
    within = link.near.pending()
    link.near.write(b"x" * 30)

    assert within == 0
    assert link.near.pending() == 30


def test_drained_is_called_at_the_low_water_mark() -> None:
    """A writer above the high-water mark gets `drained` once, at the low-water mark."""
    world = World(capacity=1000)
    world.accepted = RecordingAcceptor(room=ReceiveRoom(size=1000))
    link = world.link()
    pending: list[int] = []
    link.near_handler.on_note = lambda: pending.append(link.near.pending())

    link.near.write(b"x" * (1000 + HIGH_WATER + 1))
    world.clock.run_pending()

    assert link.near_handler.calls == ["drained"]
    assert LOW_WATER - 2000 < pending[0] <= LOW_WATER


def test_drained_is_not_called_below_the_high_water_mark() -> None:
    """A writer that stayed at the mark or below gets no `drained`."""
    world = World(capacity=1000)
    link = world.link()

    link.near.write(b"x" * (1000 + HIGH_WATER))
    world.clock.run_pending()

    assert link.near_handler.calls == []


def test_the_end_of_file_waits_after_the_data() -> None:
    """A paused reader learns of the end only after it has read everything before it."""
    world = World()
    link = world.link()
    link.far.pause()

    link.near.write(b"last words")
    link.near.write_eof()
    world.clock.run_pending()
    calls_while_paused = list(link.far_handler.calls)
    link.far.resume()
    world.clock.run_pending()

    assert calls_while_paused == []
    assert link.far_handler.calls == ["received", "eof_received"]


def test_writes_after_the_end_of_file_are_ignored() -> None:
    """A half-closed end sends no more, and still receives."""
    world = World()
    link = world.link()

    link.near.write_eof()
    link.near.write(b"too late")
    link.far.write(b"still here")
    world.clock.run_pending()

    assert link.far_handler.calls == ["eof_received"]
    assert link.near_handler.data == b"still here"


def test_an_abort_resets_the_other_end() -> None:
    """The aborting end is lost without an error, the other one with a reset; what was under way is gone."""
    world = World()
    link = world.link()

    link.near.write(b"never read")
    link.near.abort()
    world.clock.run_pending()

    assert link.near_handler.losses == [None]
    assert link.far_handler.calls == ["connection_lost"]
    assert isinstance(link.far_handler.losses[0], ConnectionResetError)


def test_both_ends_of_file_end_a_link() -> None:
    """A link that both ends close is over at once, and leaves no timer behind."""
    world = World()
    link = world.link()

    link.near.close()
    link.far.close()
    world.clock.run_pending()

    assert link.near_handler.losses == [None]
    assert link.far_handler.losses == [None]
    assert world.clock.timers_outstanding == 0


def test_a_closing_end_lingers_for_its_time() -> None:
    """Without the peer's end of file a closed link is lost after `LINGER_SECONDS`, not before."""
    world = World()
    link = world.link()

    link.near.close()
    world.clock.advance(LINGER_SECONDS - 0.001)
    calls_before = list(link.near_handler.calls)
    world.clock.advance(0.001)

    assert calls_before == []
    assert link.near_handler.losses == [None]
    assert link.far_handler.calls == ["eof_received"]


def test_a_closing_end_discards_its_input() -> None:
    """A closed end takes everything off its peer's hands, and hands none of it on."""
    world = World()
    link = world.link()
    link.near.pause()
    link.far.write(b"x" * (CAPACITY + HIGH_WATER + 1))

    link.near.close()
    world.clock.run_pending()

    assert link.far.pending() == 0
    assert sorted(link.far_handler.calls) == ["drained", "eof_received"]
    assert link.near_handler.calls == []


def test_what_cannot_be_sent_while_lingering_is_lost() -> None:
    """A closed end whose peer does not read gives up in time, and the peer learns that bytes are missing."""
    world = World()
    link = world.link()
    link.far.pause()

    link.near.write(b"x" * (CAPACITY + 1))
    link.near.close()
    world.clock.advance(LINGER_SECONDS)

    assert link.near_handler.calls == ["connection_lost"]
    assert isinstance(link.far_handler.losses[0], ConnectionResetError)


def test_writing_to_an_end_that_is_gone_is_a_reset() -> None:
    """An end that writes after the other one stopped lingering is lost once, in a later call."""
    world = World()
    link = world.link()
    link.near.close()
    world.clock.advance(LINGER_SECONDS)

    link.far.write(b"anybody there?")
    calls_at_once = list(link.far_handler.calls)
    link.far.write(b"hello?")
    world.clock.run_pending()

    assert calls_at_once == ["eof_received"]
    assert link.far_handler.calls == ["eof_received", "connection_lost"]
    assert isinstance(link.far_handler.losses[0], ConnectionResetError)


def test_a_link_still_waiting_when_its_listener_closes_is_reset() -> None:
    """A listener that closes before it accepted a link leaves its dialler with a reset."""
    world = World()
    address = world.network.bind(BROKER.host, BROKER.port, world.accepted)

    world.network.connect(address, world.dialled)
    world.network.unbind(address)
    world.clock.run_pending()

    assert world.accepted.handlers == []
    assert isinstance(world.dialled.handlers[0].losses[0], ConnectionResetError)


def test_a_link_given_up_while_it_waits_is_never_accepted() -> None:
    """A dialler that aborts before its link was accepted is not seen by the acceptor."""
    world = World()
    world.network.bind(BROKER.host, BROKER.port, world.accepted)

    world.network.connect(BROKER, world.dialled).abort()
    world.clock.run_pending()

    assert world.accepted.handlers == []
    assert world.dialled.handlers[0].losses == [None]


def test_nobody_listens_at_an_unknown_address() -> None:
    """Dialling an address without a listener is refused, and says which."""
    world = World()
    world.network.bind("other", 4222, world.accepted)

    with pytest.raises(ConnectionRefusedError, match="no listener on broker:4222"):
        world.network.connect(BROKER, world.dialled)


def test_hosts_are_kept_apart() -> None:
    """Two hosts may listen on one port, and each gets its own links."""
    world = World()
    other = RecordingAcceptor()
    world.network.bind("broker", 4222, world.accepted)
    world.network.bind("other", 4222, other)

    world.network.connect(Address("other", 4222), world.dialled)
    world.clock.run_pending()

    assert len(other.handlers) == 1
    assert world.accepted.handlers == []


def test_a_wildcard_listener_takes_the_links_to_every_host() -> None:
    """Host 0.0.0.0 stands for all hosts."""
    world = World()
    world.network.bind(ANYWHERE, 4222, world.accepted)

    world.network.connect(Address("any.host", 4222), world.dialled)
    world.clock.run_pending()

    assert len(world.accepted.handlers) == 1


@pytest.mark.parametrize(
    ("first", "second"), [("broker", "broker"), (ANYWHERE, "broker"), ("broker", ANYWHERE)]
)
def test_a_port_is_taken_once_per_host(first: str, second: str) -> None:
    """A host's port, and with a wildcard every host's, has one listener at a time."""
    network = World().network
    network.bind(first, 4222, RecordingAcceptor())

    with pytest.raises(ListenError, match="address already in use"):
        network.bind(second, 4222, RecordingAcceptor())


def test_an_address_is_free_again_after_its_listener() -> None:
    """Once a listener has gone, another may take its address."""
    network = World().network
    address = network.bind("broker", -1, RecordingAcceptor())

    network.unbind(address)

    assert network.bind(address.host, address.port, RecordingAcceptor()) == address


def test_a_dialer_opens_a_link_later() -> None:
    """Dialling calls nobody at once; then the acceptor gets the wire, and nobody is refused."""
    world = World()
    world.network.bind(BROKER.host, BROKER.port, world.accepted)
    refusals: list[str] = []

    world.network.dialer().dial(BROKER.host, BROKER.port, world.dialled, refusals.append)
    dialled_at_once = len(world.dialled.handlers)
    world.clock.run_pending()

    assert dialled_at_once == 0
    assert [handler.open for handler in world.dialled.handlers] == [True]
    assert [handler.open for handler in world.accepted.handlers] == [True]
    assert refusals == []


def test_a_dialer_says_that_nobody_listens() -> None:
    """Where nobody listens the dial is refused, later, and in plain words."""
    world = World()
    refusals: list[str] = []

    world.network.dialer().dial("broker", 1, world.dialled, refusals.append)
    refused_at_once = list(refusals)
    world.clock.run_pending()

    assert refused_at_once == []
    assert refusals == ["connection refused"]
    assert world.dialled.handlers == []


def test_a_closed_dialer_gives_up_what_is_under_way() -> None:
    """Nobody hears any more of a dial that was under way when its dialler closed."""
    world = World()
    world.network.bind(BROKER.host, BROKER.port, world.accepted)
    refusals: list[str] = []
    dialer = world.network.dialer()

    dialer.dial(BROKER.host, BROKER.port, world.dialled, refusals.append)
    dialer.dial("nobody", 1, world.dialled, refusals.append)
    dialer.close()
    world.clock.run_pending()

    assert refusals == []
    assert world.dialled.handlers == world.accepted.handlers == []


def test_a_defect_is_raised_into_the_clock_by_default() -> None:
    """By default a handler's exception comes out where the clock is run, and its link is over."""
    clock = ManualClock()
    network = MemoryNetwork(clock)
    accepted = RecordingAcceptor(factory=partial(FaultyHandler, fault="received"))
    dialled = RecordingAcceptor()
    network.bind(BROKER.host, BROKER.port, accepted)
    network.connect(BROKER, dialled).write(b"x")

    with pytest.raises(ZeroDivisionError):
        clock.run_pending()
    clock.run_pending()

    assert accepted.handlers[0].lost_once
    assert dialled.handlers[0].lost_once


def test_a_defect_of_the_dialling_side_is_reported() -> None:
    """A callback that fails on a refusal is reported, and the clock runs on."""
    world = World()

    def fail(_reason: str) -> NoReturn:
        raise ZeroDivisionError

    world.network.dialer().dial("nowhere", 1, world.dialled, fail)
    world.clock.run_pending()

    assert [type(failure) for failure in world.failures] == [ZeroDivisionError]


def test_a_defect_goes_to_the_callable_for_failures() -> None:
    """With a callable for failures the clock runs on."""
    world = World()
    world.accepted = RecordingAcceptor(factory=partial(FaultyHandler, fault="received"))

    link = world.link()
    link.near.write(b"x")
    world.clock.run_pending()

    assert [type(failure) for failure in world.failures] == [ZeroDivisionError]
    assert link.far_handler.lost_once
