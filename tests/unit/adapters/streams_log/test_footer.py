"""A footer has what its segment has, in columns."""

from array import array

from app.adapters.streams_log.footer import Footer, SegmentColumns, decode_footer, encode_footer, footer_of
from app.domain.jetstream.storage.chunk import Columns, Span


def columns(sequences: list[int]) -> SegmentColumns:
    """The columns of messages on two subjects."""
    made = SegmentColumns()
    for sequence in sequences:
        made.add(sequence, b"s.%d" % (sequence % 2), sequence * 100, sequence * 7, 40)
    made.removes.extend([1, 2])
    return made


def same(one: Footer, other: Footer | None) -> bool:
    """Whether two footers say the same."""
    return other is not None and [
        [list(column) for column in one.columns],
        one.spans,
        list(one.removes),
        one.last,
        one.last_time,
    ] == [
        [list(column) for column in other.columns],
        other.spans,
        list(other.removes),
        other.last,
        other.last_time,
    ]


def test_a_footer_is_read_as_it_was_written() -> None:
    """With and without gaps between the sequences."""
    for sequences in ([4, 5, 6, 7], [4, 6, 9], []):
        footer = footer_of(columns(sequences), 9, 63)

        assert same(footer, decode_footer(encode_footer(footer)))


def test_sequences_in_a_row_need_no_memory() -> None:
    """They come back as a range."""
    footer = decode_footer(encode_footer(footer_of(columns([4, 5, 6]), 6, 42)))

    assert footer is not None
    assert footer.columns.sequences == range(4, 7)


def test_subjects_have_their_numbers() -> None:
    """Each has how many messages, the first and the last, and links from one to the next."""
    footer = footer_of(columns([4, 5, 6, 8]), 8, 56)

    assert [Span(b"s.0", 3, 4, 8), Span(b"s.1", 1, 5, 5)] == footer.spans
    assert [2, 0, 2, 0] == list(footer.columns.following)


def test_what_makes_no_sense_is_none() -> None:
    """A footer that is cut anywhere is not used."""
    data = encode_footer(footer_of(columns([4, 5, 6]), 6, 42))

    assert all(decode_footer(data[:end]) is None for end in range(len(data)))


def test_columns_go_on_from_a_footer() -> None:
    """A segment that was closed and is short goes on."""
    footer = decode_footer(encode_footer(footer_of(columns([4, 5]), 5, 35)))
    assert footer is not None
    again = SegmentColumns()
    again.load(footer)
    again.add(6, b"s.0", 600, 42, 40)

    expected = columns([4, 5, 6])
    assert same(footer_of(expected, 6, 42), footer_of(again, 6, 42))


def test_columns_are_cut() -> None:
    """What was taken back is in no footer."""
    made = columns([4, 5, 6])
    made.cut(1, 0)

    assert len(made) == 1
    assert [Span(b"s.0", 1, 4, 4)] == footer_of(made, 4, 28).spans


def test_many_messages_at_once() -> None:
    """The same as one by one, with subjects that are there and new ones, and one that has no message."""
    made = columns([4, 5])
    added = Columns(
        range(6, 8),
        array("I", [2, 0]),
        array("Q", [600, 700]),
        array("q", [42, 49]),
        array("I", [40, 40]),
        array("I", [0, 0]),
    )
    made.extend(added, [b"s.1", b"s.9", b"s.0"], array("Q", [6, 7]).tobytes())

    expected = columns([4, 5, 6, 7])
    assert same(footer_of(expected, 7, 49), footer_of(made, 7, 49))
