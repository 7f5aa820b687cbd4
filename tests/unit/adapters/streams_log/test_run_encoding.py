"""Records of messages in a row are those that they would be one by one, in either twin."""

import sys
from array import array
from struct import error

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.adapters.streams_log import run_encoding
from app.adapters.streams_log.record import (
    FIRST_OF_EPOCH,
    MESSAGE,
    REMOVING_MESSAGE,
    encode,
    seed_of,
    with_removals,
)
from app.adapters.streams_log.run_encoding import Chain, EncodedRun, PlainEncoder, RunEncoder, run_encoder
from app.domain.jetstream.storage.chunk import WITH_HEADERS, Span
from tests.support.runs import Published, run_of

BLOCK = b"NATS/1.0\r\nK: v\r\n\r\n"
MESSAGES: list[Published] = [
    (b"s.1", b"", b"hello", b"_I.1"),
    (b"s.1", BLOCK, b"more", b""),
    (b"s.22", b"", b"", b""),
    (b"s.1", b"", bytes(range(256)), b""),
]
CHAIN = Chain(MESSAGE | FIRST_OF_EPOCH, 255, 7, 1000, 0xDEADBEEF, 3, 0xFEEDF00D, 900, 1 << 24)


@pytest.fixture(name="encoder", params=[PlainEncoder(), run_encoder()], ids=["plain", "chosen"])
def _encoder(request: pytest.FixtureRequest) -> RunEncoder:
    """The plain one, and the one that is used here."""
    encoder: RunEncoder = request.param
    return encoder


def test_records_are_those_of_single_messages(encoder: RunEncoder) -> None:
    """Each goes on from the one before; only the first one may be the first of an epoch."""
    encoded = encoder.encode_run(run_of(MESSAGES), 0, CHAIN)

    expected, before, offset, kind = b"", CHAIN.before, CHAIN.offset, CHAIN.kind
    places = []
    for number, (subject, headers, payload, _) in enumerate(MESSAGES):
        seed = seed_of(CHAIN.salt, offset)
        texts = subject, headers, payload
        record, before = encode(
            kind, CHAIN.epoch, CHAIN.sequence + number, CHAIN.time + number, texts, before, seed
        )
        places.append(CHAIN.number << 32 | offset | (WITH_HEADERS if headers else 0))
        expected, offset, kind = expected + record, offset + len(record), MESSAGE
    assert (encoded.total, encoded.data, encoded.checksum) == (4, expected, before)
    assert array("Q", places).tobytes() == encoded.places


@given(
    subject=st.sampled_from([b"a", b"a.b", b"long" * 20]),
    headers=st.sampled_from([b"", BLOCK]),
    payload=st.binary(max_size=70),
    removed=st.sampled_from([0, 1, (1 << 64) - 1]),
    before=st.integers(0, 0xFFFFFFFF),
    seed=st.integers(0, 0xFFFFFFFF),
)
def test_a_single_record(  # noqa: PLR0913, PLR0917 - the fields of a record
    subject: bytes, headers: bytes, payload: bytes, removed: int, before: int, seed: int
) -> None:
    """It is the same in both twins, and says what it removes."""
    kind = (REMOVING_MESSAGE if removed else MESSAGE) | FIRST_OF_EPOCH
    texts = subject, headers, with_removals(payload, [removed]) if removed else payload
    expected = encode(kind, 255, 7, 1000, texts, before, seed)

    for encoder in (PlainEncoder(), run_encoder()):
        assert expected == encoder.encode_message(
            kind, 255, 7, 1000, subject, headers, payload, removed, before, seed
        )


def test_a_subject_that_a_record_has_no_room_for(encoder: RunEncoder) -> None:
    """It is refused: its length has 16 bits."""
    with pytest.raises((ValueError, error)):
        encoder.encode_message(MESSAGE, 0, 1, 1, bytes(0x10000), b"", b"", 0, 0, 0)


def test_columns_and_subjects(encoder: RunEncoder) -> None:
    """The index gets sequences, sizes, times, and links from one message of a subject to the next."""
    run = run_of(MESSAGES)
    encoded = encoder.encode_run(run, 0, CHAIN)

    columns = encoded.columns(run, 0, 7)
    assert columns.sequences == range(7, 11)
    assert array("Q", columns.sequences).tobytes() == encoded.sequences
    assert list(columns.ids) == [0, 0, 1, 0]
    assert list(columns.times) == [1000, 1001, 1002, 1003]
    assert list(columns.sizes) == [38, 30 + 4 + 3 + 4 + len(BLOCK), 34, 30 + 3 + 256]
    assert list(columns.following) == [1, 2, 0, 0]
    assert encoded.spans(run) == [Span(b"s.1", 3, 7, 10), Span(b"s.22", 1, 9, 9)]


def test_a_part_of_a_run(encoder: RunEncoder) -> None:
    """From a position up to a limit, but for the first record, which is there in any case."""
    run = run_of(MESSAGES)

    encoded = encoder.encode_run(run, 1, CHAIN._replace(limit=CHAIN.offset + 36 + 3 + len(BLOCK) + 4 + 40))
    assert encoded.total == 2
    assert encoded.spans(run) == [Span(b"s.1", 1, 7, 7), Span(b"s.22", 1, 8, 8)]
    assert encoder.encode_run(run, 0, CHAIN._replace(limit=0)).total == 1


def test_places_outside() -> None:
    """The compiled one reads nothing beyond the run, and writes no offset that has no room."""
    encoder = run_encoder()
    if isinstance(encoder, PlainEncoder):
        pytest.skip("it is not built here")
    run = run_of(MESSAGES)

    for start, chain in ((4, CHAIN), (-1, CHAIN), (0, CHAIN._replace(offset=0xFFFFFFF0))):
        with pytest.raises(ValueError, match=r"message|offset"):
            encoder.encode_run(run, start, chain)
    run.ids = run.ids[:-4]
    with pytest.raises(ValueError, match="no subject"):
        encoder.encode_run(run, 0, CHAIN)
    run.ids = b"\xff" * 16
    with pytest.raises(ValueError, match="no name"):
        encoder.encode_run(run, 0, CHAIN)


def test_where_it_is_not_built(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a compiler the plain one is used."""
    monkeypatch.setitem(sys.modules, f"{run_encoding.__package__}.native_encoding", None)

    assert isinstance(run_encoder.__wrapped__(), PlainEncoder)


@given(
    messages=st.lists(
        st.tuples(
            st.sampled_from([b"a", b"a.b", b"long" * 20]),
            st.sampled_from([b"", b"", BLOCK]),
            st.binary(max_size=70),
            st.just(b""),
        ),
        min_size=1,
        max_size=12,
    ),
    start=st.integers(0, 3),
    limit=st.integers(900, 2000),
    salt=st.integers(0, 0xFFFFFFFF),
)
def test_twins_encode_the_same(messages: list[Published], start: int, limit: int, salt: int) -> None:
    """To the byte, whatever the messages are."""
    run, chain = run_of(messages), CHAIN._replace(limit=limit, salt=salt)
    start = min(start, run.count - 1)

    found: EncodedRun = run_encoder().encode_run(run, start, chain)
    assert PlainEncoder.encode_run(run, start, chain) == found
