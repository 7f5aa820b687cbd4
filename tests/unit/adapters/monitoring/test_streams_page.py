"""The page `/jsz`, and what other pages show of JetStream."""

from dataclasses import replace

import pytest

from app.ports.streams_view import StreamsDetail
from tests.fakes.broker_view import Watched
from tests.fakes.streams_view import FakeStreams, consumer, stream
from tests.unit.adapters.monitoring.client import ask

pytestmark = pytest.mark.asyncio


@pytest.fixture(name="streams")
def _streams(watched: Watched) -> FakeStreams:
    """JetStream of the watched server."""
    streams = FakeStreams()
    watched.context = replace(watched.context, streams=lambda: streams)
    return streams


async def test_without_jetstream(watched: Watched) -> None:
    """The page says that it is off."""
    answer = (await ask(watched, "/jsz")).json()
    assert answer["disabled"] is True
    assert answer["server_id"]


async def test_figures(watched: Watched, streams: FakeStreams) -> None:
    """What is used, the configuration, and totals."""
    answer = (await ask(watched, "/jsz")).json()
    assert (answer["storage"], answer["config"], answer["streams"]) == (2, {"max_memory": 4}, 5)
    assert "account_details" not in answer
    assert streams.asked == []
    assert (await ask(watched, "/jsz?callback=f")).text.startswith("f({")


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ("accounts=1", StreamsDetail(account=True)),
        ("streams=true&config=1&limit=3", StreamsDetail(account=True, streams=True, config=True)),
        ("streams=1&limit=-1&offset=-1", StreamsDetail(account=True, streams=True)),
        ("acc=$G&offset=5", StreamsDetail(account=True)),
        ("consumers=1&offset=-1", StreamsDetail(account=True, consumers=True)),
        ("acc=$G", StreamsDetail(account=True)),
    ],
)
async def test_details(watched: Watched, streams: FakeStreams, query: str, detail: StreamsDetail) -> None:
    """Parameters ask for accounts, streams and consumers."""
    answer = (await ask(watched, f"/jsz?{query}")).json()
    assert answer["account_details"] == [{"name": "$G"}]
    assert streams.asked == [detail]


async def test_health(watched: Watched, streams: FakeStreams) -> None:
    """A problem of streams is one of the server, unless only the server is asked about."""
    assert (await ask(watched, "/healthz")).status_code == 200
    streams.wrong = "JetStream stream '$G > S' is damaged"
    response = await ask(watched, "/healthz")
    assert response.status_code == 503
    assert response.json() == {"status": "unavailable", "status_code": 503, "error": streams.wrong}
    assert (await ask(watched, "/healthz?js-enabled-only=true")).status_code == 200


@pytest.mark.usefixtures("streams")
async def test_varz(watched: Watched) -> None:
    """Servers that speak the wire of today show a part of it, where there is one."""
    answer = (await ask(watched, "/varz")).json()
    if "jetstream" in answer:
        assert answer["jetstream"]["config"] == {"max_memory": 4}


async def test_pages_are_of_accounts(watched: Watched, streams: FakeStreams) -> None:
    """A program that asks for the accounts after the first one gets none; streams are never cut."""
    assert "account_details" not in (await ask(watched, "/jsz?accounts=1&streams=1&offset=1")).json()
    assert streams.asked == []


async def test_another_account_has_no_details(watched: Watched, streams: FakeStreams) -> None:
    """Only the account `$G` has details of streams."""
    assert "account_details" not in (await ask(watched, "/jsz?acc=A&streams=1")).json()
    assert streams.asked == []


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("account=A", 'JetStream account "A" not found'),
        ("account=$G&stream=T", 'JetStream stream "T" not found on account "$G"'),
        (
            "account=$G&stream=S&consumer=d",
            'JetStream consumer "d" not found for stream "S" on account "$G"',
        ),
    ],
)
async def test_a_probe_names_what_is_not_there(
    watched: Watched, streams: FakeStreams, query: str, error: str
) -> None:
    """That is no fault of the server: 404, with a list of one on request."""
    streams.streams = [stream("S")]
    streams.consumers = [consumer("S", "c")]
    assert (await ask(watched, "/healthz?account=$G&stream=S&consumer=c")).status_code == 200
    response = await ask(watched, f"/healthz?{query}")
    assert response.status_code == 404
    assert response.json() == {"status": "unavailable", "error": error}
    (listed,) = (await ask(watched, f"/healthz?{query}&details=1")).json()["errors"]
    assert listed["error"] == error
