"""The simulated network itself: what it promises to brokers, and what it does to them."""

from dataclasses import dataclass
from random import Random

import pytest

from app.adapters.clock_manual import ManualClock
from app.adapters.net_memory import MemoryWire
from app.ports.transport import DIAL_SECONDS
from tests.fakes.handler import RecordingAcceptor, RecordingHandler
from tests.simulation.host import Host
from tests.simulation.lane import RETRANSMIT_SECONDS, Path
from tests.simulation.network import Link, Network
from tests.simulation.trace import Trace

PORT = 4222
LATENCY = 0.25


@dataclass
class Ends:
    """Both ends of a link: wires to act on, handlers to look at."""

    link: Link
    near: RecordingHandler
    far: RecordingHandler

    @property
    def near_wire(self) -> MemoryWire:
        """The end that dialled."""
        return self.link.near_wire

    @property
    def far_wire(self) -> MemoryWire:
        """The accepted end."""
        return self.link.far_wire


class Land:
    """Two machines, of which one listens, a quarter of a second apart."""

    def __init__(self, seed: int = 1) -> None:
        self.clock = ManualClock()
        self.trace = Trace(self.clock.monotonic)
        self.network = Network(self.clock, Random(seed), self.trace)
        self.network.make_path = lambda _source, _target: Path(latency=LATENCY)
        self.here = self.network.host("here", "10.0.0.1")
        self.there = self.network.host("there", "10.0.0.2")
        self.accepted = RecordingAcceptor()
        self.dialled = RecordingAcceptor()
        self.rejections: list[str] = []
        self.there.listeners[PORT] = self.accepted

    def dial(self, name: str = "there", port: int = PORT) -> None:
        """Dial from here."""
        self.network.dialer(self.here).dial(name, port, self.dialled, self.rejections.append)

    def link(self) -> Ends:
        """A link that both ends have begun to use."""
        self.dial()
        self.clock.advance(8 * LATENCY)
        link = list(self.network.links.values())[-1]
        return Ends(link, self.dialled.handlers[-1], self.accepted.handlers[-1])

    @property
    def there_and_back(self) -> tuple[Path, Path]:
        """Both ways between the machines."""
        return self.network.path(self.here, self.there), self.network.path(self.there, self.here)

    def part(self) -> None:
        """Let nothing pass either way."""
        self.network.cut(self.here, self.there)
        self.network.cut(self.there, self.here)


@pytest.fixture(name="land")
def _land() -> Land:
    return Land()


def test_a_machine_has_a_real_address(land: Land) -> None:
    """Servers dial nothing else for a peer's sake, so a wrong one would look like their mistake."""
    with pytest.raises(ValueError, match=r"10\.0\.0\.256"):
        land.network.host("far", "10.0.0.256")


# --- dialling --------------------------------------------------------------------


def test_a_dial_is_answered_after_a_round_trip_and_accepted_half_a_trip_later(land: Land) -> None:
    """The dialler may write as soon as its question is answered; the news of that has to travel, too."""
    land.dial()
    at_once = len(land.dialled.handlers)
    land.clock.advance(2 * LATENCY)
    dialled, accepted = len(land.dialled.handlers), len(land.accepted.handlers)
    land.clock.advance(LATENCY)

    assert (0, 1, 0) == (at_once, dialled, accepted)
    assert 1 == len(land.accepted.handlers)


@pytest.mark.parametrize(
    ("name", "port", "reason"),
    [("there", 1, "connection refused"), ("nowhere", PORT, "no such host: nowhere")],
)
def test_a_dial_is_refused_where_nobody_listens(land: Land, name: str, port: int, reason: str) -> None:
    """A machine says that nobody listens; of an unknown name nobody says anything."""
    land.dial(name, port)
    at_once = list(land.rejections)
    land.clock.advance(10.0)

    assert [] == at_once
    assert [reason] == land.rejections
    assert [] == land.dialled.handlers


