"""A quick import of the program: while it lasts, less is compiled, collected and looked for.

Two fifths of the time went into data classes: the standard library compiles six functions for
each of them, some thirteen hundred in all. All but ``__init__`` need no compiler: they differ in
nothing but the names of the fields. Python 3.13 has found another way, and is left alone.
"""

import dataclasses
import gc
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from operator import attrgetter
from reprlib import recursive_repr
from typing import Any

_PLUGINS = "PYDANTIC_DISABLE_PLUGINS"
"""What pydantic asks whether it may look for plugins: in each package that is installed."""

_COMPILES_EACH = sys.version_info < (3, 13)

Fields = Sequence["dataclasses.Field[Any]"]
Method = Callable[..., Any]


@contextmanager
def quick_import() -> Iterator[None]:
    """Import quickly. It is for programs: what it changes belongs to the whole process meanwhile.

    The collector is off afterwards: what an import makes is no garbage, and more of it may follow.
    """
    gc.disable()
    plugins = os.environ.get(_PLUGINS)
    os.environ[_PLUGINS] = "__all__"
    usual = {name: vars(dataclasses)[name] for name in _MAKERS if _COMPILES_EACH}
    vars(dataclasses).update({name: _MAKERS[name] for name in usual})
    try:
        yield
    finally:
        vars(dataclasses).update(usual)
        if plugins is None:
            del os.environ[_PLUGINS]
        else:
            os.environ[_PLUGINS] = plugins


def _reader(names: Sequence[str]) -> Callable[[object], tuple[Any, ...]]:
    """Reads the values of an object's fields."""
    if len(names) > 1:
        return attrgetter(*names)
    if not names:
        return lambda _: ()
    read = attrgetter(names[0])
    return lambda one: (read(one),)


def _make_repr(fields: Fields, _globals: object) -> Method:
    names = [field.name for field in fields]

    def __repr__(self: object) -> str:  # noqa: N807 - it becomes that method
        shown = ", ".join([f"{name}={getattr(self, name)!r}" for name in names])
        return f"{type(self).__qualname__}({shown})"

    wrapped: Method = recursive_repr()(__repr__)
    return wrapped


def _make_hash(fields: Fields, _globals: object) -> Method:
    read = _reader([field.name for field in fields])

    def __hash__(self: object) -> int:  # noqa: N807 - as above
        return hash(read(self))

    return __hash__


def _make_comparison(
    name: str,
    op: str,
    own: str,
    other_tuple: str,
    globals: dict[str, Any],  # noqa: A002 - given by name
) -> Method:
    """`own` is the text ``(self.a,self.b,)``. Comparisons of order are rare, and left as they were."""
    if name != "__eq__":
        made: Method = _usual_comparison(name, op, own, other_tuple, globals=globals)
        return made
    read = _reader([part.removeprefix("self.") for part in own.strip("()").split(",") if part])

    def __eq__(self: object, other: object) -> bool:  # noqa: N807 - as above
        if type(other) is type(self):
            return read(self) == read(other)
        return NotImplemented

    return __eq__


def _make_guards(cls: Any, fields: Fields, _globals: object) -> tuple[Method, Method]:  # noqa: ANN401 - a class
    """What keeps the fields of a frozen class as they are."""
    names = frozenset(field.name for field in fields)

    def __setattr__(self: object, name: str, value: object) -> None:  # noqa: N807 - as above
        if type(self) is cls or name in names:
            raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")
        super(cls, self).__setattr__(name, value)

    def __delattr__(self: object, name: str) -> None:  # noqa: N807 - as above
        if type(self) is cls or name in names:
            raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")
        super(cls, self).__delattr__(name)

    return __setattr__, __delattr__


_usual_comparison: Method = vars(dataclasses).get("_cmp_fn", _make_repr)
_MAKERS: dict[str, Method] = {
    "_repr_fn": _make_repr,
    "_hash_fn": _make_hash,
    "_cmp_fn": _make_comparison,
    "_frozen_get_del_attr": _make_guards,
}
"""By the names of what they replace in the standard library."""
