"""A plane to try alone, for each twin."""

import pytest

from app.domain.dataplane.seam import MakePlane
from tests.fakes.data_plane import Stage, Station


@pytest.fixture(name="stage")
def _stage(make_plane: MakePlane) -> Stage:
    """A plane with a scripted planner, default limits and seed 1."""
    return Stage(make_plane)


@pytest.fixture(name="station")
def _station(stage: Stage) -> Station:
    """One connection of the `stage`."""
    return stage.station()
