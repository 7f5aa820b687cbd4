"""Acting on each of several items, even if one of these actions raises."""

from collections.abc import Callable, Iterable
from typing import TypeVar

_Item = TypeVar("_Item")


def for_each(
    act: Callable[[_Item], object], items: Iterable[_Item], failed: Callable[[Exception], object]
) -> None:
    """Act on all items, in order. `failed` gets what that raises: a defect costs one item, and no other."""
    rest = iter(items)
    while True:
        try:
            for item in rest:
                act(item)
        except Exception as error:  # noqa: BLE001 - as said above
            failed(error)
        else:
            return


def finish_each(act: Callable[[_Item], object], items: Iterable[_Item]) -> None:
    """The same. What was raised first is raised at the end; what else was is among its notes."""
    errors: list[Exception] = []
    for_each(act, items, errors.append)
    if errors:
        for other in errors[1:]:
            errors[0].add_note(f"and {type(other).__name__}")
        raise errors[0]
