"""Faults of a whole cluster, and of its routes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import pytest_asyncio

from app import Cluster, ThreadedCluster
from app.testing import wait_for
from tests.support.fault_clients import close_all, connect, greeted, payloads, payloads_of, publish
from tests.support.twins import twins

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture(autouse=True)
async def _close_clients() -> AsyncIterator[None]:
    """All clients of a test are gone when it is over."""
    yield
    await close_all()


@pytest_asyncio.fixture(params=twins())
async def cluster(request: pytest.FixtureRequest) -> AsyncIterator[Cluster]:
    """Two servers with a route."""
    async with Cluster(2, data_plane=request.param) as started:
        yield started


async def heard_of(cluster: Cluster, count: int) -> None:
    """Each server knows as many subscriptions."""
    for server in cluster.servers:
        await server.wait_for(lambda one: one.subsz()["num_subscriptions"] == count)


async def test_servers_count_together(cluster: Cluster) -> None:
    """Each third message of the cluster is lost, whatever server it was published at."""
    here, there = cluster.servers
    reader, one, other = await connect(here, subscribe="x"), await connect(here), await connect(there)
    await heard_of(cluster, 1)
    rule = cluster.faults.drop("x", every=3)
    await publish(one, "x", "1", "2")
    await publish(other, "x", "3", "4")
    await publish(one, "x", "5", "6")

    got = await payloads_of(reader, 4)

    assert (2, [b"1", b"2", b"4", b"5"]) == (rule.hits, sorted(got))
    assert "drop(subject='x'): 2 hits" == str(rule)


async def test_a_cut_follows_a_client(cluster: Cluster) -> None:
    """The third message of a client counts, although it was connected to another server before."""
    first = await connect(cluster.servers[0], "billing")
    rule = cluster.faults.cut(client="billing", on=3)
    await publish(first, "x", "1", "2")
    second = await connect(cluster.servers[1], "billing")
    await second.send(b"PUB x 1\r\n3\r\n")

    assert b"" == await second.expect_cut()
    assert 1 == rule.hits
    rule.must_hit()


async def _publish_at_both(cluster: Cluster) -> None:
    for server in cluster.servers:
        client = await connect(server, "p")
        await client.send(b"PUB x 1\r\n1\r\n")


async def _log_in_at_both(cluster: Cluster) -> None:
    for server in cluster.servers:
        client = await greeted(server)
        await client.send(b'CONNECT {"user":"bob","verbose":false}\r\n')


@pytest.mark.parametrize(
    ("call", "traffic"),
    [
        (lambda faults: faults.cut("x"), _publish_at_both),
        (lambda faults: faults.drop("x"), _publish_at_both),
        (lambda faults: faults.delay("x", seconds=0.01), _publish_at_both),
        (lambda faults: faults.duplicate("x"), _publish_at_both),
        (lambda faults: faults.error("x", "No"), _publish_at_both),
        (lambda faults: faults.stall(user="bob"), _log_in_at_both),
        (lambda faults: faults.refuse(user="bob"), _log_in_at_both),
    ],
    ids=["cut", "drop", "delay", "duplicate", "error", "stall", "refuse"],
)
async def test_faults_of_all_servers(
    call: Callable[..., object], traffic: Callable[[Cluster], Awaitable[None]]
) -> None:
    """Each fault of a server is one of the cluster: it hits at each server, and ends at each."""
    async with Cluster(2) as cluster:
        rule = call(cluster.faults)
        await traffic(cluster)
        await wait_for(lambda: getattr(rule, "hits") == 2)  # noqa: B009 - one of two kinds of rules
        cluster.faults.clear()

        assert [False, False] == [one.faults.rules[-1].is_active for one in cluster.servers]
        assert not getattr(rule, "is_active")  # noqa: B009 - the same


async def test_a_limit_of_all_servers(cluster: Cluster) -> None:
    """Servers that are started later have it too, until its block ends."""
    with cluster.faults.limit(max_payload=10) as rule:
        limits = [server.varz()["max_payload"] for server in cluster.servers]
        await cluster.servers[0].stop()
        lower = cluster.faults.limit(max_payload=5)
        await cluster.servers[0].start()
        limits.append(cluster.servers[0].varz()["max_payload"])
        lower.clear()
    after = [server.varz()["max_payload"] for server in cluster.servers]

    assert (2, [10, 10, 5], [1048576] * 2) == (rule.hits, limits, after)


async def test_lame_ducks(cluster: Cluster) -> None:
    """Clients of each server hear of it; routes go on."""
    clients = [await connect(server) for server in cluster.servers]
    with cluster.faults.lame_duck() as rule:
        said = [await client.line() for client in clients]

    assert (2, [True, True]) == (rule.hits, [b'"ldm":true' in line for line in said])
    await cluster.wait_until_meshed()


async def test_what_a_route_carries(cluster: Cluster) -> None:
    """A rule with a route loses what one server sends to the other, and hits nothing else."""
    readers = [await connect(server, subscribe="x") for server in cluster.servers]
    publishers = [await connect(server) for server in cluster.servers]
    await heard_of(cluster, 2)
    rule = cluster.faults.drop("x", route="n1", direction="out")
    unused = cluster.faults.drop("x", route="n2", direction="both")
    await publish(publishers[0], "x", "from 0")
    await publish(publishers[1], "x", "from 1")
    got = await payloads_of(readers[0], 2)
    rule.clear()
    await publish(publishers[0], "x", "again")

    assert [b"from 0", b"from 1"] == sorted(got)
    assert [b"again", b"from 1"] == sorted(await payloads_of(readers[1], 2))
    assert (1, 0) == (rule.hits, unused.hits)


@pytest.mark.parametrize("direction", ["in", "out"])
async def test_a_message_that_cuts_its_route(cluster: Cluster, direction: str) -> None:
    """A cut by a route ends the route, and not the publisher; a new route comes up."""
    reader, publisher = await connect(cluster.servers[1], subscribe="x"), await connect(cluster.servers[0])
    await heard_of(cluster, 1)
    rule = cluster.faults.cut("x", route="*", direction=direction, on=2)
    await publish(publisher, "x", "1", "2")
    await wait_for(lambda: rule.hits == 1)
    await cluster.servers[0].wait_for(lambda one: one.routez()["num_routes"] == 0)
    await cluster.wait_until_meshed(20)
    await heard_of(cluster, 1)
    await publish(publisher, "x", "3")

    assert [b"1", b"3"] == await payloads_of(reader, 2)


async def test_a_route_that_is_stalled(cluster: Cluster) -> None:
    """What one server sends to the other waits until the stall ends; clients go on."""
    reader, publisher = await connect(cluster.servers[1], subscribe="x"), await connect(cluster.servers[0])
    here = await connect(cluster.servers[0], subscribe="x")
    await heard_of(cluster, 2)
    with cluster.servers[0].faults.stall(route="n1", direction="out") as rule:
        await publish(publisher, "x", "1")
        at_home, during = await payloads_of(here, 1), await payloads(reader)
    after = await payloads_of(reader, 1)

    assert (1, [b"1"], [], [b"1"]) == (rule.hits, at_home, during, after)


async def test_a_cluster_that_does_not_run() -> None:
    """There is nothing to break, and the error says so."""
    cluster = Cluster(2)
    with pytest.raises(RuntimeError, match="start it first"):
        cluster.faults.drop("x")
    async with cluster:
        for server in cluster.servers:
            await server.stop()
        with pytest.raises(RuntimeError, match="start it first"):
            cluster.faults.lame_duck()
        with pytest.raises(ValueError, match="counts from 1 on"):
            cluster.faults.drop("x", on=0)


async def test_from_another_thread() -> None:
    """A cluster in a thread has the same faults."""

    def run() -> tuple[int, bool]:
        with ThreadedCluster(2) as cluster, cluster.servers[1].client() as client:
            with cluster.faults.limit(max_payload=10) as rule, pytest.raises(ValueError, match="max_payload"):
                client.publish("x", b"01234567890")
            return rule.hits, rule.is_active

    assert (2, False) == await asyncio.to_thread(run)
