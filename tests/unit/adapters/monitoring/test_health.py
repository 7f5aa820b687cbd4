"""Probes."""

import pytest

from app.ports.broker_view import Health
from tests.fakes.broker_view import Watched
from tests.unit.adapters.monitoring.client import ask

pytestmark = pytest.mark.asyncio

OK = '{"status":"ok"}'


@pytest.mark.parametrize("path", ["/healthz", "/livez", "/readyz"])
async def test_all_is_well(watched: Watched, path: str) -> None:
    """A server that works says so, compactly."""
    response = await ask(watched, path)

    assert (200, OK) == (response.status_code, response.text)
    assert "application/json" == response.headers["content-type"]


@pytest.mark.parametrize(
    ("state", "healthz", "livez", "readyz"),
    [
        (Health(serving=True, ready=False), 200, 200, 503),
        (Health(serving=False, ready=False), 500, 200, 503),
    ],
)
async def test_states(watched: Watched, state: Health, healthz: int, livez: int, readyz: int) -> None:
    """A server that is emptied still works; one that is not open does not; both are alive."""
    watched.view.state = state

    found = [(await ask(watched, path)).status_code for path in ("/healthz", "/livez", "/readyz")]

    assert [healthz, livez, readyz] == found


async def test_what_is_wrong(watched: Watched) -> None:
    """A probe that fails says why."""
    watched.view.state = Health(serving=False, ready=False)

    assert {"status": "error", "error": "not ready for connections"} == (
        await ask(watched, "/healthz")
    ).json()
    assert "unavailable" == (await ask(watched, "/readyz")).json()["status"]


@pytest.mark.parametrize(
    "query",
    [
        "js-enabled-only=true",
        "js-enabled=t&details=true",
        "js-server-only=1",
        "js-meta-only=false",
        "account=A&stream=S&consumer=C",
    ],
)
async def test_jetstream_is_not_missed(watched: Watched, query: str) -> None:
    """Probes that ask about JetStream, too, are satisfied."""
    assert OK == (await ask(watched, f"/healthz?{query}")).text


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("stream=S", '"account" must not be empty when checking stream health'),
        ("account=A&consumer=C", '"stream" must not be empty when checking consumer health'),
    ],
)
async def test_questions_without_sense(watched: Watched, query: str, error: str) -> None:
    """A question that leaves half of itself out is refused, as by today's servers."""
    response = await ask(watched, f"/healthz?{query}")

    assert (400, {"status": "error", "error": error}) == (response.status_code, response.json())


async def test_details_of_a_question_without_sense(watched: Watched) -> None:
    """With details it is refused in the list of errors."""
    response = await ask(watched, "/healthz?stream=S&details=1")

    error = '"account" must not be empty when checking stream health'
    assert {"status": "error", "errors": [{"type": "BAD_REQUEST", "error": error}]} == response.json()


async def test_bad_switch(watched: Watched) -> None:
    """A switch that is no switch is refused in one line."""
    response = await ask(watched, "/healthz?js-enabled-only=maybe")

    assert (400, "Invalid value of js-enabled-only: maybe\n") == (response.status_code, response.text)
