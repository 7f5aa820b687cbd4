"""Unit tests of comparing secrets beside the event loop."""

import asyncio
import queue
import threading
from collections.abc import Callable, Iterator
from typing import NoReturn

import pytest

from app.adapters.auth.hash_bench import HandOver, HashBench, usual_workers
from app.adapters.auth.secret import PlainSecret
from tests.fakes.secret import SECONDS, HeldSecret


class OwnLoop:
    """The test as an event loop: it makes the calls that were handed over to it."""

    def __init__(self) -> None:
        self.calls: queue.Queue[Callable[[], None]] = queue.Queue()
        self.verdicts: list[bool] = []

    def way_back(self) -> HandOver:
        """How threads reach the test."""
        return self.calls.put

    def note(self, right: bool) -> None:  # noqa: FBT001 - a verdict's signature
        """Keep a verdict."""
        self.verdicts.append(right)

    def turn(self) -> None:
        """Wait for one call, and make it."""
        self.calls.get(timeout=SECONDS)()


@pytest.fixture(name="loop")
def _loop() -> OwnLoop:
    return OwnLoop()


@pytest.fixture(name="bench")
def _bench(loop: OwnLoop) -> Iterator[HashBench]:
    """One thread, and room for two."""
    bench = HashBench(capacity=2, workers=1, way_back=loop.way_back)
    yield bench
    bench.close()


def unreachable() -> NoReturn:
    """A way back that nobody may ask for."""
    pytest.fail("a quick comparison asked for the way back")


@pytest.mark.parametrize(("given", "right"), [("right", True), ("wrong", False)])
def test_a_quick_secret_is_compared_at_once(loop: OwnLoop, given: str, right: bool) -> None:  # noqa: FBT001 - pytest's way
    """Plain text is compared within the call; there is neither thread nor loop."""
    bench = HashBench(way_back=unreachable)

    bench.compare(PlainSecret("right"), given, loop.note)

    assert [right] == loop.verdicts


@pytest.mark.parametrize(("given", "right"), [("right", True), ("wrong", False)])
def test_a_slow_secret_is_compared_elsewhere(
    loop: OwnLoop,
    bench: HashBench,
    given: str,
    right: bool,  # noqa: FBT001 - pytest's way
) -> None:
    """The verdict on a slow secret comes later, as a call handed over to the loop."""
    secret = HeldSecret()

    bench.compare(secret, given, loop.note)

    assert given.encode() == secret.next_begun()
    assert [] == loop.verdicts

    secret.release()
    loop.turn()

    assert [right] == loop.verdicts


@pytest.mark.asyncio
async def test_the_loop_goes_on_while_hashes_run() -> None:
    """While every thread is busy the event loop turns, and what it does gets done."""
    secret = HeldSecret()
    bench = HashBench(workers=2)
    loop = asyncio.get_running_loop()
    answers = [loop.create_future() for _ in range(2)]
    for number, answer in enumerate(answers):
        bench.compare(secret, f"given {number}", answer.set_result)
    assert {secret.next_begun(), secret.next_begun()} == {b"given 0", b"given 1"}

    for _ in range(1000):
        await asyncio.sleep(0)
    assert not any(answer.done() for answer in answers)

    secret.release()
    assert [False, False] == await asyncio.wait_for(asyncio.gather(*answers), SECONDS)
    bench.close()


@pytest.mark.asyncio
async def test_verdicts_come_on_the_loops_thread() -> None:
    """Unless told otherwise a verdict is a call of the loop that ran when it was asked for."""
    bench = HashBench()
    told = asyncio.get_running_loop().create_future()

    bench.compare(HeldSecret(held=False), "right", lambda _: told.set_result(threading.current_thread()))

    assert threading.current_thread() is await asyncio.wait_for(told, SECONDS)
    bench.close()


def test_no_more_threads_than_wanted(loop: OwnLoop, bench: HashBench) -> None:
    """A third comparison does not begin while one thread has another in hand."""
    secret = HeldSecret()
    for given in ("1", "2", "3"):
        bench.compare(secret, given, loop.note)

    assert b"1" == secret.next_begun()
    assert 0 == secret.begun()

    secret.release()
    for _ in range(3):
        loop.turn()

    assert [False] * 3 == loop.verdicts


def test_who_finds_no_room_is_refused(loop: OwnLoop, bench: HashBench) -> None:
    """Beyond the bound the one that has waited longest hears no, and the newest is checked."""
    secret = HeldSecret()
    bench.compare(secret, "in hand", loop.note)
    secret.next_begun()
    refused: list[bool] = []
    bench.compare(secret, "oldest", refused.append)
    bench.compare(secret, "2", loop.note)

    bench.compare(secret, "right", loop.note)
    loop.turn()

    assert [False] == refused

    secret.release()
    for _ in range(3):
        loop.turn()

    assert [False, False, True] == sorted(loop.verdicts)


