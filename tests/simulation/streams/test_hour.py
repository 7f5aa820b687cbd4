"""After an hour of everything counts are exact, and memory and files are no larger than before."""

import pytest

from app.domain.dataplane import PYTHON, choose
from tests.simulation.streams.hour import Hour

RESTARTS = range(40, 60, 4)
"""Minutes. Before these one server has to last, as a restart would hide what grows."""


@pytest.mark.timeout(300)
def test_nothing_drifts_in_an_hour() -> None:
    """Publishes, acks, purges, limits and restarts leave what the model says, and nothing else."""
    hour = Hour(1, choose(PYTHON)[1])
    hour.run(60, RESTARTS)

    assert hour.restarts == len(RESTARTS)
    assert hour.crashes > 1
    assert hour.published > 3000
    assert hour.settled_count > 1000
    assert max(hour.memory[35:40]) < 1.4 * max(hour.memory[10:15])
    assert max(hour.room[35:40]) < 1.7 * max(hour.room[10:15])
