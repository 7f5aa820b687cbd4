"""Ids of subjects, many at once."""

import sys
from array import array
from collections.abc import Sequence
from operator import sub


def translated(ids: "array[int]", translation: Sequence[int]) -> "array[int]":
    """For each id what has its position in `translation`.

    Quick if all are moved by the same distance, as they are when segments have the same subjects.
    """
    distance = translation[0] if translation else 0
    if len(translation) == 1:
        return array("I", [distance]) * len(ids)
    if any(map(sub, translation, range(distance, distance + len(translation)))):
        return array("I", map(translation.__getitem__, ids))
    step = array("I", [distance]) * len(ids)
    moved = _number(ids) + _number(step)  # no sum of two columns exceeds its 32 bits
    return array("I", moved.to_bytes(ids.itemsize * len(ids), sys.byteorder))


def _number(column: "array[int]") -> int:
    return int.from_bytes(column.tobytes(), sys.byteorder)
