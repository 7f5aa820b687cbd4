"""The breaker of hooks, in time that the test says."""

from app.domain.hooks.breaker import FAILURES, OPEN_SECONDS, Breaker


def opened(at: float = 0.0) -> Breaker:
    """One that has just opened."""
    breaker = Breaker()
    assert [False] * (FAILURES - 1) + [True] == [breaker.failed(at) for _ in range(FAILURES)]
    return breaker


def test_it_opens_after_failures_in_a_row() -> None:
    """A success in between begins the count again."""
    breaker = Breaker()

    for _ in range(FAILURES - 1):
        breaker.failed(0.0)
    assert not breaker.succeeded()
    for _ in range(FAILURES - 1):
        assert not breaker.failed(0.0)
    assert breaker.permits(0.0)
    assert breaker.failed(0.0)
    assert not breaker.permits(0.0)


def test_one_trial() -> None:
    """After some time one call is tried, and no other until it has ended; a success closes the breaker."""
    breaker = opened()

    assert not breaker.permits(OPEN_SECONDS - 0.1)
    assert [True, False] == [breaker.permits(OPEN_SECONDS) for _ in range(2)]
    assert breaker.succeeded()
    assert [True, True] == [breaker.permits(OPEN_SECONDS) for _ in range(2)]


def test_a_trial_that_fails() -> None:
    """It opens again, for as long."""
    breaker = opened()
    assert breaker.permits(OPEN_SECONDS)

    assert breaker.failed(OPEN_SECONDS + 1)
    assert not breaker.permits(2 * OPEN_SECONDS)
    assert breaker.permits(2 * OPEN_SECONDS + 1)


def test_calls_that_were_under_way() -> None:
    """Their failures change nothing once it is open; a success shows that hooks work."""
    breaker = opened()

    assert not breaker.failed(OPEN_SECONDS - 1)
    assert breaker.permits(OPEN_SECONDS)
    assert breaker.succeeded()
