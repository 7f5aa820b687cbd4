"""Questions to a monitoring port; how they travel is tested with real sockets."""

import pytest

from app.adapters.top.monitoring_port import ReadingQuery


@pytest.mark.parametrize(
    ("query", "path"),
    [
        (ReadingQuery(), "/connz?limit=1024&sort=cid"),
        (ReadingQuery(5, "pending"), "/connz?limit=5&sort=pending"),
        (ReadingQuery(subscriptions=True), "/connz?limit=1024&sort=cid&subs=1"),
    ],
)
def test_the_address_of_an_answer(query: ReadingQuery, path: str) -> None:
    """Limit, order and subscriptions are the parameters that every server knows."""
    assert path == query.path
