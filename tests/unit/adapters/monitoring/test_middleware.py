"""What holds for every request."""

import pytest
from starlette.types import Message, Receive, Scope, Send

from app.adapters.monitoring.middleware import MonitoringMiddleware
from app.adapters.monitoring.stepper import Stepper
from tests.fakes.broker_view import Watched
from tests.unit.adapters.monitoring.client import ask

pytestmark = pytest.mark.asyncio


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "BREW"])
@pytest.mark.parametrize("path", ["/varz", "/nothing"])
async def test_reading_only(watched: Watched, method: str, path: str) -> None:
    """Nothing can be done here but reading."""
    response = await ask(watched, path, method)

    assert (405, "GET, HEAD") == (response.status_code, response.headers["allow"])
    assert "nosniff" == response.headers["x-content-type-options"]


@pytest.mark.parametrize(
    ("path", "location"),
    [("//varz", "/varz"), ("///connz?limit=1&offset=2", "/connz?limit=1&offset=2"), ("//", "/")],
)
async def test_doubled_slashes(watched: Watched, path: str, location: str) -> None:
    """Doubled slashes lead to the page they mean, with its parameters."""
    response = await ask(watched, path)

    assert (301, location) == (response.status_code, response.headers["location"])


@pytest.mark.parametrize("path", ["//example.com", "//varz/", "/varz//x"])
async def test_no_way_out(watched: Watched, path: str) -> None:
    """Doubled slashes lead nowhere else."""
    assert 404 == (await ask(watched, path)).status_code


async def test_what_is_no_request_passes() -> None:
    """The beginning and the end of the server are the application's own affair."""
    seen: list[Scope] = []

    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        seen.append(scope)

    async def receive() -> Message:
        raise AssertionError

    async def send(_message: Message) -> None:
        raise AssertionError

    await MonitoringMiddleware(app, (), Stepper(), Stepper())({"type": "lifespan"}, receive, send)

    assert [{"type": "lifespan"}] == seen
