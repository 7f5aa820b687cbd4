"""The example projects, each in a folder of its own, as somebody would have copied it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.server_process import ROOT

EXAMPLES = ROOT / "examples"

WEB = """
import time

import nats
import pytest
from fastapi.testclient import TestClient
from orders import app


def wait_for_orders(client, count):
    deadline = time.monotonic() + 10
    while len(orders := client.get("/orders").json()) < count:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return orders


def test_broker_api_and_dashboard():
    with TestClient(app) as client:
        assert client.post("/orders", json={"item": "tea", "count": 2}).status_code == 202
        assert client.post("/orders", json={"item": "a b"}).status_code == 422

        url = client.get("/broker").json()["url"]

        async def order_from_elsewhere():
            other = await nats.connect(url)
            await other.publish("orders.x", b"no order")
            await other.publish("orders.jam", b'{"item": "jam"}')
            await other.flush()
            await other.close()

        client.portal.call(order_from_elsewhere)
        items = [order["item"] for order in wait_for_orders(client, 2)]
        page = client.get("/dashboard", follow_redirects=False)

    assert sorted(items) == ["jam", "tea"]
    assert page.status_code == 307
    assert page.headers["location"].endswith("/dashboard")
"""

AUTHENTICATOR = """
import nats
import nats.errors
import passes
import pytest


@pytest.fixture
def broker(nats_server_factory, monkeypatch):
    monkeypatch.setenv("PASSES_KEY", "secret")
    return nats_server_factory(config_file="broker.conf", port=-1)


@pytest.mark.asyncio
async def test_a_token_lets_in(broker):
    client = await nats.connect(broker.url, token=passes.issue("derek", "orders.>,a", 60), name="x")
    assert broker.connz(auth=True)["connections"][0]["authorized_user"] == "derek"
    heard = await client.subscribe(">")
    for subject in ("secret.b", "orders.b", "a"):
        await client.publish(subject)
    assert [(await heard.next_msg()).subject for _ in range(2)] == ["orders.b", "a"]
    await client.close()


@pytest.mark.asyncio
@pytest.mark.parametrize("token", ["", "derek", "x~y~z~w", "expired", "forged"])
async def test_other_tokens_do_not(broker, token):
    if token == "expired":
        token = passes.issue("derek", "a", -1)
    if token == "forged":
        token = passes.issue("derek", "a", 60).replace("derek", "admin")
    with pytest.raises(nats.errors.Error, match="(?i)authorization"):
        await nats.connect(broker.url, token=token or None, allow_reconnect=False, max_reconnect_attempts=0)
"""


def copied(name: str, folder: Path, tests: str = "") -> Path:
    """A project of one's own with this example."""
    project = folder / name
    shutil.copytree(EXAMPLES / name, project, ignore=shutil.ignore_patterns("__pycache__"))
    if tests:
        (project / "test_example.py").write_text(tests)
    # In a checkout the package has another name; it gives itself the public one.
    (project / "conftest.py").write_text("import app\n")
    (project / "pytest.ini").write_text("[pytest]\n")
    return project


def run_pytest(project: Path) -> str:
    """What its tests print; they pass."""
    plugins = ("-p", "no:pynatsd", "-p", "app.testing.plugin", "-p", "no:cacheprovider", "-p", "no:xdist")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *plugins],
        cwd=project,
        env={"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"], "HOME": str(project)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert 0 == done.returncode, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("name", "tests", "summary"),
    [
        ("web", WEB, "1 passed"),
        ("service", "", "7 passed"),
        ("authenticator", AUTHENTICATOR, "6 passed"),
        ("hook", "", "2 passed"),
    ],
    ids=["web", "service", "authenticator", "hook"],
)
@pytest.mark.timeout(150)
def test_an_example(tmp_path: Path, name: str, tests: str, summary: str) -> None:
    """Its tests pass: those that it has, or those of what its page promises."""
    assert summary in run_pytest(copied(name, tmp_path, tests))


def test_tokens_from_the_command_line(tmp_path: Path) -> None:
    """The program prints a token."""
    project = copied("authenticator", tmp_path)
    command = (
        "import app, runpy, sys; sys.argv = ['passes.py', 'derek', 'a', '60']; "
        "runpy.run_path('passes.py', run_name='__main__')"
    )
    done = subprocess.run(
        [sys.executable, "-c", command],
        cwd=project,
        env={"PYTHONPATH": str(ROOT), "PASSES_KEY": "secret", "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=50,
        check=True,
    )

    assert done.stdout.startswith("derek~a~")


def test_each_example_is_listed() -> None:
    """It has a page, and a line on the page of all."""
    folders = [path for path in EXAMPLES.iterdir() if path.is_dir() and path.name != "__pycache__"]
    listed = (EXAMPLES / "README.md").read_text("utf-8")

    assert [] == [path.name for path in folders if f"({path.name}/README.md)" not in listed]
    assert [] == [path.name for path in folders if not (path / "README.md").is_file()]
