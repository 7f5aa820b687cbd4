"""Unit tests of what a batch has done already."""

from app.domain.jetstream.streams.staged import Staged


def test_subjects_are_known_by_name_and_pattern() -> None:
    """A pattern matches if one of the subjects does."""
    staged = Staged()
    staged.add(b"a.b", 10, b"id", replaces=False)
    staged.add(b"a.b", 10, b"", replaces=True)

    assert staged.has(b"a.b")
    assert staged.has(b"a.*")
    assert not staged.has(b"a.c")
    assert not staged.has(b"b.>")
    assert (staged.count, staged.more, staged.size, staged.ids) == (2, 1, 10, {b"id"})