@pytest.mark.parametrize("way", ["there", "back", "power"])
def test_a_dial_that_nobody_can_answer_ends_after_a_second(land: Land, way: str) -> None:
    """A cut in either direction, or a machine without power, makes the dial run out of time."""
    if way == "power":
        land.network.power_off(land.there)
    else:
        ends = (land.here, land.there) if way == "there" else (land.there, land.here)
        land.network.cut(*ends)

    land.dial()
    land.clock.advance(DIAL_SECONDS - 0.01)
    before = list(land.rejections)
    land.clock.advance(10.0)

    assert [] == before
    assert ["i/o timeout"] == land.rejections
    assert {} == land.network.links


def test_an_answer_that_comes_too_late_is_not_taken(land: Land) -> None:
    """A dial ends once, though its answer is under way."""
    land.network.make_path = lambda _source, _target: Path(latency=0.7)

    land.dial()
    land.clock.advance(10.0)

    assert ["i/o timeout"] == land.rejections
    assert [] == land.dialled.handlers + land.accepted.handlers


def test_an_answer_to_a_former_run_is_not_taken(land: Land) -> None:
    """Who dials, and is killed and started again before the answer comes, has not dialled."""
    land.dial()
    land.clock.advance(LATENCY / 2)
    land.network.kill(land.here)
    land.network.start(land.here)

    land.clock.advance(10.0)

    assert [] == land.dialled.handlers + land.accepted.handlers
    assert ([], {}) == (land.rejections, land.network.links)


def test_a_frozen_machine_takes_links_but_nobody_serves_them(land: Land) -> None:
    """Its kernel answers; its programs see the link when they go on."""
    land.there.clock.freeze()
    land.dial()
    land.clock.advance(5.0)
    dialled, accepted = len(land.dialled.handlers), len(land.accepted.handlers)
    land.there.clock.thaw()
    land.clock.run_pending()

    assert (1, 0) == (dialled, accepted)
    assert 1 == len(land.accepted.handlers)


# --- bytes on the way --------------------------------------------------------------


def test_bytes_arrive_after_the_latency(land: Land) -> None:
    """Not before, and not later."""
    ends = land.link()

    ends.near_wire.write(b"PING\r\n")
    land.clock.advance(LATENCY - 0.001)
    early = bytes(ends.far.data)
    land.clock.advance(0.001)

    assert b"" == early
    assert b"PING\r\n" == ends.far.data


def test_order_is_kept_within_a_link_whatever_the_jitter() -> None:
    """What was written first is read first, though each write draws its own delay."""
    land = Land()
    land.network.make_path = lambda _source, _target: Path(latency=0.01, jitter=1.0)
    for path in land.there_and_back:
        path.jitter = 0.0
    ends = land.link()
    land.there_and_back[0].jitter = 1.0
    sent = [b"%d " % number for number in range(100)]

    for data in sent:
        ends.near_wire.write(data)
        land.clock.advance(0.002)
    land.clock.advance(2.0)

    assert b"".join(sent) == ends.far.data


def test_links_overtake_each_other() -> None:
    """Between links no order holds: some later write of one link arrives before an earlier one of another."""
    land = Land()
    for path in land.there_and_back:
        path.latency, path.jitter = 0.001, 0.0
    one, two = land.link(), land.link()
    for path in land.there_and_back:
        path.jitter = 0.5
    arrivals: list[str] = []
    one.far.on_note = lambda: arrivals.append("one")
    two.far.on_note = lambda: arrivals.append("two")

    for _ in range(20):
        one.near_wire.write(b"x")
        land.clock.advance(0.01)
        two.near_wire.write(b"x")
        land.clock.advance(1.0)

    assert arrivals != ["one", "two"] * 20
    assert 20 == arrivals.count("one") == arrivals.count("two")


