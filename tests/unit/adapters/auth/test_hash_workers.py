"""Unit tests of comparing secrets in threads."""

import asyncio
import queue
import threading
from collections.abc import Callable, Iterator
from typing import NoReturn

import pytest

from app.adapters.auth.hash_workers import HashWorkers, RunInLoop, default_workers
from app.adapters.auth.secret import PlainSecret
from tests.fakes.secret import SECONDS, HeldSecret


class OwnLoop:
    """The test as an event loop: it makes the calls that were handed over to it."""

    def __init__(self) -> None:
        self.calls: queue.Queue[Callable[[], None]] = queue.Queue()
        self.verdicts: list[bool] = []

    def find_loop(self) -> RunInLoop:
        """Schedule calls for the test."""
        return self.calls.put

    def note(self, right: bool) -> None:  # noqa: FBT001 - `OnResult`'s signature
        """Keep a result."""
        self.verdicts.append(right)

    def turn(self) -> None:
        """Wait for one call, and make it."""
        self.calls.get(timeout=SECONDS)()


@pytest.fixture(name="loop")
def _loop() -> OwnLoop:
    return OwnLoop()


@pytest.fixture(name="workers")
def _workers(loop: OwnLoop) -> Iterator[HashWorkers]:
    """One thread, and room for two."""
    workers = HashWorkers(capacity=2, workers=1, find_loop=loop.find_loop)
    yield workers
    workers.close()


def unreachable() -> NoReturn:
    """A loop that must not be asked for."""
    pytest.fail("a quick comparison asked for the event loop")


@pytest.mark.parametrize(("given", "right"), [("right", True), ("wrong", False)])
def test_a_quick_secret_is_compared_at_once(loop: OwnLoop, given: str, right: bool) -> None:  # noqa: FBT001 - pytest's way
    """Plain text is compared within the call; there is neither thread nor loop."""
    workers = HashWorkers(find_loop=unreachable)

    workers.compare(PlainSecret("right"), given, loop.note)

    assert [right] == loop.verdicts


@pytest.mark.parametrize(("given", "right"), [("right", True), ("wrong", False)])
def test_a_slow_secret_is_compared_elsewhere(
    loop: OwnLoop,
    workers: HashWorkers,
    given: str,
    right: bool,  # noqa: FBT001 - pytest's way
) -> None:
    """The result of a slow secret comes later, as a call on the event loop."""
    secret = HeldSecret()

    workers.compare(secret, given, loop.note)

    assert given.encode() == secret.next_begun()
    assert [] == loop.verdicts

    secret.release()
    loop.turn()

    assert [right] == loop.verdicts


@pytest.mark.asyncio
async def test_the_loop_goes_on_while_hashes_run() -> None:
    """While every thread is busy the event loop turns, and what it does gets done."""
    secret = HeldSecret()
    workers = HashWorkers(workers=2)
    loop = asyncio.get_running_loop()
    answers = [loop.create_future() for _ in range(2)]
    for number, answer in enumerate(answers):
        workers.compare(secret, f"given {number}", answer.set_result)
    assert {secret.next_begun(), secret.next_begun()} == {b"given 0", b"given 1"}

    for _ in range(1000):
        await asyncio.sleep(0)
    assert not any(answer.done() for answer in answers)

    secret.release()
    assert [False, False] == await asyncio.wait_for(asyncio.gather(*answers), SECONDS)
    workers.close()


@pytest.mark.asyncio
async def test_verdicts_come_on_the_loops_thread() -> None:
    """By default the result is a call on the loop that ran when the check was requested."""
    workers = HashWorkers()
    results = asyncio.get_running_loop().create_future()

    workers.compare(HeldSecret(held=False), "right", lambda _: results.set_result(threading.current_thread()))

    assert threading.current_thread() is await asyncio.wait_for(results, SECONDS)
    workers.close()


def test_no_more_threads_than_wanted(loop: OwnLoop, workers: HashWorkers) -> None:
    """A third comparison does not begin while one thread has another in hand."""
    secret = HeldSecret()
    for given in ("1", "2", "3"):
        workers.compare(secret, given, loop.note)

    assert b"1" == secret.next_begun()
    assert 0 == secret.begun()

    secret.release()
    for _ in range(3):
        loop.turn()

    assert [False] * 3 == loop.verdicts


