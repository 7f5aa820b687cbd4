"""What becomes of messages of the server itself."""

from app.domain.dataplane.reach import RENAMED_AUDIENCE, SERVER_AUDIENCE, Naming, Reach
from app.domain.interest.routing import Audience


def test_the_order() -> None:
    """The best of several receivers counts, and servers that find more are greater."""
    assert Reach.NOBODY < Reach.CONGESTED < Reach.SENT
    assert Naming.NEVER < Naming.MEMBERS < Naming.ALL


def test_the_audience() -> None:
    """The server has the plans of messages that have been past the hooks."""
    assert SERVER_AUDIENCE == Audience.PASSED
    assert RENAMED_AUDIENCE == Audience.RENAMED
