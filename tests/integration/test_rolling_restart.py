"""A rolling restart of a cluster of three, with clients of nats-py."""

import pytest

from benchmarks.rolling import MESSAGES, picture, roll

pytestmark = pytest.mark.asyncio


async def test_no_message_is_lost_after_a_reconnect() -> None:
    """Each server sends its clients elsewhere, and what they publish then arrives; none is left behind."""
    restarts = await roll(30, duration=1.0, grace=0.2)

    assert 3 == len(restarts)
    for restart in restarts:
        assert restart.clients == len(restart.ends)
        assert restart.heard == restart.sent == MESSAGES * restart.clients
        assert min(restart.ends) >= restart.grace
    assert 3 == picture(restarts).count("<polyline")
