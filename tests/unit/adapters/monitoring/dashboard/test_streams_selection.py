"""Selection: the streams and consumers that a reader has asked for."""

import pytest

from app.adapters.monitoring.dashboard.streams_selection import (
    CONSUMER_SORTS,
    STREAM_SORTS,
    RowSelection,
    StreamsQuery,
    consumers_of,
    select_consumers,
    select_streams,
)
from app.adapters.monitoring.dashboard.streams_snapshot import ConsumerRow, StreamRow, StreamsSnapshot
from tests.fakes.streams_view import consumer, stream
from tests.support.steps import finished


def snapshot() -> StreamsSnapshot:
    """Two streams and two consumers, of which `b` has more of everything."""
    found = StreamsSnapshot(0.0)
    for number, name in ((2, "b"), (1, "a")):
        figures = stream(name, messages=number, first_time=10 - number, consumers=number)
        found.streams[name] = StreamRow(figures, float(number), number, number, number)
        row = ConsumerRow(
            consumer(
                name,
                name,
                lag=number,
                unacknowledged=number,
                redelivered=number,
                delivered=number,
                acked_at=number,
            ),
            float(number),
        )
        found.consumers[row.key] = row
    return found


def query(
    *,
    streams: str = "name",
    consumers: str = "name",
    descending: bool = False,
    text: str = "",
    offset: int = 0,
) -> StreamsQuery:
    """What a reader wants, of one row for each page if there is an offset."""
    limit = 1 if offset else 15
    return StreamsQuery(
        RowSelection(streams, descending, offset, limit),
        RowSelection(consumers, descending, offset, limit),
        text,
    )


@pytest.mark.parametrize("sort", STREAM_SORTS)
def test_streams_sort_both_ways(sort: str) -> None:
    """Each column puts the smallest first, or the largest."""
    for descending, names in ((False, ["a", "b"]), (True, ["b", "a"])):
        page = finished(select_streams(snapshot(), query(streams=sort, descending=descending)))
        assert names == [row.figures.name for row in page.rows]


@pytest.mark.parametrize("sort", CONSUMER_SORTS)
def test_consumers_sort_both_ways(sort: str) -> None:
    """Consumers are sorted by a column, up or down."""
    for descending, names in ((False, ["a", "b"]), (True, ["b", "a"])):
        page = finished(select_consumers(snapshot(), query(consumers=sort, descending=descending)))
        assert names == [row.figures.name for row in page.rows]


def test_a_stream_without_messages_has_no_age() -> None:
    """It comes after all others, when the oldest are first."""
    found = snapshot()
    found.streams["new"] = StreamRow(stream("new"))
    page = finished(select_streams(found, query(streams="oldest", descending=True)))

    assert ["b", "a", "new"] == [row.figures.name for row in page.rows]


@pytest.mark.parametrize(
    ("text", "streams", "consumers"),
    [("B", ["b"], ["b"]), ("a.>", ["a"], []), ("x", [], []), ("", ["a", "b"], ["a", "b"])],
)
def test_filtering(text: str, streams: list[str], consumers: list[str]) -> None:
    """By name in any case, streams by subject too, and consumers by that of their stream."""
    asked = query(text=text)

    assert streams == [row.figures.name for row in finished(select_streams(snapshot(), asked)).rows]
    assert consumers == [row.figures.name for row in finished(select_consumers(snapshot(), asked)).rows]


def test_paging() -> None:
    """One page after the other; the last one in place of one that has gone."""
    page = finished(select_streams(snapshot(), query(offset=7)))

    assert (["b"], 1, 2) == ([row.figures.name for row in page.rows], page.offset, page.matched)


def test_consumers_of_a_stream() -> None:
    """Those furthest back first, and no others."""
    found = snapshot()
    for number in range(3):
        row = ConsumerRow(consumer("a", f"c{number}", lag=10 + number))
        found.consumers[row.key] = row
    page = finished(consumers_of(found, "a", 3))

    assert (["c2", "c1", "c0"], 4) == ([row.figures.name for row in page.rows], page.matched)
