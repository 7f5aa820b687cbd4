"""Layers between a transport and a wire."""

from app.ports.layers import SETUPS, SetupLimit


def test_a_limit_calls_once_when_there_is_room() -> None:
    """A listener that waits is called at the first handshake that ends, and not again."""
    limit = SetupLimit()
    calls: list[bool] = []
    for _ in range(SETUPS):
        limit.enter()
    full_at_first = limit.is_reached
    limit.on_room = lambda: calls.append(limit.is_reached)

    limit.leave()
    limit.leave()

    assert full_at_first
    assert calls == [False]


def test_above_the_limit_there_is_no_room_yet() -> None:
    """Links that were let in above the limit count, too."""
    limit = SetupLimit()
    calls: list[bool] = []
    for _ in range(SETUPS + 1):
        limit.enter()
    limit.on_room = lambda: calls.append(limit.is_reached)

    limit.leave()
    called_too_early = list(calls)
    limit.leave()

    assert called_too_early == []
    assert calls == [False]


def test_handshakes_that_succeed_are_counted() -> None:
    """A listener can tell whether handshakes come to their end, or all of them wait for something."""
    limit = SetupLimit()
    for _ in range(3):
        limit.enter()

    limit.leave()
    limit.leave(completed=True)

    assert 1 == limit.completed
    assert SETUPS - 1 == limit.room
