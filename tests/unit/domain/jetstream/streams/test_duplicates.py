"""Unit tests of recent ids (jetstream-streams.md, section 3)."""

import pytest

from app.domain.jetstream.streams import duplicates
from app.domain.jetstream.streams.duplicates import DuplicateWindow


def test_an_id_is_known_for_the_window() -> None:
    """Within the window the first sequence is found, later none."""
    window = DuplicateWindow(100)
    window.add(b"a", 1, 1000)

    assert window.find(b"a", 1099) == 1
    assert window.find(b"b", 1099) == 0
    assert window.find(b"a", 1100) == 0
    assert len(window) == 0


def test_without_a_window_nothing_is_kept() -> None:
    """A window of 0 finds no duplicates."""
    window = DuplicateWindow(0)
    window.add(b"a", 1, 1000)

    assert window.find(b"a", 1000) == 0
    assert window.next_due is None


def test_many_ids_at_once() -> None:
    """They are new if none is known, and none is there twice; without a window all are."""
    window = DuplicateWindow(100)
    window.add(b"a", 1, 1000)

    assert window.are_new([b"b", b"c"], 1000)
    assert not window.are_new([b"b", b"a"], 1000)
    assert not window.are_new([b"b", b"b"], 1000)
    assert window.are_new([b"b", b"a"], 1100)
    assert DuplicateWindow(0).are_new([b"a", b"a"], 1000)


def test_an_id_that_came_again_lives_on() -> None:
    """The end of its first time does not end the second."""
    window = DuplicateWindow(100)
    window.add(b"a", 1, 1000)
    window.add(b"a", 2, 1050)

    assert window.find(b"a", 1120) == 2


def test_ids_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the bound the oldest goes; the same holds for their bytes."""
    monkeypatch.setattr(duplicates, "MOST", 2)
    window = DuplicateWindow(100)
    for sequence, name in enumerate((b"a", b"b", b"c"), 1):
        window.add(name, sequence, 1000)

    assert window.find(b"a", 1000) == 0
    assert window.find(b"b", 1000) == 2
    monkeypatch.setattr(duplicates, "MOST_BYTES", 10)
    window.add(b"x" * 9, 4, 1000)
    assert window.find(b"b", 1000) == 0
    assert window.find(b"c", 1000) == 3
    window.drop(4)
    window.add(b"d" * 9, 4, 1000)
    assert window.find(b"c", 1000) == 3


def test_ids_of_messages_that_were_taken_back_are_free() -> None:
    """Those from a sequence on are forgotten, but not what came with the same id before or after."""
    window = DuplicateWindow(100)
    window.add(b"a", 1, 1000)
    window.add(b"b", 2, 1000)
    window.add(b"b", 3, 1000)
    window.drop(2)

    assert (window.find(b"a", 1000), window.find(b"b", 1000)) == (1, 0)


def test_it_says_when_to_forget() -> None:
    """That is late enough to forget many at once."""
    window = DuplicateWindow(100)
    window.add(b"a", 1, 1000)

    assert window.next_due == 1200