def test_a_slow_path_takes_its_time_per_byte(land: Land) -> None:
    """A thousand bytes at a hundred bytes a second take ten seconds more than one byte does."""
    ends = land.link()
    land.there_and_back[0].rate = 100.0

    ends.near_wire.write(b"x" * 1000)
    land.clock.advance(10.0 + LATENCY - 0.01)
    early = len(ends.far.data)
    land.clock.advance(0.02)

    assert 0 == early
    assert 1000 == len(ends.far.data)


def test_what_is_under_way_on_a_slow_path_comes_at_once_when_it_is_calm(land: Land) -> None:
    """The path is as it was made."""
    ends = land.link()
    land.there_and_back[0].rate = 1.0
    for _ in range(3):
        ends.near_wire.write(b"x" * 1000)

    land.network.calm()
    land.clock.advance(LATENCY)

    assert 3000 == len(ends.far.data)


def test_pending_bytes_are_those_beyond_what_the_kernels_hold(land: Land) -> None:
    """A reader that pauses makes the writer's bytes wait, and they drain when it goes on."""
    land.there_and_back[0].capacity = 1000
    ends = land.link()
    ends.far_wire.pause()

    ends.near_wire.write(b"x" * 500_000)
    land.clock.advance(1.0)
    waiting = ends.near_wire.pending()
    ends.far_wire.resume()
    land.clock.advance(1.0)

    assert 499_000 == waiting
    assert 0 == ends.near_wire.pending()
    assert "drained" in ends.near.calls


def test_a_grain_cuts_the_first_reads_small(land: Land) -> None:
    """Lines arrive in pieces, as TCP may cut them; all of it arrives."""
    land.there_and_back[0].grain = 2
    ends = land.link()

    ends.near_wire.write(b"PUB a 5\r\nhello\r\n")
    land.clock.advance(LATENCY)

    assert ["received"] * 4 == ends.far.calls
    assert b"PUB a 5\r\nhello\r\n" == ends.far.data


# --- cuts ------------------------------------------------------------------------------


def test_a_cut_delivers_nothing_and_ends_nothing(land: Land) -> None:
    """Both ends stay, and learn nothing; what stalled comes, in order, soon after the way is mended."""
    ends = land.link()
    land.part()

    ends.near_wire.write(b"one ")
    land.clock.advance(30.0)
    ends.near_wire.write(b"two")
    land.clock.advance(30.0)
    during = bytes(ends.far.data), ends.near.losses, ends.far.losses
    land.network.mend()
    land.clock.advance(RETRANSMIT_SECONDS)

    assert (b"", [], []) == during
    assert b"one two" == ends.far.data


def test_a_cut_in_one_direction_lets_the_other_pass(land: Land) -> None:
    """What goes the other way arrives."""
    ends = land.link()
    land.network.cut(land.here, land.there)

    ends.near_wire.write(b"lost")
    ends.far_wire.write(b"heard")
    land.clock.advance(1.0)

    assert (b"", b"heard") == (bytes(ends.far.data), bytes(ends.near.data))


def test_a_reset_is_lost_in_a_cut(land: Land) -> None:
    """The other end lives on, half open, until it says something that is answered."""
    ends = land.link()
    land.part()
    ends.near_wire.abort()
    land.clock.advance(1.0)
    land.network.mend()
    land.clock.advance(60.0)
    silent = list(ends.far.losses)

    ends.far_wire.write(b"still there?")
    land.clock.advance(3 * LATENCY)

    assert [] == silent
    assert [ConnectionResetError] == [type(loss) for loss in ends.far.losses]
    assert {} == land.network.links


# --- ends of machines --------------------------------------------------------------------


def test_a_machine_that_loses_power_says_nothing(land: Land) -> None:
    """The other end notices nothing, and what it writes is kept for later."""
    ends = land.link()
    land.network.power_off(land.there)

    ends.near_wire.write(b"hello?")
    land.clock.advance(60.0)

    assert [] == ends.near.calls
    assert [] == ends.far.calls


