"""The pure parts of the benchmarks: bytes expected, figures, verdicts and the chart."""

import pytest

from benchmarks.__main__ import chosen, parse
from benchmarks.chart import Bar, draw, position
from benchmarks.configured import permissions_file
from benchmarks.encode import (
    cut,
    delivered_bytes,
    delivery,
    ends_with_pong,
    publication,
    shuffled_subjects,
    surplus_is_keep_alive,
)
from benchmarks.latency import percentiles
from benchmarks.load import throughput
from benchmarks.measure import Result
from benchmarks.report import document, lines_of, number, table
from benchmarks.rows import Figure, Row, Section, all_rows
from benchmarks.sample import Sample
from benchmarks.servers import NATIVE, PEER, PLAIN
from benchmarks.shape import Shape, stream
from benchmarks.web import FrameCounter, frame


@pytest.mark.parametrize("payload", [b"", b"x" * 16, b"y" * 70_000])
def test_a_receiver_gets_what_was_computed(payload: bytes) -> None:
    """The bytes of a delivery follow from the publication, for any size."""
    pieces = list(cut([b"a.b"] * 7, payload, 3))

    assert 7 * len(delivery(b"a.b", payload)) == delivered_bytes(pieces)
    assert 7 * publication(b"a.b", payload) == b"".join(piece.data for piece in pieces)


def test_messages_with_headers() -> None:
    """Three headers of 40 bytes are in each message, and a receiver gets as many bytes as are computed."""
    shape = Shape(subscribers=1, headers=3, greeting=b"CONNECT {}\r\n")
    (piece,) = cut([b"a"], b"hi", 1, shape.block)
    head = b"a 132 134\r\n"

    assert 132 == len(shape.block)
    assert b"HPUB " + head + shape.block + b"hi\r\n" == piece.data
    assert len(b"HMSG 1 " + head + shape.block + b"hi\r\n") == piece.delivered
    assert shape.opening.startswith(b"CONNECT {}\r\nSUB ")


@pytest.mark.parametrize("size", [0, 5, 125, 126, 65_535, 65_536])
@pytest.mark.parametrize("step", [1, 7, 100_000])
def test_data_in_frames(size: int, step: int) -> None:
    """The data of a server's frames is found, however the bytes are cut."""
    masked = frame(size * b"x")
    data = 2 * (bytes((masked[0], masked[1] & 0x7F)) + masked[2 : len(masked) - size - 4] + size * b"x")
    counter = FrameCounter()

    spans = [counter.spans(memoryview(data)[at : at + step]) for at in range(0, len(data), step)]

    assert 2 * size == sum(end - start for found in spans for start, end in found)


def test_a_file_of_permissions() -> None:
    """The user of the row has a hundred rules for each direction, and its subject is among them."""
    text = permissions_file()

    assert 2 * 99 == text.count('"rule.')
    assert 2 == text.count('"bench"]')


def test_each_subject_comes_equally_often() -> None:
    """The shuffled list has each subject equally often."""
    subjects = shuffled_subjects(1000)

    assert {subject: subjects.count(subject) for subject in subjects[:50]} == dict.fromkeys(
        subjects[:50], 100
    )


@pytest.mark.parametrize(
    ("received", "fine"), [(100, True), (106, True), (112, True), (118, False), (94, False)]
)
def test_only_pings_may_be_surplus(received: int, fine: bool) -> None:  # noqa: FBT001 - a row of the table
    """One or two PINGs more than expected are no lost message; anything else is."""
    assert fine == surplus_is_keep_alive(100, received)


@pytest.mark.parametrize(
    ("received", "over"),
    [
        (b"PONG\r\n", True),
        (b"MSG a 1 4\r\nPING\r\nPONG\r\nPING\r\nPING\r\n", True),
        (b"PONG\r\nPI", False),
        (b"PING\r\n", False),
        (b"", False),
    ],
)
def test_a_server_may_ping_after_its_pong(received: bytes, over: bool) -> None:  # noqa: FBT001 - a row
    """A PING right after the PONG does not hide the PONG."""
    assert over == ends_with_pong(received)


