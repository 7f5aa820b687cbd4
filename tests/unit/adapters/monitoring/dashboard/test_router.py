"""The dashboard's addresses, without a socket."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI

from app.adapters.monitoring.app import create_app
from app.adapters.monitoring.dashboard.router import dashboard_router
from app.domain.limits import Limits
from tests.support.monitored_broker import MonitoredBroker

pytestmark = pytest.mark.asyncio

Client = httpx.AsyncClient


@pytest.fixture(name="broker")
def _broker() -> MonitoredBroker:
    return MonitoredBroker(Limits(max_pending=2000), name="edge-1")


@pytest_asyncio.fixture(name="client")
async def _client(broker: MonitoredBroker) -> AsyncIterator[Client]:
    app = create_app(broker.context, [dashboard_router(broker.context)])
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


async def feed(client: Client, /, **parameters: str | int) -> dict[str, Any]:
    """A good answer of the feed."""
    answer = await client.get("/dashboard/feed", params=parameters)
    assert 200 == answer.status_code, answer.text
    document: dict[str, Any] = answer.json()
    return document


async def test_the_page(client: Client) -> None:
    """The page is HTML, under a policy that lets nothing in from elsewhere."""
    answer = await client.get("/dashboard")

    assert (200, "text/html; charset=utf-8") == (answer.status_code, answer.headers["content-type"])
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'")
    assert "nosniff" == answer.headers["x-content-type-options"]


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("page.js", "text/javascript; charset=utf-8"),
        ("dashboard.css", "text/css; charset=utf-8"),
        ("icon.svg", "image/svg+xml"),
    ],
)
async def test_a_file_and_its_type(client: Client, name: str, media_type: str) -> None:
    """Each file comes with its type, since browsers must not guess."""
    answer = await client.get(f"/dashboard/{name}")

    assert (200, media_type) == (answer.status_code, answer.headers["content-type"])


async def test_a_file_that_the_browser_has(client: Client) -> None:
    """A browser that has a file asks whether there is a newer one, and the answer is that there is none."""
    first = await client.get("/dashboard/page.js")

    again = await client.get("/dashboard/page.js", headers={"If-None-Match": first.headers["etag"]})

    assert (304, b"") == (again.status_code, again.content)
    assert "no-cache" == again.headers["cache-control"]


@pytest.mark.parametrize("path", ["/dashboard/", "/dashboard/assets.py", "/dashboard/..%2fassets.py"])
async def test_no_other_file(client: Client, path: str) -> None:
    """Nothing is served but the files of the page."""
    assert 404 == (await client.get(path)).status_code


async def test_the_api_document_is_about_other_things(client: Client) -> None:
    """The feed is made for the page and may change with it, so no document promises it."""
    assert "/dashboard" not in (await client.get("/openapi.json")).text


async def test_the_feed_of_an_idle_server(client: Client) -> None:
    """Without clients the tables are empty, and the server is described."""
    answer = await feed(client)

    assert ("edge-1", "python") == (answer["server"]["name"], answer["server"]["data_plane"])
    assert {
        "total": 0,
        "matched": 0,
        "slow": 0,
        "affected": 0,
        "pending": 0,
        "offset": 0,
        "rows": [],
    } == answer["connections"]
    assert ([], []) == (answer["subjects"]["rows"], answer["routes"])


async def test_a_client_in_the_feed(broker: MonitoredBroker, client: Client) -> None:
    """A row shows a client and its traffic."""
    broker.connect("billing", "a").ask(b"PUB a 3\r\nabc\r\n")
    broker.server.advance(5.0)

    [row] = (await feed(client))["connections"]["rows"]

    assert ("billing", "test", "1.0", 1) == (row["name"], row["lang"], row["version"], row["subs"])
    assert (1, 1, 3, 3) == (row["msgs_to"], row["msgs_from"], row["bytes_to"], row["bytes_from"])
    assert (5.0, 5.0, None) == (row["idle"], row["uptime"], row["to_rate"])


async def test_a_client_that_does_not_read(broker: MonitoredBroker, client: Client) -> None:
    """Who is slow is counted, and can be asked for alone."""
    slow = broker.connect("slow", "a")
    slow.wire.stall()
    broker.connect("quick").send(b"PUB a 1500\r\n%b\r\n" % (b"x" * 1500))

    connections = (await feed(client, slow=1))["connections"]

    assert (2, 1, 1) == (connections["total"], connections["matched"], connections["slow"])
    assert ["slow"] == [row["name"] for row in connections["rows"]]
    assert connections["pending"] >= 1500


async def test_what_the_reader_has_chosen(broker: MonitoredBroker, client: Client) -> None:
    """Sort, filter, page and subject of a request are those of the answer."""
    for number in range(5):
        broker.connect(f"orders-{number}", f"orders.{number}")
    broker.connect("other", "mail")

    answer = await feed(
        client, sort="name", descending=0, filter=" ORDERS ", offset=1, limit=2, subject="ders.3"
    )

    assert ["orders-1", "orders-2"] == [row["name"] for row in answer["connections"]["rows"]]
    assert (6, 5, 1) == tuple(answer["connections"][name] for name in ("total", "matched", "offset"))
    assert ["orders.3"] == [row["subject"] for row in answer["subjects"]["rows"]]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("sort", "password"),
        ("window", "1y"),
        ("limit", "0"),
        ("limit", "201"),
        ("offset", "-1"),
        ("after", "x"),
        ("slow", "maybe"),
        ("filter", "x" * 101),
        ("topic", "x" * 4097),
        ("client", "-1"),
        ("seen", "-2"),
        ("page", "1"),
    ],
)
async def test_what_cannot_be_chosen(client: Client, name: str, value: str) -> None:
    """A parameter that is unknown, or out of bounds, is refused in one line that names it."""
    answer = await client.get("/dashboard/feed", params={name: value})

    assert 400 == answer.status_code
    subject = "sorting option" if name == "sort" else f"value of {name}"
    assert answer.text.startswith(f"Invalid {subject}: {value[:20]}")
    assert 1 == answer.text.count("\n")


async def test_history_begins_with_the_server(broker: MonitoredBroker) -> None:
    """Samples are taken from the start of the application on, and only new ones are sent again."""
    router = dashboard_router(broker.context)
    app = FastAPI()
    app.include_router(router)
    transport = httpx.ASGITransport(app=app)
    async with router.lifespan_context(app), Client(transport=transport, base_url="http://test") as client:
        first = await feed(client)
        again = await feed(client, epoch=first["epoch"], after=1)
        other = await feed(client, epoch="of another server", after=1)

    assert [1, 0, 1] == [len(answer["history"]["samples"]) for answer in (first, again, other)]
    assert [0, 1, 0] == [answer["history"]["first"] for answer in (first, again, other)]


async def test_a_held_publisher(broker: MonitoredBroker, client: Client) -> None:
    """A publisher that waits says for whom, and its receiver how many it holds."""
    slow = broker.connect("slow", "a")
    slow.wire.stall()
    quick = broker.connect("quick")
    for _ in range(3):
        quick.send(b"PUB a 1500\r\n%b\r\n" % (b"x" * 1500))

    rows = {row["name"]: row for row in (await feed(client, slow=1))["connections"]["rows"]}

    assert [[rows["slow"]["cid"], "slow"]] == rows["quick"]["waits_for"]
    assert 1 == rows["slow"]["holds"]


async def test_what_is_opened(broker: MonitoredBroker, client: Client) -> None:
    """A client is opened by its number, a subject by its letters."""
    broker.connect("billing", "orders.*")
    [cid] = broker.server.broker.sessions

    opened = await feed(client, client=cid)
    subject = await feed(client, topic="orders.*")

    assert ("billing", "orders.*") == (
        opened["client"]["name"],
        opened["client"]["subscriptions"][0]["subject"],
    )
    assert [("billing", cid)] == [(row["name"], row["cid"]) for row in subject["subject"]["subscriptions"]]


async def test_names_travel_as_data(broker: MonitoredBroker, client: Client) -> None:
    """A name that looks like markup arrives letter by letter, and is not to be cached."""
    hostile = "<img src=x onerror=alert(1)>"
    broker.connect(hostile, "a")

    answer = await client.get("/dashboard/feed")

    assert hostile == json.loads(answer.content)["connections"]["rows"][0]["name"]
    assert ("application/json", "no-store") == (
        answer.headers["content-type"],
        answer.headers["cache-control"],
    )
