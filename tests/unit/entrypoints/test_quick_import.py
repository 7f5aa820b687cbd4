"""Data classes that are made quickly, and what else differs during an import."""

import copy
import dataclasses
import gc
import os
import pickle
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from app.entrypoints.quick_import import quick_import

PLUGINS = "PYDANTIC_DISABLE_PLUGINS"


@pytest.fixture(autouse=True)
def _collector() -> Iterator[None]:
    yield
    gc.enable()


def _classes() -> list[type[Any]]:
    """Of several shapes, made here and now."""

    @dataclasses.dataclass(frozen=True, slots=True)
    class Two:
        number: int
        text: str = "x"

    @dataclasses.dataclass(frozen=True)
    class Secret:
        number: int
        password: str = dataclasses.field(default="y", repr=False, compare=False)

    @dataclasses.dataclass(order=True)
    class Ordered:
        number: int
        text: str = "x"

    @dataclasses.dataclass(frozen=True, slots=True)
    class One:
        number: int

    @dataclasses.dataclass(frozen=True, slots=True)
    class Nothing:
        pass

    @dataclasses.dataclass(frozen=True, slots=True)
    class Further(Two):
        more: float = 1.5

    @dataclasses.dataclass(eq=False)
    class Alone:
        number: int

    return [Two, Secret, Ordered, One, Nothing, Further, Alone]


def _outcome(call: Callable[[], object]) -> str:
    try:
        return repr(call())
    except Exception as error:  # noqa: BLE001 - whatever it is, it is compared
        return f"{type(error).__name__}: {error}"


def _behaviour(cls: type[Any]) -> list[str]:
    """What can be seen of a class and its objects."""
    arguments = [() if cls.__name__ == "Nothing" else (number,) for number in (1, 1, 2)]
    one, same, other = (cls(*given) for given in arguments)
    calls: list[Callable[[], object]] = [
        lambda: one,
        lambda: [one] if "number" not in vars(cls) else one.number,
        lambda: one == same,
        lambda: one == other,
        lambda: one != other,
        lambda: one == (1, "x"),
        lambda: one < other,
        lambda: one >= other,
        lambda: hash(one) == hash(same),
        lambda: {one: 1},
        lambda: setattr(one, "number", 3),
        lambda: delattr(one, "text"),
        lambda: setattr(one, "unknown", 3),
        lambda: copy.copy(one) == one,
        lambda: dataclasses.replace(one),
        lambda: dataclasses.asdict(one),
        lambda: [cls.__eq__.__qualname__, cls.__repr__.__qualname__, cls.__init__.__qualname__],
    ]
    return [_outcome(call).partition(" at 0x")[0] for call in calls]


def test_data_classes_behave_as_ever() -> None:
    """Whatever is done to them, those made during a quick import do the same as others."""
    with quick_import():
        quick = _classes()

    assert [_behaviour(cls) for cls in _classes()] == [_behaviour(cls) for cls in quick]


def test_an_object_that_contains_itself() -> None:
    """Its text ends."""
    with quick_import():

        @dataclasses.dataclass
        class Ring:
            inner: list[object]

    ring = Ring([])
    ring.inner.append(ring)

    assert "inner=[...]" in repr(ring)


def test_it_compiles_less() -> None:
    """Where the standard library compiles each function, only ``__init__`` is compiled."""
    with quick_import():
        two, *_ = _classes()

    compiled = {
        name
        for name in ("__init__", "__eq__", "__hash__")
        if two.__dict__[name].__code__.co_filename == "<string>"
    }
    assert ({"__init__"} if sys.version_info < (3, 13) else {"__init__", "__eq__", "__hash__"}) == compiled


@pytest.mark.parametrize("given", [None, "some"])
def test_all_is_as_before_afterwards(monkeypatch: pytest.MonkeyPatch, given: str | None) -> None:
    """The environment and the standard library are as they were, also after an error; the collector rests."""
    if given is None:
        monkeypatch.delenv(PLUGINS, raising=False)
    else:
        monkeypatch.setenv(PLUGINS, given)
    library = dict(vars(dataclasses))
    seen = []

    def fail() -> None:
        with quick_import():
            seen.append((os.environ[PLUGINS], gc.isenabled()))
            raise ImportError

    with pytest.raises(ImportError):
        fail()

    assert [("__all__", False)] == seen
    assert (given, False) == (os.environ.get(PLUGINS), gc.isenabled())
    assert library == vars(dataclasses)


def test_the_facts_of_a_server_can_be_copied() -> None:
    """Objects of modules that were imported quickly are pickled and copied like others."""
    from app.domain.limits import Limits  # noqa: PLC0415 - it is the object of the test

    assert Limits() == pickle.loads(pickle.dumps(Limits()))  # noqa: S301 - our own bytes
