"""Fixtures for pytest: servers in the process of the tests, and a report about them when a test fails.

Servers run in a thread of their own, so the fixtures work in tests of every kind: plain ones, and those
of pytest-asyncio and anyio. Nothing of the server is imported before a fixture is asked for.
"""

from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from ..embedding.threaded import ThreadedCluster, ThreadedServer
    from .certificates import TlsCertificates

LOG_LINES = 30
"""Of each server, in the section of a failed test."""

FRAMES = 10
"""Of each connection, in the same."""

CLUSTER_SIZE = 3
MARKER = "nats"

_servers = pytest.StashKey[list["ThreadedServer"]]()
"""The servers that a test, or the whole session, has."""

ServerFactory = Callable[..., "ThreadedServer"]


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker."""
    config.addinivalue_line(
        "markers",
        f"{MARKER}(config={{...}}, size=3, **keys): configuration of the fixtures nats_server, "
        "nats_jetstream and nats_cluster, as for pynatsd.Server and pynatsd.Cluster",
    )


@pytest.fixture
def nats_server(request: pytest.FixtureRequest) -> "Iterator[ThreadedServer]":
    """A server for one test, on loopback, at a free port: a `pynatsd.ThreadedServer`."""
    asked = _asked(request)
    asked.pop("size", None)
    with ExitStack() as at_end:
        yield _start(request, at_end, asked)


@pytest.fixture
def nats_jetstream(request: pytest.FixtureRequest) -> "Iterator[ThreadedServer]":
    """A server for one test with JetStream, which keeps all in memory unless the marker says otherwise."""
    asked = {"jetstream": True, **_asked(request)}
    asked.pop("size", None)
    with ExitStack() as at_end:
        yield _start(request, at_end, asked)


@pytest.fixture(scope="session")
def nats_session_server(request: pytest.FixtureRequest) -> "Iterator[ThreadedServer]":
    """The same for all tests of a session."""
    with ExitStack() as at_end:
        yield _start(request, at_end, {})


@pytest.fixture
def nats_server_factory(request: pytest.FixtureRequest) -> Iterator[ServerFactory]:
    """Starts servers that are stopped after the test: ``nats_server_factory(config={...})``."""
    with ExitStack() as at_end:

        def make(config: Any = None, **keys: Any) -> "ThreadedServer":  # noqa: ANN401 - those of ThreadedServer
            return _start(request, at_end, {"config": config, **keys})

        yield make


@pytest.fixture
def nats_cluster(request: pytest.FixtureRequest) -> "Iterator[ThreadedCluster]":
    """Servers that are connected with each other, three unless the marker says another `size`."""
    from ..embedding.threaded import ThreadedCluster  # noqa: PLC0415 - see the head of the module

    cluster = ThreadedCluster(**{"size": CLUSTER_SIZE, "record": True, "debug_log": True, **_asked(request)})
    cluster.start_now()
    servers = cluster.servers
    _known(request.node).extend(servers)
    try:
        yield cluster
    finally:
        _forget(request, *servers)
        cluster.stop_now()


@pytest.fixture(scope="session")
def nats_tls(tmp_path_factory: pytest.TempPathFactory) -> "TlsCertificates":
    """Certificates for TLS on this machine: paths of files, and contexts for clients."""
    from .certificates import make_files  # noqa: PLC0415 - see the head of the module

    return make_files(tmp_path_factory.mktemp("nats-tls"))


def _start(request: pytest.FixtureRequest, at_end: ExitStack, asked: dict[str, Any]) -> "ThreadedServer":
    from ..embedding.threaded import ThreadedServer  # noqa: PLC0415 - see the head of the module

    server = ThreadedServer(**{"record": True, "debug_log": True, **asked})
    server.start_now()
    at_end.callback(server.stop_now)
    at_end.callback(_forget, request, server)
    _known(request.node).append(server)
    return server


def _asked(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Raises `pytest.UsageError` for a marker with a value that has no name."""
    marker = request.node.get_closest_marker(MARKER)
    if marker is not None and marker.args:
        raise pytest.UsageError(
            f"give @pytest.mark.{MARKER} names, as in {MARKER}(config={marker.args[0]!r})"
        )
    return dict(marker.kwargs) if marker is not None else {}


def _forget(request: pytest.FixtureRequest, *servers: "ThreadedServer") -> None:
    """The session keeps its tests to the end; not their servers, too."""
    for server in servers:
        _known(request.node).remove(server)


def _known(node: "pytest.Item | pytest.Session") -> "list[ThreadedServer]":
    return node.stash.setdefault(_servers, [])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add what the servers did to the report of a test that has failed."""
    report = yield
    servers = [*item.stash.get(_servers, []), *item.session.stash.get(_servers, [])]
    if report.failed and servers:
        report.sections.append(("nats", "\n\n".join(map(_described, servers))))
    return report


def _described(server: "ThreadedServer") -> str:
    lines = [server.summary()]
    if rules := server.faults.rules:
        lines += ["faults:", *(f"  {rule}" for rule in rules)]
    for number, frames in server.faults.conversations.items():
        lines += [f"the last frames of connection {number}:", *(f"  {frame}" for frame in frames[-FRAMES:])]
    lines += ["the last lines of the log:", *(f"  {line}" for line in server.log[-LOG_LINES:])]
    return "\n".join(lines)
