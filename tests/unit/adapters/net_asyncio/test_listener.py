"""How many links a listener accepts while many are in their handshake."""

from itertools import accumulate, repeat

from app.adapters.net_asyncio.listener import size_after_wait


def test_where_no_handshake_ends_others_have_their_chance() -> None:
    """Peers that never speak keep nobody out: as many are accepted as in a turn without them."""
    assert size_after_wait(1) < size_after_wait(0)


def test_those_that_end_are_replaced() -> None:
    """A few more are accepted than came to their end, but never more than in a turn without a rush."""
    found = [size_after_wait(completed) - completed for completed in range(1, 50)]

    assert {size_after_wait(1) - 1} == set(found)
    assert size_after_wait(1000) == size_after_wait(0)


def test_peers_that_never_speak_slow_others_down_for_a_moment_only() -> None:
    """While all but the silent ones come to their end, each wait lets more in than the one before."""
    sizes = list(accumulate(repeat(None, 20), lambda size, _: size_after_wait(size), initial=1))

    assert sorted(sizes) == sizes
    assert size_after_wait(0) == sizes[-1]
