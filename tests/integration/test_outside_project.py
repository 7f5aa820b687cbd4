"""A project of somebody else's, where the wheel is installed: its tests use the fixtures."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.wheel import install_wheel

pytestmark = pytest.mark.timeout(300)

TESTS = """
import socket

import nats
import nats.errors
import pynatsd
import pytest
from pynatsd.testing import ManualClock, wait_for


def test_it_is_the_wheel(nats_server):
    assert pynatsd.__file__.startswith(SITE)
    assert nats_server.is_running


@pytest.mark.asyncio
async def test_a_cut(nats_server):
    client = await nats.connect(nats_server.url, name="billing", reconnect_time_wait=0.01)
    heard = await client.subscribe("orders.*")
    await client.flush()
    rule = nats_server.faults.cut("orders.*", client="billing", on=2)
    await client.publish("orders.a", b"1")
    await client.publish("orders.b", b"lost")
    await nats_server.wait_for(lambda server: rule.hits == 1)
    await nats_server.wait_for(lambda server: server.subsz()["num_subscriptions"] == 1)
    await client.publish("orders.c", b"3")
    assert [(await heard.next_msg()).data for _ in range(2)] == [b"1", b"3"]
    await client.close()


@pytest.mark.asyncio
async def test_a_stall(nats_server):
    client = await nats.connect(nats_server.url, name="reader")
    heard = await client.subscribe("a")
    await client.flush()
    async with nats_server.client() as publisher:
        with nats_server.faults.stall(client="reader", direction="out") as rule:
            await publisher.publish("a", b"1")
            with pytest.raises(nats.errors.TimeoutError):
                await heard.next_msg(timeout=0.1)
        rule.must_hit()
        assert (await heard.next_msg()).data == b"1"
    await client.close()


@pytest.mark.nats(size=3)
def test_a_partition(nats_cluster):
    with nats_cluster.faults.partition([0], [1, 2]) as rule:
        nats_cluster.servers[0].wait_for(lambda server: server.routez()["num_routes"] == 0)
        nats_cluster.servers[1].wait_for(lambda server: server.routez()["num_routes"] == 1)
    rule.must_hit()
    nats_cluster.wait_until_meshed(timeout=60)


def test_time(nats_server_factory):
    clock = ManualClock()
    server = nats_server_factory(clock=clock, ping_interval="2m")
    with socket.create_connection(("127.0.0.1", server.port)) as silent:
        silent.sendall(b'CONNECT {"verbose":false}\\r\\n')
        server.wait_for(lambda server: server.connz()["num_connections"] == 1)
        clock.advance(480)
        server.wait_for(lambda server: server.connz()["num_connections"] == 0)
"""

FAILING = """
import pytest


def test_that_fails(nats_server):
    nats_server.faults.drop("lost.*")
    with nats_server.client("talker") as client:
        client.publish("lost.a", b"payload")
        client.flush()
        assert nats_server.faults.rules[0].hits == 2


@pytest.mark.nats(size=2)
def test_of_a_cluster_that_fails(nats_cluster):
    nats_cluster.faults.partition([0], [1])
    assert nats_cluster.servers[0].varz()["routes"] == 5
"""


@pytest.fixture(name="site", scope="module")
def _site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the wheel is installed."""
    return install_wheel(tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("site"))


def run_pytest(site: Path, project: Path, tests: str) -> tuple[int, str]:
    """The exit status and what is printed by pytest, which finds the plug-in by itself."""
    (project / "test_project.py").write_text(tests.replace("SITE", repr(str(site))))
    (project / "pytest.ini").write_text("[pytest]\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:xdist"],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_a_project_with_faults_and_a_clock(site: Path, tmp_path: Path) -> None:
    """A server, a cluster, three kinds of faults and a manual clock: all its tests pass."""
    status, printed = run_pytest(site, tmp_path, TESTS)

    assert 0 == status, printed
    assert "5 passed" in printed


def test_a_project_whose_tests_fail(site: Path, tmp_path: Path) -> None:
    """The report of each failed test has the section, with what happened at each server."""
    status, printed = run_pytest(site, tmp_path, FAILING)

    assert 1 == status
    assert 2 == printed.count("-- nats --")
    for text in (
        "drop(subject='lost.*'): 1 hits",
        "--> PUB lost.a 7 'payload' [drop]",
        "the server n0 has",
        "the server n1 has",
        "partition(route='n1')",
        "[INF] Server is ready",
    ):
        assert text in printed
