"""Unit tests of the ring of wildcard changes."""

from hypothesis import given
from hypothesis import strategies as st

from app.domain.subjects.changes import REMEMBERED, WildcardChanges
from app.domain.subjects.subject import tokens_of
from tests.support.index_model import covers, patterns, subjects

FOO = tokens_of(b"foo")


def note_unrelated(changes: WildcardChanges, count: int) -> None:
    """Changes that do not touch ``foo``."""
    for _ in range(count):
        changes.note([b"other", b"*"])


def test_without_changes_nothing_bears_on_an_entry() -> None:
    """An entry made now is good now."""
    changes = WildcardChanges()

    assert not changes.bear_on(changes.now, FOO)


def test_every_change_has_a_number() -> None:
    """The number grows by one with each change, so that a stamp says how many were missed."""
    changes = WildcardChanges()
    note_unrelated(changes, REMEMBERED + 3)

    assert REMEMBERED + 3 == changes.now


def test_a_change_before_the_stamp_is_history() -> None:
    """An entry made after a change knows of it."""
    changes = WildcardChanges()
    changes.note([b"*"])

    assert (True, False) == (changes.bear_on(0, FOO), changes.bear_on(1, FOO))


def test_the_ring_is_used_to_its_end() -> None:
    """An entry as old as the oldest change remembered is still judged by what happened."""
    changes = WildcardChanges()
    note_unrelated(changes, 1 + REMEMBERED)

    assert not changes.bear_on(1, FOO)


def test_what_is_forgotten_counts_as_stale() -> None:
    """An entry older than the ring is not trusted, harmless as the changes may have been."""
    changes = WildcardChanges()
    note_unrelated(changes, 1 + REMEMBERED)

    assert changes.bear_on(0, FOO)


@given(st.lists(patterns(), max_size=12), subjects(), st.data())
def test_the_verdict_follows_from_the_history(
    history: list[bytes], subject: bytes, data: st.DataObject
) -> None:
    """A change bears on a subject if its pattern covers it."""
    changes = WildcardChanges()
    for pattern in history:
        changes.note(tokens_of(pattern))
    stamp = data.draw(st.integers(0, len(history)))

    expected = any(covers(pattern, subject) for pattern in history[stamp:])
    assert expected is changes.bear_on(stamp, tokens_of(subject))
