"""The Node clients for streams, key-value and objects against this server, over each twin."""

from collections.abc import Iterator
from typing import cast

import pytest

from tests.support.foreign_clients import STREAM_PACKAGES, ForeignClient, node_client
from tests.support.server_process import CURRENT, ServerProcess
from tests.support.twins import twins

CHECKS = (
    "streams",
    "pull",
    "ordered",
    "push",
    "work_queue",
    "key_value",
    "key_value_watch",
    "key_value_ttl",
    "objects",
    "object_watch",
)


@pytest.fixture(scope="module", name="client")
def _client() -> ForeignClient:
    """The program that is run."""
    return node_client("streams.cjs", STREAM_PACKAGES)


@pytest.fixture(scope="module", name="twin", params=twins())
def _twin(request: pytest.FixtureRequest) -> dict[str, str]:
    """The environment that chooses a data plane."""
    return {"PYNATSD_DATA_PLANE": cast("str", request.param)}


@pytest.fixture(scope="module", name="url")
def _url(
    request: pytest.FixtureRequest, twin: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """A server with streams in files; none is started without a client."""
    request.getfixturevalue("client")
    directory = tmp_path_factory.mktemp("store")
    with ServerProcess(*CURRENT, "-js", "-sd", str(directory), env=twin) as server:
        yield server.url


@pytest.mark.parametrize("check", CHECKS)
def test_streams(client: ForeignClient, url: str, check: str) -> None:
    """What programs do with streams, buckets and object stores works as with nats-server."""
    client.verify(check, url)
