"""Streams keep what they answered for when the power goes, or the process is killed."""

import pytest

from app.adapters.streams_log.stream import FileStream
from app.domain.jetstream.streams import stream
from app.domain.jetstream.streams.contents import Contents
from tests.fakes.disk import StepWorker
from tests.simulation.streams.play import Play, play

BLOCKS = 10
BLOCK = 20


@pytest.mark.parametrize("is_killed", [False, True], ids=["power", "process"])
@pytest.mark.parametrize("each", range(BLOCKS))
def test_what_was_answered_for_is_there(each: int, *, is_killed: bool) -> None:
    """Messages, removals, batches, roll-ups and ids, whatever the disk kept of the rest."""
    seeds = range(each * BLOCK, (each + 1) * BLOCK)
    failed = {seed: broken for seed in seeds if (broken := play(seed, is_killed=is_killed))}

    assert {} == failed


def test_the_play_answers_for_something() -> None:
    """A play that crashed before anything was answered would prove nothing."""
    plays = [Play(seed) for seed in range(10)]
    for each in plays:
        each.run()

    assert 50 < sum(each.answers for each in plays)


def test_messages_are_answered_at_once() -> None:
    """Where syncs come later a message alone takes the fast path, and no other place would play it."""
    plays = [Play(seed, is_killed=True) for seed in range(40)]
    for each in plays:
        each.run()

    assert 40 < sum(each.answered_at_once for each in plays)


def test_what_a_play_looks_at_is_no_operation_that_crashes() -> None:
    """In this seed the process ended as the play read what it had just written, and had not noted it."""
    assert play(7720203, is_killed=True) is None


def test_an_answer_without_a_write_would_be_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that writes nothing at once, and says that it did, loses what was answered for."""
    monkeypatch.setattr(FileStream, "commit_now", lambda _stream: True)

    assert any("is lost" in (play(seed, is_killed=True) or "") for seed in range(40))


def test_a_message_alone_that_is_not_written_would_be_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that does nothing, and says that it did, loses what was answered for: either way."""
    monkeypatch.setattr(StepWorker, "try_now", lambda _worker, _job: True)

    assert any("is lost" in (play(seed, is_killed=True) or "") for seed in range(40))


def test_a_torn_batch_would_be_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream that does not look for one breaks its promise in one of these seeds."""

    def nothing(_contents: Contents) -> list[int]:
        return []

    monkeypatch.setattr(stream, "torn_batch", nothing)

    assert any("batch" in (play(seed) or "") for seed in range(BLOCKS * BLOCK))
