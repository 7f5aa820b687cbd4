"""What was acknowledged is there after `kill -9` under load."""

import asyncio
from pathlib import Path
from random import Random

import pytest

from tests.kills.rounds import Killing

ROUNDS = 3


@pytest.mark.timeout(300)
def test_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    """Messages are there under their sequences, double acks hold, ids are recognised."""
    killing = Killing(tmp_path, Random(7), 2000, 5000, 500)
    asyncio.run(killing.run(ROUNDS))

    assert [] == killing.broken
    assert ROUNDS <= killing.kills
    assert killing.stored.acknowledged
    assert killing.queue.settled
    assert killing.duplicates