def test_a_clients_storm_costs_two_hashes(loop: OwnLoop, bench: HashBench) -> None:
    """Hundreds that come back with one password share the answers of two comparisons."""
    secret = HeldSecret()
    bench.compare(secret, "right", loop.note)
    secret.next_begun()
    for _ in range(499):
        bench.compare(secret, "right", loop.note)

    secret.release()
    for _ in range(500):
        loop.turn()

    assert [True] * 500 == loop.verdicts
    assert b"right" == secret.next_begun()
    assert 0 == secret.begun()


def test_nothing_is_remembered(loop: OwnLoop, bench: HashBench) -> None:
    """A password that was right is compared again the next time."""
    secret = HeldSecret(held=False)

    for _ in range(2):
        bench.compare(secret, "right", loop.note)
        loop.turn()

    assert 2 == secret.begun()


def test_who_has_left_is_no_work(loop: OwnLoop, bench: HashBench) -> None:
    """A comparison that is withdrawn before its turn is never made."""
    secret = HeldSecret()
    at_work = bench.compare(secret, "right", loop.note)
    secret.next_begun()
    leaving = bench.compare(secret, "left", loop.note)
    bench.compare(secret, "stayed", loop.note)
    assert at_work is not None
    assert leaving is not None
    states = (at_work.under_way, leaving.under_way)

    leaving.cancel()
    secret.release()
    for _ in range(2):
        loop.turn()

    assert (True, False) == states
    assert (b"stayed", 0) == (secret.next_begun(), secret.begun())
    assert [True, False] == loop.verdicts


def test_who_leaves_during_the_comparison(loop: OwnLoop, bench: HashBench) -> None:
    """One that is withdrawn while it is made has no verdict, and the next is made."""
    secret = HeldSecret()
    leaving = bench.compare(secret, "right", loop.note)
    secret.next_begun()
    assert leaving is not None

    leaving.cancel()
    leaving.cancel()
    bench.compare(secret, "stayed", loop.note)
    secret.release()
    loop.turn()

    assert b"stayed" == secret.next_begun()
    assert [False] == loop.verdicts
    assert loop.calls.empty()


def test_nobody_is_told_after_the_end(loop: OwnLoop, bench: HashBench) -> None:
    """A closed bench answers no more: neither what is in hand, nor what waits, nor what comes."""
    before = set(threading.enumerate())
    secret = HeldSecret()
    bench.compare(secret, "right", loop.note)
    secret.next_begun()
    bench.compare(secret, "waiting", loop.note)
    (worker,) = set(threading.enumerate()) - before

    bench.close()
    bench.compare(secret, "late", loop.note)
    secret.release()
    worker.join(SECONDS)

    assert not worker.is_alive()
    assert 0 == secret.begun()
    assert loop.calls.empty()


def test_a_loop_that_has_ended() -> None:
    """A comparison that outlives its loop ends without a sound, and the thread takes the next."""
    second = HeldSecret(held=False)

    def refuse(call: Callable[[], None]) -> NoReturn:
        raise RuntimeError("Event loop is closed", call)

    bench = HashBench(workers=1, way_back=lambda: refuse)

    told: list[bool] = []
    bench.compare(HeldSecret(held=False), "right", told.append)
    bench.compare(second, "right", told.append)

    assert b"right" == second.next_begun()
    assert [] == told
    bench.close()


def test_a_comparison_that_breaks(loop: OwnLoop, bench: HashBench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A defect costs one login, and a word to the operator; the next login is checked."""
    told: queue.Queue[type[BaseException]] = queue.Queue()
    monkeypatch.setattr(threading, "excepthook", lambda args: told.put(args.exc_type))

    before = set(threading.enumerate())
    broken = HeldSecret(defect=MemoryError())
    bench.compare(broken, "right", loop.note)
    (worker,) = set(threading.enumerate()) - before

    broken.release()
    loop.turn()
    assert MemoryError is told.get(timeout=SECONDS)
    worker.join(SECONDS)
    bench.compare(HeldSecret(held=False), "right", loop.note)
    loop.turn()

    assert [False, True] == loop.verdicts


@pytest.mark.parametrize(("processors", "workers"), [(None, 1), (1, 1), (2, 1), (3, 2), (64, 2)])
def test_the_loop_keeps_a_processor(
    processors: int | None, workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two threads, and one where two would leave nothing for the event loop."""
    monkeypatch.setattr("os.cpu_count", lambda: processors)

    assert workers == usual_workers()
