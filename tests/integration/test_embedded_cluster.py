"""Servers that are connected with each other, in one program; and what goes wrong between them."""

import nats
import pytest

from app import Cluster
from app.testing import ManualClock, wait_for
from tests.support.patience import PATIENCE

pytestmark = pytest.mark.asyncio


async def heard(cluster: Cluster, sender: int, receiver: int) -> bool:
    """Whether a message of one server's client arrives at another's, judged by one that comes afterwards."""
    async with (
        cluster.servers[receiver].client() as there,
        cluster.servers[sender].client() as here,
        there.subscribe("news") as news,
    ):
        await wait_for(lambda: cluster.servers[sender].subsz()["num_subscriptions"] > 0)
        await here.publish("news", b"1")
        await here.flush()
        try:
            await news.next(timeout=0.2)
        except TimeoutError:
            return False
        return True


async def test_it_is_meshed_when_it_is_entered() -> None:
    """Each server has a route to each other one, and messages go through."""
    async with Cluster(3) as cluster:
        routes = [server.routez()["num_routes"] for server in cluster.servers]
        client = await nats.connect(cluster.urls[0])
        other = await nats.connect(cluster.urls[2])
        subscription = await other.subscribe("a")
        await other.flush()
        await cluster.servers[0].wait_for(lambda one: one.subsz()["num_subscriptions"] == 1)
        await client.publish("a", b"1", headers={"k": "v"})
        message = await subscription.next_msg(timeout=PATIENCE)
        await client.close()
        await other.close()

    assert ([2, 2, 2], b"1", {"k": "v"}) == (routes, message.data, message.headers)
    assert cluster.servers == []


async def test_one_server_alone_is_a_cluster() -> None:
    """It has no routes; less than one is an error."""
    async with Cluster(1) as cluster:
        assert cluster.servers[0].name == "n0"
    with pytest.raises(ValueError, match="at least"):
        Cluster(0)


async def test_a_partition_and_its_end() -> None:
    """No route leads from one group to the other; when it is healed, routes come back."""
    async with Cluster(3) as cluster:
        cluster.faults.partition([0], [1, 2])
        await cluster.servers[0].wait_for(lambda one: one.routez()["num_routes"] == 0)
        await cluster.servers[1].wait_for(lambda one: one.routez()["num_routes"] == 1)
        cluster.faults.heal()
        await cluster.wait_until_meshed(timeout=PATIENCE)

        assert await heard(cluster, 0, 1)


async def test_a_partition_ends_no_other_routes() -> None:
    """Servers of one group keep the route that they have, although they hear of the other group."""
    async with Cluster(3) as cluster:
        ids = [server.server_id for server in cluster.servers]

        def routes() -> list[int]:
            pages = cluster.servers[1].routez()["routes"], cluster.servers[2].routez()["routes"]
            return [
                route["rid"]
                for page, other in zip(pages, (ids[2], ids[1]), strict=True)
                for route in page
                if route["remote_id"] == other
            ]

        before = routes()
        with cluster.faults.partition([0], [1, 2]) as rule:
            await wait_for(lambda: rule.hits >= 8)  # routes that are ended, and new attempts
        await cluster.wait_until_meshed(20)

        assert (2, before) == (len(before), routes())


async def test_a_link_that_carries_one_way() -> None:
    """What one server sends to the other is lost; what that sends arrives. Healed, both arrive."""
    async with (
        Cluster(2) as cluster,
        cluster.servers[0].client() as a,
        cluster.servers[1].client() as b,
        a.subscribe("to.a") as to_a,
        b.subscribe("to.b") as to_b,
    ):
        for server in cluster.servers:
            await server.wait_for(lambda one: one.subsz()["num_subscriptions"] == 2)
        cluster.faults.one_way(0, 1)
        await a.publish("to.b", b"lost")
        await b.publish("to.a", b"arrives")
        arrived = await to_a.next(timeout=PATIENCE)
        cluster.faults.heal()
        await cluster.servers[0].wait_for(lambda one: one.routez()["num_routes"] == 0)
        await cluster.wait_until_meshed(timeout=PATIENCE)
        await cluster.servers[0].wait_for(lambda one: one.subsz()["num_subscriptions"] == 2)
        await a.publish("to.b", b"again")
        again = await to_b.next(timeout=PATIENCE)

    assert (b"arrives", b"again") == (arrived.data, again.data)


async def test_groups_that_make_no_sense() -> None:
    """The error says what a partition is, and which servers there are."""
    async with Cluster(2) as cluster:
        for groups in ([[0]], [[0], [0, 1]], [[0], []]):
            with pytest.raises(ValueError, match="two groups"):
                cluster.faults.partition(*groups)
        with pytest.raises(ValueError, match="no server 5"):
            cluster.faults.one_way(5, 0)
        with pytest.raises(ValueError, match="no server 5"):
            cluster.faults.partition([0], [1, 5])
        with pytest.raises(ValueError, match="itself"):
            cluster.faults.one_way(0, 0)
        assert [[], []] == [server.faults.rules for server in cluster.servers]


async def test_time_that_a_test_moves() -> None:
    """A cluster on a manual clock comes up; a server that is not heard is given up when time has passed."""
    clock = ManualClock()
    async with Cluster(2, clock=clock, ping_interval=10, debug_log=True) as cluster:
        cluster.faults.one_way(0, 1)
        before = cluster.servers[1].routez()["num_routes"]
        for _ in range(6):
            await clock.advance(10)

        assert (1, True) == (before, any("stale" in line.lower() for line in cluster.servers[1].log))


async def test_faults_between_servers_are_rules() -> None:
    """They count, say so, and end with their block."""
    async with Cluster(2) as cluster:
        with cluster.faults.partition([0], [1]) as rule:
            await cluster.servers[0].wait_for(lambda one: one.routez()["num_routes"] == 0)
            rule.must_hit()
        await cluster.wait_until_meshed(20)
        with cluster.faults.one_way(0, 1) as lost:
            await cluster.servers[0].wait_for(lambda one: lost.hits > 0 or one.routez()["num_routes"] == 0)
            assert lost.is_active
        await cluster.wait_until_meshed(20)
        unused = cluster.faults.one_way(1, 0)
        unused.clear()
        unused.clear()

    assert (False, "partition([0], [1])") == (rule.is_active, str(rule).partition(":")[0])
    with pytest.raises(AssertionError, match=r"hit by one_way\(1, 0\): 0 hits, cleared"):
        unused.must_hit()


async def test_a_partition_outlives_a_restart() -> None:
    """A server that has stopped and started is still parted, and reached again when it is healed."""
    async with Cluster(2) as cluster:
        rule = cluster.faults.partition([0], [1])
        await cluster.servers[0].stop()
        await cluster.servers[0].start()
        before = rule.hits
        await cluster.servers[1].wait_for(lambda _: rule.hits > before, timeout=PATIENCE)
        await cluster.servers[1].wait_for(lambda one: one.routez()["num_routes"] == 0)
        cluster.faults.heal()
        await cluster.wait_until_meshed(20)
        assert [1, 1] == [server.routez()["num_routes"] for server in cluster.servers]
