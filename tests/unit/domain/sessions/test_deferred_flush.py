"""What a flush had no time for, and flushes that wait for the end of a crowded round."""

import re
from collections.abc import Callable
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.adapters.clock_manual import ManualClock
from app.domain.dataplane.reference import DataPlane
from app.domain.dataplane.seam import Plane
from app.domain.limits import Limits
from app.domain.sessions.deferred_flush import CROWD, MOST_READS, QUIET_ROUNDS, SAMPLE, DeferredFlush
from tests.support.virtual_broker import VirtualBroker


class SlowPlane:
    """A plane of which only the flushing is used; `left` is how many slices the rest takes."""

    def __init__(self, left: int, *, compiled: bool = True) -> None:
        self.left = left
        self.compiled = compiled
        self.flushes = 0
        self.fail: Callable[[], None] = lambda: None

    def flush(self) -> bool:
        """One flush."""
        self.fail()
        self.flushes += 1
        return self.left > 0

    def flush_rest(self) -> bool:
        """One slice of the rest."""
        self.fail()
        self.left -= 1
        return self.left > 0


class Sender:
    """Somebody whose messages are flushed; `called` notes when it waits, and when it goes on."""

    def __init__(self, number: int, called: list[int]) -> None:
        self._number = number
        self._called = called

    def wait(self) -> None:
        """Note it, as a negative number."""
        self._called.append(-self._number)

    def go_on(self) -> None:
        """Note it."""
        self._called.append(self._number)


class Scene:
    """A deferred flush on a manual clock; `called` are those that waited for it."""

    def __init__(self, left: int, *, compiled: bool = True, is_alone: bool = True) -> None:
        self.clock = ManualClock()
        self.plane = SlowPlane(left, compiled=compiled)
        self.failures: list[Exception] = []
        self.called: list[int] = []
        plane = cast("Plane", self.plane)  # the rest is not asked for
        self.deferred = DeferredFlush(plane, self.clock, self.failures.append, is_alone=is_alone)

    def sender(self, number: int) -> Sender:
        """One that sends."""
        return Sender(number, self.called)

    def rest(self) -> None:
        """Make all calls that are due."""
        self.clock.advance(0.0)

    def read(self, number: int = 1) -> bool:
        """A short read, as a connection has it; whether the flush waits."""
        before = self.plane.flushes
        self.deferred.reads += 1
        if self.deferred.reads >= self.deferred.asked_from:
            self.deferred.flush_later(self.sender(number))
        elif self.plane.flush():
            self.deferred.hold(self.sender(number))
        return self.plane.flushes == before

    def round(self, reads: int) -> list[bool]:
        """A round with this number of short reads, and its end; which of them were put off."""
        found = [self.read() for _ in range(reads)]
        self.rest()
        return found

    def crowd(self) -> None:
        """Let a round be crowded."""
        self.round(SAMPLE + CROWD)
        self.plane.flushes = 0


def test_a_flush_that_is_done() -> None:
    """Nothing is due after it."""
    scene = Scene(0)

    scene.deferred.flush()

    assert 0 == scene.clock.calls_pending


def test_the_rest_comes_in_slices() -> None:
    """Those who wait are called in order, after the last of them."""
    scene = Scene(2)
    scene.deferred.flush()
    for number in (1, 2):
        scene.deferred.hold(scene.sender(number))
    before = list(scene.called)

    scene.rest()

    assert ([-1, -2], [-1, -2, 1, 2]) == (before, scene.called)
    assert scene.plane.left <= 0


def test_a_defect_ends_one_message() -> None:
    """It is reported, and the rest goes on in the next turn."""
    scene = Scene(1)
    scene.deferred.flush()

    def fail() -> None:
        scene.plane.fail = lambda: None
        raise ZeroDivisionError

    scene.plane.fail = fail
    scene.rest()

    assert [ZeroDivisionError] == [type(one) for one in scene.failures]
    assert 0 == scene.plane.left


def test_nothing_is_put_off_where_one_sends() -> None:
    """As long as no round has many reads, each is flushed by itself, and few cost a call of the loop."""
    scene = Scene(0)
    found = []

    for _ in range(4 * SAMPLE):
        found += scene.round(CROWD - 1)

    assert not any(found)
    assert len(found) == scene.plane.flushes


