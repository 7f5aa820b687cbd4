"""Streams keep what they answered for when the power goes."""

import pytest

from app.domain.jetstream.streams import stream
from app.domain.jetstream.streams.contents import Contents
from tests.simulation.streams.play import Play, play

BLOCKS = 10
BLOCK = 20


@pytest.mark.parametrize("each", range(BLOCKS))
def test_what_was_answered_for_is_there(each: int) -> None:
    """Messages, removals, batches, roll-ups and ids, whatever the disk kept of the rest."""
    failed = {seed: broken for seed in range(each * BLOCK, (each + 1) * BLOCK) if (broken := play(seed))}

    assert {} == failed


def test_the_play_answers_for_something() -> None:
    """A play that crashed before anything was answered would prove nothing."""
    plays = [Play(seed) for seed in range(10)]
    for each in plays:
        each.run()

    assert 50 < sum(each.answers for each in plays)


def test_a_torn_batch_would_be_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream that does not look for one breaks its promise in one of these seeds."""

    def nothing(_contents: Contents) -> list[int]:
        return []

    monkeypatch.setattr(stream, "torn_batch", nothing)

    assert any("batch" in (play(seed) or "") for seed in range(BLOCKS * BLOCK))
