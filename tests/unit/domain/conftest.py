"""What the tests of the domain share: they run over each twin of the data plane."""

import pytest

from app.domain.dataplane import choose
from app.domain.dataplane.seam import MakePlane
from tests.support.twins import twins


@pytest.fixture(name="make_plane", params=twins(), scope="session")
def _make_plane(request: pytest.FixtureRequest) -> MakePlane:
    """Makes a plane of one twin; a missing twin that is required fails here."""
    _, make = choose(request.param)
    return make
