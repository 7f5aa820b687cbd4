"""Ids are translated one by one, in whichever way is quick."""

from array import array

from app.domain.jetstream.storage.subject_ids import translated


def test_ids_are_translated() -> None:
    """By the same distance, in another order, and none."""
    ids = array("I", [0, 2, 1, 2, 0xFFFF])
    for translation in (range(7, 7 + 0x10000), [5, 9, 4, *range(0x10000)]):
        assert list(translated(ids, translation)) == [translation[each] for each in ids]
    assert translated(array("I"), []) == array("I")
    assert translated(array("I", [0, 0]), [7]) == array("I", [7, 7])
