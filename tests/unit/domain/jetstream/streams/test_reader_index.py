"""Unit tests of which readers want a subject."""

import pytest

from app.domain.jetstream.streams import reader_index
from app.domain.jetstream.streams.reader_index import ReaderIndex
from tests.fakes.stream_host import FakeReader


def names(index: ReaderIndex, subject: bytes) -> list[str]:
    """Who wants it."""
    return sorted(reader.name for reader in index.wanting(subject))


def test_readers_are_found_by_their_filters() -> None:
    """Readers without filters want all, and each is found once."""
    index = ReaderIndex()
    assert names(index, b"a.b") == []
    index.add(FakeReader("all"))
    index.add(FakeReader("some", (b"a.*", b"a.b")))
    index.add(FakeReader("other", (b"c",)))

    assert names(index, b"a.b") == ["all", "some"]
    assert names(index, b"c") == ["all", "other"]
    assert names(index, b"a..b") == []
    assert [reader.name for reader in index.all()] == ["all", "some", "other"]


def test_filters_may_change_and_readers_go() -> None:
    """Answers that are remembered are forgotten then."""
    index = ReaderIndex()
    index.add(FakeReader("r", (b"a",)))
    assert names(index, b"a") == ["r"]
    index.add(FakeReader("r", (b"b",)))

    assert names(index, b"a") == []
    assert names(index, b"b") == ["r"]
    index.remove("r")
    index.remove("r")
    assert names(index, b"b") == []
    assert len(index) == 0


def test_few_answers_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Subjects without number do not fill the memory."""
    monkeypatch.setattr(reader_index, "MOST", 2)
    index = ReaderIndex()
    index.add(FakeReader("r"))

    assert [names(index, b"s%d" % number) for number in range(5)] == [["r"]] * 5
