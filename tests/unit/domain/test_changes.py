"""Unit tests of the ring of wildcard changes."""

from hypothesis import given
from hypothesis import strategies as st

from app.domain.changes import REMEMBERED, Freshness, WildcardChanges
from app.domain.subject import tokens_of
from tests.fakes.slow_index import covers, patterns, subjects

FOO = tokens_of(b"foo")


def note_unrelated(changes: WildcardChanges, count: int) -> None:
    """Changes that do not touch ``foo``."""
    for number in range(count):
        changes.note([b"other", b"*"], added=number % 2 == 0)


def test_without_changes_all_is_fresh() -> None:
    """An entry made now is good now."""
    changes = WildcardChanges()

    assert Freshness.FRESH is changes.since(changes.now, FOO)


def test_every_change_has_a_number() -> None:
    """The number grows by one with each change, so that a stamp tells how many were missed."""
    changes = WildcardChanges()
    note_unrelated(changes, REMEMBERED + 3)

    assert REMEMBERED + 3 == changes.now


def test_a_change_before_the_stamp_is_history() -> None:
    """An entry made after a removal knows of it."""
    changes = WildcardChanges()
    changes.note([b"*"], added=False)

    assert Freshness.FRESH is changes.since(changes.now, FOO)


def test_an_addition_that_covers_the_subject() -> None:
    """The entry lacks a subscription, but is no relic."""
    changes = WildcardChanges()
    changes.note([b"*"], added=True)

    assert Freshness.GROWN is changes.since(0, FOO)


def test_a_removal_outweighs_additions() -> None:
    """Whatever was added around it, an entry that names a removed subscription is stale."""
    changes = WildcardChanges()
    changes.note([b"*"], added=True)
    changes.note([b">"], added=False)
    changes.note([b"*"], added=True)

    assert Freshness.STALE is changes.since(0, FOO)
    assert Freshness.GROWN is changes.since(2, FOO)


def test_the_ring_is_used_to_its_end() -> None:
    """An entry as old as the oldest change remembered is still judged by what happened."""
    changes = WildcardChanges()
    note_unrelated(changes, 1 + REMEMBERED)

    assert Freshness.FRESH is changes.since(1, FOO)


def test_what_is_forgotten_counts_as_stale() -> None:
    """An entry older than the ring is not trusted, harmless as the changes may have been."""
    changes = WildcardChanges()
    note_unrelated(changes, 1 + REMEMBERED)

    assert Freshness.STALE is changes.since(0, FOO)


@given(st.lists(st.tuples(patterns(), st.booleans()), max_size=12), subjects(), st.data())
def test_the_verdict_follows_from_the_history(
    history: list[tuple[bytes, bool]], subject: bytes, data: st.DataObject
) -> None:
    """A removal that covers the subject makes stale, else an addition makes grown, else all is well."""
    changes = WildcardChanges()
    for pattern, added in history:
        changes.note(tokens_of(pattern), added=added)
    stamp = data.draw(st.integers(0, len(history)))

    touching = {added for pattern, added in history[stamp:] if covers(pattern, subject)}
    expected = (
        Freshness.STALE if False in touching else Freshness.GROWN if True in touching else Freshness.FRESH
    )
    assert expected is changes.since(stamp, tokens_of(subject))
