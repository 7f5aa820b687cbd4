"""Value objects: what they share with frozen dataclasses."""

import copy
import pickle
from dataclasses import FrozenInstanceError, asdict, dataclass, field, fields, replace
from typing import ClassVar

import pytest

from app.domain.value_object import value_object


@dataclass(frozen=True, slots=True)
class _Frozen:
    """What `dataclasses` makes."""

    host: str
    port: int = 4222
    secret: str = field(default="s", repr=False)
    note: str = field(default="", compare=False)
    tags: tuple[str, ...] = field(default=(), kw_only=True)


@value_object
class _Value:
    """The same as a value object."""

    host: str
    port: int = 4222
    secret: str = field(default="s", repr=False)
    note: str = field(default="", compare=False)
    tags: tuple[str, ...] = field(default=(), kw_only=True)


@value_object
class _Base:
    """A base with a property, and a name for all of its class."""

    kind: ClassVar[str]

    link: int | None

    @property
    def address(self) -> str:
        """Hidden by a field of a class that is derived."""
        return "none"


@value_object
class _Derived(_Base):
    """Has a field of the name of a property, and one with a default."""

    kind = "derived"

    address: str
    reason: str = "none"


@value_object
class _Empty:
    """Nothing to compare."""


@value_object
class _Own:
    """Has a text of its own."""

    secret: str

    def __repr__(self) -> str:
        return "hidden"


def test_texts_are_those_of_a_dataclass() -> None:
    """All fields are shown but those that may not be."""
    assert repr(_Frozen("h", tags=("a",))).replace("_Frozen", "_Value") == repr(_Value("h", tags=("a",)))


def test_equal_by_what_is_compared() -> None:
    """Fields decide, but for those that are no part of the value."""
    assert _Value("h", note="one") == _Value("h", note="other")
    assert hash(_Value("h", note="one")) == hash(_Value("h", note="other"))
    assert _Value("h") != _Value("h", 1)
    assert _Value("h") != _Value("h", secret="x")  # noqa: S106 - no password


def test_another_class_is_another_value() -> None:
    """The same fields in another class are no equal value, nor is a derived class."""
    alike: object = _Frozen("h")

    assert _Value("h") != alike
    assert _Base(1) != _Derived(1, "a")


def test_without_fields() -> None:
    """Two objects without fields are equal."""
    assert _Empty() == _Empty()
    assert 1 == len({_Empty(), _Empty()})
    assert "_Empty()" == repr(_Empty())


def test_a_method_of_its_own_stays() -> None:
    """A class that says how it is shown is shown so, and compared as the others."""
    assert "hidden" == repr(_Own("x"))
    assert _Own("x") == _Own("x")


def test_what_is_required_and_what_has_a_default() -> None:
    """Arguments are checked as in any dataclass, also those of a base."""
    with pytest.raises(TypeError, match="'host'"):
        _Value()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="'link'"):
        _Derived(address="a")  # type: ignore[call-arg]

    derived = _Derived(1, "a")
    assert (1, "a", "none", "derived") == (derived.link, derived.address, derived.reason, derived.kind)


def test_a_field_hides_a_property_of_the_base() -> None:
    """A class that is derived gets what it is given; the base has its property."""
    assert "a" == _Derived(1, address="a").address
    assert "none" == _Base(None).address


def test_tools_for_dataclasses_know_it() -> None:
    """It can be replaced in part, copied, stored and read field by field."""
    value = _Value("h", 1)

    assert _Value("h", 2) == replace(value, port=2)
    assert value == copy.copy(value) == copy.deepcopy(value) == pickle.loads(pickle.dumps(value))  # noqa: S301 - our own
    assert ["host", "port", "secret", "note", "tags"] == [each.name for each in fields(value)]
    assert asdict(_Frozen("h")) == asdict(_Value("h"))


@pytest.mark.parametrize("value", [_Value("h"), _Derived(1, "a"), _Own("h")], ids=["plain", "derived", "own"])
def test_nothing_can_be_changed(value: object) -> None:
    """No field can be set or deleted, and there is no room for others."""
    name = "address" if isinstance(value, _Derived) else "secret"

    with pytest.raises(FrozenInstanceError):
        setattr(value, name, "x")
    with pytest.raises(FrozenInstanceError):
        delattr(value, name)
    with pytest.raises((AttributeError, TypeError)):
        setattr(value, "other", "x")  # noqa: B010 - it has no such field