@pytest.mark.parametrize(
    ("shape", "copies"),
    [
        (Shape(), 0),
        (Shape(subscribers=10), 10),
        (Shape(subscribers=4, grouped=True), 1),
        (Shape(echoing=True), 1),
        (Shape(publishers=10, subscribers=10), 10),
    ],
)
def test_copies_of_a_message(shape: Shape, copies: int) -> None:
    """A group gets one copy, plain receivers one each."""
    pieces = stream(shape)[:2]

    assert copies == shape.copies
    assert delivered_bytes(pieces) * shape.publishers * copies == shape.expected(pieces)


def test_percentiles() -> None:
    """Percentiles are measured values, in µs."""
    assert {"p50": 501.0, "p99": 991.0, "p99.9": 1000.0} == percentiles([n * 1000 for n in range(1, 1001)])


def result(native: float, peer: float, figure: Figure) -> Result:
    """A row with one round."""
    row = Row(Section("Section", "About it."), "title", throughput(Shape()), (figure,))
    samples = {
        NATIVE: [Sample({"cost": native})],
        PLAIN: [Sample({"cost": native})],
        PEER: [Sample({"cost": peer})],
    }
    return Result(row, samples)


@pytest.mark.parametrize(
    ("native", "peer", "ratio", "verdict"), [(10.0, 60.0, "6", "6 met"), (20.0, 60.0, "3", "6 not met")]
)
def test_verdicts_are_computed(native: float, peer: float, ratio: str, verdict: str) -> None:
    """A goal is met when the ratio reaches it."""
    (line,) = lines_of(result(native, peer, Figure("cost", "ns", 6.0)))

    assert (ratio, verdict) == line[4:6]
    assert verdict in table([result(native, peer, Figure("cost", "ns", 6.0))])


def test_a_failed_row_has_no_figure() -> None:
    """A server that failed gets a dash, and its goal is not met."""
    failed = result(10.0, 60.0, Figure("cost", "ns", 6.0))
    failed.failures[NATIVE] = "lost a message"

    (line,) = lines_of(failed)

    assert ("-", "6 not met") == (line[1], line[5])


def test_a_goal_without_a_peer_is_open() -> None:
    """If the peer failed there is no ratio, and the page says so."""
    failed = result(10.0, 60.0, Figure("cost", "ns", 6.0))
    failed.failures[PEER] = "fell silent"

    (line,) = lines_of(failed)

    assert ("-", "6 open: the peer failed") == line[4:6]


def test_the_page_has_every_section() -> None:
    """The page explains each section and shows all its rows."""
    results = [Result(row, {}) for row in all_rows()]

    page = document(results, "chart.svg")

    assert all(f"## {row.section.title}\n\n{row.section.about}\n" in page for row in all_rows())
    assert all(f"| {row.title}" in page for row in all_rows())


@pytest.mark.parametrize(
    ("value", "text"), [(None, "-"), (0.1234, "0.123"), (12.34, "12.3"), (123456.0, "123,456")]
)
def test_numbers(value: float | None, text: str) -> None:
    """Numbers have three significant digits and thousands separators."""
    assert text == number(value)


def test_the_chart_shows_every_bar() -> None:
    """The chart has each title, and better values are further right."""
    drawing = draw([Bar("one & two", {NATIVE: 6.0, PLAIN: 0.5}, 3.0)])

    assert "one &amp; two" in drawing
    assert position(0.5) < position(1.0) < position(6.0)


def test_rows_are_chosen_by_title() -> None:
    """A pattern selects rows; a quick run omits those with a preparation."""
    assert ["1 → 10, 16 B"] == [row.title for row in chosen(all_rows(), "1 → 10, *", quick=False)]
    assert not any(row.once for row in chosen(all_rows(), "*", quick=True))
    assert 3 == parse(["--rounds", "3"]).rounds
