"""The addresses of the page of streams, without a socket."""

from dataclasses import replace
from typing import Any

import pytest

from app.adapters.monitoring.dashboard.router import dashboard_router
from tests.fakes.broker_view import Watched
from tests.fakes.streams_view import FakeStreams, consumer, stream
from tests.unit.adapters.monitoring.client import ask

pytestmark = pytest.mark.asyncio


@pytest.fixture(name="streams")
def _streams(watched: Watched) -> FakeStreams:
    streams = FakeStreams()
    watched.context = replace(watched.context, streams=lambda: streams)
    return streams


async def feed(watched: Watched, parameters: str = "") -> dict[str, Any]:
    """A good answer of the feed."""
    path = f"/dashboard/streams/feed?{parameters}"
    answer = await ask(watched, path, routers=[dashboard_router(watched.context)])
    assert 200 == answer.status_code, answer.text
    document: dict[str, Any] = answer.json()
    return document


async def test_the_page(watched: Watched) -> None:
    """The page is HTML, under the policy of the dashboard."""
    answer = await ask(watched, "/dashboard/streams", routers=[dashboard_router(watched.context)])

    assert (200, "text/html; charset=utf-8") == (answer.status_code, answer.headers["content-type"])
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert "streams.js" in answer.text


async def test_what_the_reader_has_chosen(watched: Watched, streams: FakeStreams) -> None:
    """Sort, filter, page and details of a request are those of the answer."""
    streams.streams = [stream(f"S{number}", messages=number) for number in range(5)]
    streams.consumers = [consumer("S1", f"c{number}", delivered=number) for number in range(3)]

    answer = await feed(
        watched,
        "sort=messages&limit=2&offset=2&filter=%20s%20&consumers_sort=delivered&consumers_descending=0"
        "&consumers_offset=1&stream=S1&consumer=c2",
    )

    assert ["S2", "S1"] == [row["name"] for row in answer["streams"]["rows"]]
    assert ["c1", "c2"] == [row["name"] for row in answer["consumers"]["rows"]]
    assert 1 == answer["consumers"]["offset"] == answer["consumers"]["rows"][0]["delivered"]
    assert "c2" == answer["detail"]["name"]


@pytest.mark.parametrize(
    "parameters", ["sort=size", "consumers_sort=size", "limit=0", "limit=201", "offset=-1", "page=1"]
)
async def test_what_cannot_be_chosen(watched: Watched, parameters: str) -> None:
    """A parameter that is unknown, or out of bounds, is refused in one line."""
    path = f"/dashboard/streams/feed?{parameters}"
    answer = await ask(watched, path, routers=[dashboard_router(watched.context)])

    assert 400 == answer.status_code
    assert 1 == answer.text.count("\n")
