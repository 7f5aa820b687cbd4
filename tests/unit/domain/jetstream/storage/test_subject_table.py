"""The subjects of a stream have numbers."""

from app.domain.jetstream.storage.subject_table import SubjectTable


def test_numbers_are_used_again() -> None:
    """A subject that is gone leaves its number to the next one."""
    table = SubjectTable()
    first, second = table.add(b"a", 7), table.add(b"b", 8)
    table.drop(first)

    assert first == table.add(b"c", 9)
    assert {b"b": second, b"c": first} == table.ids
    assert (9, 9) == (table.firsts[first], table.lasts[first])
    assert len(table) == 3


def test_matching_subjects() -> None:
    """The numbers of those that a test accepts."""
    table = SubjectTable()
    numbers = [table.add(name, 1) for name in (b"x.1", b"y", b"x.2")]

    assert [numbers[0], numbers[2]] == table.matching(lambda name: name.startswith(b"x"))
