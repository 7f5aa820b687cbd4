"""Why connections end, in words."""

import pytest

from app.domain.closing_reason import ClosingReason, reason_of_loss


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (None, "Client Closed"),
        (ConnectionResetError(), "Read Error"),
        (TimeoutError(), "Read Error"),
        (BrokenPipeError(), "Write Error"),
    ],
)
def test_a_link_that_is_lost(error: Exception | None, reason: str) -> None:
    """An orderly end is the client's; else an error of reading or of writing has ended it."""
    assert ClosingReason(reason) is reason_of_loss(error)