def test_short_reads_of_a_crowded_round_share_a_flush() -> None:
    """Once a round had many reads, what comes after short ones is handed over at the end of the round."""
    scene = Scene(0)
    scene.crowd()

    put_off = [scene.read() for _ in range(10)]
    before = scene.plane.flushes
    scene.rest()

    assert all(put_off)
    assert (0, 1) == (before, scene.plane.flushes)


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("is_alone", [False, True])
def test_who_has_crowded_rounds(*, compiled: bool, is_alone: bool) -> None:
    """Any server of the compiled twin, and one of the plain twin that other servers cannot wait for."""
    scene = Scene(0, compiled=compiled, is_alone=is_alone)
    scene.crowd()

    put_off = scene.round(CROWD)

    assert [compiled or is_alone] * CROWD == put_off


def test_a_flush_is_shared_by_a_bounded_number() -> None:
    """With the last of them it is made, and the next ones wait again."""
    scene = Scene(0)
    scene.crowd()

    put_off = [scene.read() for _ in range(MOST_READS)]
    again = scene.round(1)

    assert ([True] * (MOST_READS - 1) + [False], [True]) == (put_off, again)
    assert 2 == scene.plane.flushes


def test_quiet_rounds_end_it() -> None:
    """After some rounds with few reads, each is flushed by itself again."""
    scene = Scene(0)
    scene.crowd()

    found = [scene.round(1) for _ in range(QUIET_ROUNDS + 1)]

    assert [[True]] * QUIET_ROUNDS + [[False]] == found


def test_a_crowd_lasts() -> None:
    """One round with few reads among crowded ones changes nothing."""
    scene = Scene(0)
    scene.crowd()
    scene.round(1)
    scene.round(CROWD)

    found = [scene.round(1) for _ in range(QUIET_ROUNDS + 1)]

    assert [[True]] * QUIET_ROUNDS + [[False]] == found


def test_those_put_off_wait_for_what_is_left() -> None:
    """If the flush at the end leaves something, they wait for it, as they would after one of their own."""
    scene = Scene(0)
    scene.crowd()
    scene.plane.left = 1

    for number in (1, 2):
        scene.read(number)
    scene.rest()

    assert [-1, -2, 1, 2] == scene.called


def test_a_flush_of_another_sees_to_those_put_off() -> None:
    """They wait for what it left, and nothing is left to do at the end of the round."""
    scene = Scene(0)
    scene.crowd()
    scene.plane.left = 1

    scene.read(1)
    scene.plane.flush()
    scene.deferred.hold(scene.sender(2))
    scene.rest()

    assert [-1, -2, 1, 2] == scene.called
    assert 1 == scene.plane.flushes


def test_a_defect_at_the_end_of_a_round() -> None:
    """It is reported, concerns no single connection, and what it left is handed over in the next turn."""
    scene = Scene(0)
    scene.crowd()
    scene.plane.left = 1

    def fail() -> None:
        scene.plane.fail = lambda: None
        raise ZeroDivisionError

    scene.plane.fail = fail
    scene.round(1)

    assert [ZeroDivisionError] == [type(one) for one in scene.failures]
    assert [-1, 1] == scene.called


PEERS = 4
SIZES = st.sampled_from([0, 40, 300, 700])
ROUNDS = st.lists(
    st.lists(
        st.tuples(st.integers(0, PEERS - 1), SIZES, st.sampled_from(["", "", "stall", "pass"])),
        max_size=2 * PEERS,
    ),
    max_size=12,
)


def sent_by(publisher: int, heard: bytes) -> list[int]:
    """The numbers of the messages of this publisher."""
    return [int(number) for number in re.findall(rb"\n%d:(\d+):" % publisher, heard)]


@given(rounds=ROUNDS)
def test_all_arrives_in_order_in_crowded_rounds(rounds: list[list[tuple[int, int, str]]]) -> None:
    """Receivers that stall and go on have all messages of each publisher, in order, as if nothing waited."""
    server = VirtualBroker(DataPlane, Limits(max_pending=2_000))
    peers = [server.connect(quiet=True) for _ in range(PEERS)]
    for peer in peers:
        peer.send(b"SUB > 1\r\n")
    for _ in range(SAMPLE + CROWD):
        peers[0].wire.feed(b"PING\r\n")
    server.settle()
    counts = [0] * PEERS

    for messages in rounds:
        for number, size, act in messages:
            counts[number] += 1
            payload = b"%d:%d:%b" % (number, counts[number], size * b"x")
            peers[number].wire.feed(b"PUB a %d\r\n%b\r\n" % (len(payload), payload))
            if act == "stall":
                peers[number].wire.stall()
            elif act == "pass":
                peers[number].wire.pass_on()
        server.settle()
    for peer in peers:
        peer.wire.pass_on()
        server.advance(0.5)

    for peer in peers:
        heard = peer.heard()
        assert [list(range(1, count + 1)) for count in counts] == [
            sent_by(one, heard) for one in range(PEERS)
        ]
