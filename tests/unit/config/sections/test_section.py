"""Unit tests of what all sections of options have in common."""

from typing import Annotated

import pytest
from pydantic import ValidationError

from app.config.sections.section import Host, Key, Seconds, Section, asks_for_nothing, inner_section, key_of


class Inner(Section):
    """A section within another one."""

    name: Annotated[str | None, Key("A name.")] = None


class Outer(Section):
    """A section with a field of each kind."""

    host: Annotated[Host, Key("A host.", also=("net",))] = "h"
    wait: Annotated[Seconds, Key("A time.")] = 2.0
    plain: str = ""
    one: Inner | None = None
    many: tuple[Inner, ...] = ()


@pytest.mark.parametrize("value", [None, "", 0, (), False, {}, "0s", "0h0m"])
def test_values_that_ask_for_nothing(value: object) -> None:
    """Empty values, zeros and no time at all mean that an option is off, or as usual."""
    assert asks_for_nothing(value)


@pytest.mark.parametrize("value", ["x", 1, (1,), True, {"a": 1}, "1s"])
def test_values_that_ask_for_something(value: object) -> None:
    """Any other value asks for something."""
    assert not asks_for_nothing(value)


def test_zero_means_the_default() -> None:
    """An empty text and a time of zero leave the defaults."""
    assert Outer() == Outer.model_validate({"host": "", "wait": "0s", "one": None})
    assert 1.5 == Outer.model_validate({"wait": "1.5s"}).wait


def test_brackets_of_a_host_are_dropped() -> None:
    """An IPv6 address may be in brackets."""
    assert ("::1", "[::1") == (Outer(host="[::1]").host, Outer(host="[::1").host)


def test_what_is_known_of_a_field() -> None:
    """A field has a key, or an empty one, and knows the section that it holds."""
    fields = Outer.model_fields

    assert Key("A host.", also=("net",)) == key_of(fields["host"])
    assert Key("") == key_of(fields["plain"])
    assert [None, Inner, Inner] == [inner_section(fields[name]) for name in ("host", "one", "many")]


def test_other_names_are_refused() -> None:
    """A section has no fields but its own, and shows no value that was wrong."""
    with pytest.raises(ValidationError) as raised:
        Outer.model_validate({"s3cret": "s3cret value"})

    assert "s3cret value" not in str(raised.value)
