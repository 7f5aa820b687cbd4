"""Members of a queue group that come and go under load cost no message, between real servers."""

from collections.abc import Iterator

import pytest

from tests.support.cluster_processes import REGISTERED, ClusterProcess, ProcessCluster
from tests.support.draining import DrainPlan, WorkerGroup
from tests.support.gnatsd import running_gnatsd

pytestmark = pytest.mark.asyncio

MESSAGES, LEAVINGS = 4000, 68
"""A fifth of 20,000 and 340."""


@pytest.mark.parametrize("size", [2, 3])
async def test_none_is_lost_and_none_comes_twice(size: int) -> None:
    """Members give up their subscription, or reach its limit, at all servers at once."""
    with ProcessCluster(size) as cluster:
        group = WorkerGroup([server.port for server in cluster.servers], DrainPlan(MESSAGES, LEAVINGS))

        assert (0, 0) == await group.play()
        assert group.left >= LEAVINGS


async def test_a_server_without_another_member_sends_it_on() -> None:
    """All members of one server come and go; the one that stays is at the other."""
    with ProcessCluster(2) as cluster:
        plan = DrainPlan(MESSAGES, LEAVINGS, steady=(0,), changing=(1,))
        group = WorkerGroup([server.port for server in cluster.servers], plan)

        assert (0, 0) == await group.play()


async def test_headers_are_sent_on() -> None:
    """What is sent on to a member at another server keeps its headers."""
    # With two: a message is sent on once, and a third server may have lost its last member by then.
    with ProcessCluster(2, "--compatibility", "current") as cluster:
        plan = DrainPlan(MESSAGES, LEAVINGS, steady=(0,), changing=(1,), headers=True)
        group = WorkerGroup([server.port for server in cluster.servers], plan)

        assert (0, 0) == await group.play()
        assert group.left >= LEAVINGS


@pytest.fixture(name="gnatsd")
def _gnatsd() -> Iterator[tuple[int, int]]:
    """The ports of a gnatsd: for clients, and for routes."""
    with running_gnatsd() as ports:
        yield ports


async def test_what_gnatsd_draws_is_not_lost(gnatsd: tuple[int, int]) -> None:
    """Members at our server come and go, and gnatsd has half of the publishers, and one member that stays."""
    port, route_port = gnatsd
    with ClusterProcess(seed=route_port) as server:
        server.wait_for(REGISTERED)
        plan = DrainPlan(MESSAGES, LEAVINGS, steady=(0, 1), changing=(1,))
        group = WorkerGroup([port, server.port], plan)

        assert (0, 0) == await group.play()
