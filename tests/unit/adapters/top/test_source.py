"""Questions to a monitoring port; how they travel is tested with real sockets."""

import pytest

from app.adapters.top.source import Question


@pytest.mark.parametrize(
    ("question", "path"),
    [
        (Question(), "/connz?limit=1024&sort=cid"),
        (Question(5, "pending"), "/connz?limit=5&sort=pending"),
        (Question(subscriptions=True), "/connz?limit=1024&sort=cid&subs=1"),
    ],
)
def test_the_address_of_an_answer(question: Question, path: str) -> None:
    """Limit, order and subscriptions are the parameters that every server knows."""
    assert path == question.path