def test_who_finds_no_room_is_refused(loop: OwnLoop, workers: HashWorkers) -> None:
    """Beyond the bound the oldest check is refused, and the newest is made."""
    secret = HeldSecret()
    workers.compare(secret, "in hand", loop.note)
    secret.next_begun()
    refused: list[bool] = []
    workers.compare(secret, "oldest", refused.append)
    workers.compare(secret, "2", loop.note)

    workers.compare(secret, "right", loop.note)
    loop.turn()

    assert [False] == refused

    secret.release()
    for _ in range(3):
        loop.turn()

    assert [False, False, True] == sorted(loop.verdicts)


def test_a_clients_storm_costs_two_hashes(loop: OwnLoop, workers: HashWorkers) -> None:
    """Hundreds that come back with one password share the answers of two comparisons."""
    secret = HeldSecret()
    workers.compare(secret, "right", loop.note)
    secret.next_begun()
    for _ in range(499):
        workers.compare(secret, "right", loop.note)

    secret.release()
    for _ in range(500):
        loop.turn()

    assert [True] * 500 == loop.verdicts
    assert b"right" == secret.next_begun()
    assert 0 == secret.begun()


def test_nothing_is_remembered(loop: OwnLoop, workers: HashWorkers) -> None:
    """A password that was right is compared again the next time."""
    secret = HeldSecret(held=False)

    for _ in range(2):
        workers.compare(secret, "right", loop.note)
        loop.turn()

    assert 2 == secret.begun()


def test_who_has_left_is_no_work(loop: OwnLoop, workers: HashWorkers) -> None:
    """A comparison that is cancelled before its turn is never made."""
    secret = HeldSecret()
    at_work = workers.compare(secret, "right", loop.note)
    secret.next_begun()
    leaving = workers.compare(secret, "left", loop.note)
    workers.compare(secret, "stayed", loop.note)
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


def test_who_leaves_during_the_comparison(loop: OwnLoop, workers: HashWorkers) -> None:
    """A comparison that is cancelled while it is made has no result, and the next is made."""
    secret = HeldSecret()
    leaving = workers.compare(secret, "right", loop.note)
    secret.next_begun()
    assert leaving is not None

    leaving.cancel()
    leaving.cancel()
    workers.compare(secret, "stayed", loop.note)
    secret.release()
    loop.turn()

    assert b"stayed" == secret.next_begun()
    assert [False] == loop.verdicts
    assert loop.calls.empty()


def test_no_results_after_the_end(loop: OwnLoop, workers: HashWorkers) -> None:
    """After the end there are no results, of running, waiting or new checks."""
    before = set(threading.enumerate())
    secret = HeldSecret()
    workers.compare(secret, "right", loop.note)
    secret.next_begun()
    workers.compare(secret, "waiting", loop.note)
    (worker,) = set(threading.enumerate()) - before

    workers.close()
    workers.compare(secret, "late", loop.note)
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

    workers = HashWorkers(workers=1, find_loop=lambda: refuse)

    results: list[bool] = []
    workers.compare(HeldSecret(held=False), "right", results.append)
    workers.compare(second, "right", results.append)

    assert b"right" == second.next_begun()
    assert [] == results
    workers.close()


def test_a_comparison_that_breaks(
    loop: OwnLoop, workers: HashWorkers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A defect costs one login and is reported; the next login is checked."""
    results: queue.Queue[type[BaseException]] = queue.Queue()
    monkeypatch.setattr(threading, "excepthook", lambda args: results.put(args.exc_type))

    before = set(threading.enumerate())
    broken = HeldSecret(defect=MemoryError())
    workers.compare(broken, "right", loop.note)
    (worker,) = set(threading.enumerate()) - before

    broken.release()
    loop.turn()
    assert MemoryError is results.get(timeout=SECONDS)
    worker.join(SECONDS)
    workers.compare(HeldSecret(held=False), "right", loop.note)
    loop.turn()

    assert [False, True] == loop.verdicts


@pytest.mark.parametrize(("processors", "workers"), [(None, 1), (1, 1), (2, 1), (3, 2), (64, 2)])
def test_the_loop_keeps_a_processor(
    processors: int | None, workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two threads, and one where two would leave nothing for the event loop."""
    monkeypatch.setattr("os.cpu_count", lambda: processors)

    assert workers == default_workers()
