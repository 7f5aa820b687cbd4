"""The plug-in for pytest, in the tests of a project of somebody else's."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.server_process import ROOT

PROJECT = """
import asyncio

import nats
import pytest

pytestmark = []


def test_a_plain_test(nats_server):
    nats_server.wait_for(lambda server: server.connz()["num_connections"] == 0)
    assert nats_server.url.startswith("nats://127.0.0.1:")


@pytest.mark.asyncio
async def test_of_pytest_asyncio(nats_server):
    client = await nats.connect(nats_server.url, name="one")
    await nats_server.wait_for(lambda server: server.connz()["num_connections"] == 1)
    with nats_server.faults.drop("a") as rule:
        await client.publish("a")
        await client.flush()
        await nats_server.wait_for(lambda _: rule.hits == 1)
    rule.must_hit()
    await client.close()


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_of_anyio(nats_server, anyio_backend):
    client = await nats.connect(nats_server.url)
    await client.close()


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["trio"])
async def test_of_trio(nats_server, nats_server_factory, nats_cluster, anyio_backend):
    other = nats_server_factory()
    with other.client() as client, client.subscribe("a") as messages:
        client.publish("a", b"1")
        assert messages.next(timeout=60).data == b"1"
    await nats_server.wait_for(lambda server: server.connz()["num_connections"] == 0)


@pytest.mark.nats(config={"max_payload": 10}, server_name="marked")
def test_the_marker(nats_server):
    page = nats_server.varz()
    assert (page["max_payload"], page["server_name"]) == (10, "marked")


@pytest.mark.nats(size=2)
def test_a_cluster(nats_cluster):
    assert [server.routez()["num_routes"] for server in nats_cluster.servers] == [1, 1]


def test_a_factory(nats_server_factory, nats_tls):
    one = nats_server_factory(config={"max_payload": 10})
    other = nats_server_factory(tls=nats_tls.config)

    async def connect():
        client = await nats.connect(other.url, tls=nats_tls.ssl_context(client_certificate=True))
        await client.close()

    asyncio.run(connect())
    assert one.varz()["max_payload"] == 10


def test_for_the_session(nats_session_server):
    assert nats_session_server.is_running
"""

FAILING = """
import asyncio
import nats


def test_that_fails(nats_server):
    nats_server.faults.drop("lost.*")

    async def talk():
        client = await nats.connect(nats_server.url, name="talker")
        await client.publish("lost.a", b"payload")
        await client.flush()
        nats_server.wait_for(lambda server: server.faults.rules[0].hits == 1)
        assert nats_server.connz()["num_connections"] == 2

    asyncio.run(talk())
"""


def run_pytest(folder: Path, text: str, *words: str) -> tuple[int, str]:
    """The exit status and the output of pytest in a project with this test."""
    (folder / "test_project.py").write_text(text)
    (folder / "pytest.ini").write_text("[pytest]\n")
    plugins = ("-p", "no:pynatsd", "-p", "app.testing.plugin", "-p", "no:cacheprovider", "-p", "no:xdist")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *plugins, *words, str(folder)],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "HOME": str(folder)},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_fixtures_in_tests_of_each_kind(tmp_path: Path) -> None:
    """Plain tests, those of pytest-asyncio and those of anyio get servers that are stopped afterwards."""
    status, output = run_pytest(
        tmp_path, PROJECT, "-q", "-W", "error::pytest.PytestUnraisableExceptionWarning"
    )

    assert status == 0, output
    assert "8 passed" in output


def test_the_report_of_a_failed_test(tmp_path: Path) -> None:
    """It has a section with connections, faults, the last frames and the last lines of the log."""
    status, output = run_pytest(tmp_path, FAILING)

    assert status == 1
    for text in (
        "-- nats --",
        "cid 1 'talker'",
        "drop(subject='lost.*'): 1 hits",
        "--> PING",
        "[INF] Server is ready",
    ):
        assert text in output


def test_it_costs_nothing_where_it_is_not_used(tmp_path: Path) -> None:
    """Without a fixture of it nothing of the server is imported."""
    text = """
import sys

def test_imports():
    server = ("app.embedding", "app.entrypoints", "app.adapters", "app.config", "app.domain.broker")
    assert not [name for name in sys.modules if name.startswith(server)]
"""
    status, output = run_pytest(tmp_path, text)

    assert status == 0, output


@pytest.mark.parametrize("words", [["--markers"], ["--fixtures", "-v"]])
def test_it_says_what_it_has(tmp_path: Path, words: list[str]) -> None:
    """Marker and fixtures are described."""
    _, output = run_pytest(tmp_path, "", *words)

    assert ("nats(config=" in output) or ("nats_server_factory" in output)


def test_servers_do_not_outlive_their_tests(tmp_path: Path) -> None:
    """The session keeps its tests, and not what they have had."""
    text = """
import gc
import weakref

import pytest

seen = []

@pytest.mark.parametrize("number", range(3))
def test_one(nats_server, number):
    seen.append(weakref.ref(nats_server))

def test_cluster(nats_cluster):
    seen.extend(map(weakref.ref, nats_cluster.servers))

def test_they_are_gone():
    gc.collect()
    assert (6, []) == (len(seen), [one for one in seen if one() is not None])
"""
    status, output = run_pytest(tmp_path, text)

    assert status == 0, output


def test_a_marker_without_names(tmp_path: Path) -> None:
    """The error says how it is written."""
    text = """
import pytest

@pytest.mark.nats({"max_payload": 10})
def test_one(nats_server):
    pass
"""
    status, output = run_pytest(tmp_path, text)

    assert status != 0
    assert "nats(config={'max_payload': 10})" in output
