"""The feed of the page of streams."""

import json
from dataclasses import replace
from typing import Any

from app.adapters.monitoring.dashboard.streams_feed import MAX_SHOWN_SUBJECTS, streams_json
from app.adapters.monitoring.dashboard.streams_selection import RowSelection, StreamsQuery
from app.adapters.monitoring.dashboard.streams_snapshot import StreamsSnapshot, with_rates
from app.domain.lame_duck import LameDuckFacts
from tests.fakes.broker_view import Watched
from tests.fakes.streams_view import FakeStreams, consumer, stream
from tests.support.steps import finished


def feed(
    watched: Watched, streams: FakeStreams | None, opened: str = "", of_consumer: str = ""
) -> dict[str, Any]:
    """What the page gets, with these details open."""
    context = replace(watched.context, streams=lambda: streams)
    found = StreamsSnapshot(0.0)
    if streams is not None:
        found = finished(with_rates(None, 0.0, finished(streams.overview(2, 2))))
    query = StreamsQuery(RowSelection("name"), RowSelection("name"), stream=opened, consumer=of_consumer)
    document: dict[str, Any] = json.loads(finished(streams_json(context, found, query, "e1")))
    return document


def some() -> FakeStreams:
    """Three streams, of which two are shown, and a consumer."""
    streams = FakeStreams()
    streams.streams = [
        stream("A", messages=3, first_time=1_500_000_000, consumers=1),
        stream("B"),
        stream("C"),
    ]
    streams.consumers = [consumer("A", "x", lag=2, acked_at=2_500_000_000)]
    return streams


def test_jetstream_is_off(watched: Watched) -> None:
    """The page learns it, and who the server is."""
    answer = feed(watched, None, opened="A")

    assert (None, None, []) == (answer["jetstream"], answer["detail"], answer["streams"]["rows"])
    assert ("e1", watched.view.facts.info.server_id) == (answer["edition"], answer["epoch"])


def test_lame_duck(watched: Watched) -> None:
    """The seconds that are left."""
    assert None is feed(watched, None)["server"]["lame_duck"]
    now = watched.clock.monotonic()
    watched.view.facts = replace(watched.view.facts, lame_duck=LameDuckFacts(now, now + 30.0))

    assert 30.0 == feed(watched, None)["server"]["lame_duck"]


def test_rows_and_sums(watched: Watched) -> None:
    """Figures of streams and consumers; times are seconds, and None for never."""
    answer = feed(watched, some())
    (later, first), (only,) = answer["streams"]["rows"], answer["consumers"]["rows"]

    assert (3, 2, 2) == tuple(answer["streams"][name] for name in ("total", "known", "matched"))
    assert ("B", None, "A", 1.5, 2) == (
        later["name"],
        later["oldest"],
        first["name"],
        first["oldest"],
        first["lag"],
    )
    assert (["a.>"], 0, 30) == (first["subjects"], first["more_subjects"], first["bytes"])
    assert ("x", "A", 2, 2.5, None) == (
        only["name"],
        only["stream"],
        only["lag"],
        only["acked_at"],
        only["delivered_at"],
    )
    assert (3, 2, "", 2) == tuple(
        answer["jetstream"][name] for name in ("messages", "lag", "problem", "storage")
    )


def test_a_stream_of_many_subjects(watched: Watched) -> None:
    """The first of them, and the number of the rest."""
    streams = FakeStreams()
    subjects = tuple(f"s.{number}" for number in range(MAX_SHOWN_SUBJECTS + 3))
    streams.streams = [replace(stream("A"), subjects=subjects)]
    (row,) = feed(watched, streams)["streams"]["rows"]

    assert (MAX_SHOWN_SUBJECTS, 3) == (len(row["subjects"]), row["more_subjects"])


def test_details(watched: Watched) -> None:
    """A stream opens with its consumers, a consumer with what is known of it; what has gone is None."""
    opened = feed(watched, some(), "A")["detail"]
    of_consumer = feed(watched, some(), "A", "x")["detail"]

    assert ("A", {"name": "A"}, ["x"]) == (
        opened["name"],
        opened["info"],
        [row["name"] for row in opened["listed"]],
    )
    assert ("x", {"name": "x"}) == (of_consumer["name"], of_consumer["info"])
    assert None is feed(watched, some(), "gone")["detail"] is feed(watched, some(), "A", "gone")["detail"]


def test_trouble(watched: Watched) -> None:
    """What keeps JetStream from being healthy, and which stream stores nothing."""
    streams = some()
    streams.wrong = "JetStream stream '$G > A' cannot store: full"
    streams.streams[0] = replace(streams.streams[0], failure="full")
    answer = feed(watched, streams)

    assert streams.wrong == answer["jetstream"]["problem"]
    assert ["", "full"] == [row["failure"] for row in answer["streams"]["rows"]]