def test_a_machine_that_is_back_resets_what_it_does_not_remember(land: Land) -> None:
    """The writer learns soon after the restart that its link is gone."""
    ends = land.link()
    land.network.power_off(land.there)
    ends.near_wire.write(b"hello?")
    land.clock.advance(60.0)

    land.network.start(land.there)
    land.clock.advance(RETRANSMIT_SECONDS + 2 * LATENCY)

    assert ends.near.lost_once
    assert {} == land.network.links


def test_programs_of_a_former_run_do_nothing_any_more(land: Land) -> None:
    """Timers and calls end with the run that asked for them."""
    made: list[str] = []
    land.there.clock.call_later(1.0, lambda: made.append("timer"))
    land.there.clock.call_soon(lambda: made.append("call"))

    land.network.power_off(land.there)
    land.network.start(land.there)
    land.clock.advance(10.0)

    assert [] == made
    assert 0 == land.there.clock.outstanding


def test_a_killed_program_leaves_its_ends_to_the_kernel() -> None:
    """The other end is told in every case: by an end of file, or by a reset."""
    told = set()
    for seed in range(10):
        land = Land(seed)
        ends = land.link()
        land.network.kill(land.there)
        land.clock.advance(5.0)
        told.add(ends.near.calls[0])

    assert {"eof_received", "connection_lost"} == told


@pytest.mark.parametrize("end", ["kill", "power_off"])
def test_a_link_of_a_machine_to_itself_ends_with_it(land: Land, end: str) -> None:
    """Both of its ends are there, and nothing remembers it."""
    land.here.listeners[PORT] = land.accepted
    land.dial("here")
    land.clock.advance(8 * LATENCY)
    linked = len(land.network.links)

    getattr(land.network, end)(land.here)
    land.clock.advance(10.0)

    assert 1 == linked
    assert ({}, {}) == (land.network.links, land.here.links)


def test_a_frozen_machine_reads_when_it_thaws(land: Land) -> None:
    """Bytes and timers wait, and come in order."""
    ends = land.link()
    noted: list[str] = []
    land.there.clock.freeze()
    land.there.clock.call_later(1.0, lambda: noted.append("timer"))
    ends.near_wire.write(b"hello")
    land.clock.advance(10.0)
    frozen = bytes(ends.far.data), list(noted)

    land.there.clock.thaw()
    land.clock.run_pending()

    assert (b"", []) == frozen
    assert (b"hello", ["timer"]) == (bytes(ends.far.data), noted)


def test_a_link_reset_on_the_way_ends_at_both_ends(land: Land) -> None:
    """Both handlers hear of it once, and nothing is left of the link."""
    ends = land.link()

    ends.link.reset()
    land.clock.advance(1.0)

    assert ends.near.lost_once
    assert ends.far.lost_once
    assert {} == land.network.links


def test_links_that_end_in_good_order_leave_nothing(land: Land) -> None:
    """Neither in the network nor at a machine, and no timer."""
    ends = land.link()

    ends.near_wire.write(b"bye")
    ends.near_wire.close()
    land.clock.advance(LATENCY)
    ends.far_wire.close()
    land.clock.advance(1.0)

    assert (b"bye", [None], [None]) == (bytes(ends.far.data), ends.near.losses, ends.far.losses)
    assert ({}, {}, {}) == (land.network.links, land.here.links, land.there.links)
    assert 0 == land.clock.timers_outstanding


def _digest(seed: int) -> str:
    """Some traffic over a path with chance in it."""
    land = Land(seed)
    for path in land.there_and_back:
        path.jitter = 0.2
    ends = land.link()
    hosts: list[Host] = [land.here, land.there]
    for number in range(20):
        ends.near_wire.write(b"%d" % number)
        land.clock.advance(0.01)
    land.network.kill(hosts[1])
    land.clock.advance(5.0)
    return land.trace.digest


def test_the_same_seed_does_the_same() -> None:
    """At the same times, to the byte; another seed does something else."""
    assert _digest(1) == _digest(1)
    assert _digest(1) != _digest(2)
