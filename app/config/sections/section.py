"""What all sections of the options have in common.

A section is a map of the configuration, a field one of its keys. A field says all about
its key: default and bounds, and, as a `Key`, what only a file or the reference page
needs.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar, Self, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.fields import FieldInfo

from ...domain.address import HIGHEST_PORT
from ...domain.value_object import value_object
from ..addresses import parse_advertised
from ..scalars import parse_duration

LARGEST_COUNT = 2**31 - 1
LARGEST_SIZE = 2**40
"""Bytes."""
YEAR = 365 * 24 * 3600.0

_FACTORY = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*:[^\W\d]\w*")


@value_object
class Key:
    """What a type does not say about a key in a file."""

    meaning: str
    """A sentence for the reference page."""
    also: tuple[str, ...] = ()
    """Other names of the key."""
    unit: str = ""
    """Of a number; empty for a count, and for seconds."""
    wrong: str = ""
    """The error for a value of a wrong type, where gnatsd has a text of its own."""
    hidden: bool = False
    """Whether no key sets this field: an address does."""
    guards: bool = False
    """Whether it decides about logins or encryption, and so must not get lost."""


@value_object
class AddressKey:
    """A key that gives a host and a port at once: ``"host:port"``, or the port alone."""

    host: str
    """The field that gets the host; a port alone clears it."""
    port: str
    """The field that gets the port."""
    meaning: str


class OptionError(ValueError):
    """Why a value cannot be used, as a whole sentence.

    Validators raise it in place of a plain `ValueError`, whose text completes the
    sentence that begins with the name of the option.
    """

    def __init__(self, text: str, *path: str | int, lacking: bool = False) -> None:
        """`path` leads from the validated value to the wrong part; `lacking`: something is missing."""
        super().__init__(text)
        self.path = path
        self.lacking = lacking


class Section(BaseModel):
    """Settings that belong together; immutable, and valid once they exist.

    Zero and the empty string mean the default, wherever they are given
    (configuration-file.md, section 2).
    """

    model_config = ConfigDict(
        frozen=True,
        strict=True,
        extra="forbid",
        hide_input_in_errors=True,
        defer_build=True,  # the whole has one validator; those of its parts are made for who reads one alone
    )

    addresses: ClassVar[Mapping[str, AddressKey]] = {}
    """Keys that set two fields."""
    refused: ClassVar[Mapping[str, str]] = {}
    """Keys that are known and not supported, each with the error."""
    idle: ClassVar[Mapping[str, str]] = {}
    """Keys that are known and have no effect, each with the notice."""
    needs: ClassVar[Mapping[str, str]] = {}
    """Keys that must not be given unless another key is, each with that one."""
    unknown: ClassVar[str] = 'unknown key "{key}"'
    """The error for any other key, with ``{key}`` in it."""

    @classmethod
    def unset(cls) -> Self:
        """The section of which nothing is set, for the default of a field: made without its own validator."""
        return cls.model_construct()

    @model_validator(mode="before")
    @classmethod
    def _drop_zeros(cls, given: object) -> object:
        """Leave out what means the default, so that the default is taken."""
        if not isinstance(given, Mapping):
            return given
        defaults = {name: field.default for name, field in cls.model_fields.items()}
        return {
            name: value
            for name, value in given.items()
            if name not in defaults or not _is_zero(value, defaults[name])
        }


def asks_for_nothing(value: object) -> bool:
    """Whether a value means "off" or "the default", whatever the option."""
    return value in (None, "", 0, (), False, {}) or (isinstance(value, str) and _is_no_time(value))


def one_or_more(value: object) -> object:
    """An array; one text may stand without brackets."""
    return (value,) if isinstance(value, str) else value


def key_of(field: FieldInfo) -> Key:
    """What else is known about a field."""
    return next((entry for entry in field.metadata if isinstance(entry, Key)), Key(""))


def inner_section(field: FieldInfo) -> type[Section] | None:
    """The section that a field holds: one, perhaps one, or an array of them."""
    return next(_sections_in(field.annotation), None)


def _sections_in(kind: object) -> Iterator[type[Section]]:
    if isinstance(kind, type) and issubclass(kind, Section):
        yield kind
    for part in get_args(kind):
        yield from _sections_in(part)


def _is_zero(value: object, default: object) -> bool:
    """Whether it is the empty value of its option; a boolean has none."""
    if isinstance(default, str | None):
        return value == ""
    if type(default) is float and isinstance(value, str):
        return _is_no_time(value)
    return type(default) in (int, float) and type(value) in (int, float) and value == 0


def _is_no_time(text: str) -> bool:
    try:
        return parse_duration(text) == 0
    except ValueError:
        return False


def _bare(host: str) -> str:
    return host[1:-1] if host.startswith("[") and host.endswith("]") else host


def _advertised(text: str) -> str:
    parse_advertised(text)
    return text


def _factory(name: str) -> str:
    if not _FACTORY.fullmatch(name):
        raise ValueError("must be written package.module:factory")
    return name


def read_seconds(value: object) -> object:
    """A time written as a text in seconds; anything else as it is."""
    return parse_duration(value) if isinstance(value, str) else value


Host = Annotated[str, AfterValidator(_bare)]
"""A name or an address; one of IPv6 may stand in brackets, as gnatsd 0.8.0 asks for between servers."""

Port = Annotated[int, Field(ge=-1, le=HIGHEST_PORT)]
"""-1 is any free port."""

Advertised = Annotated[str, AfterValidator(_advertised)]
"""A host, or ``host:port``, to which clients or leaf nodes can connect."""

Factory = Annotated[str, AfterValidator(_factory)]
"""The code of an operator, as ``package.module:factory``."""

Count = Annotated[int, Field(ge=1, le=LARGEST_COUNT)]

Seconds = Annotated[float, BeforeValidator(read_seconds), Field(gt=0, le=YEAR)]
"""A number, or a text such as ``1m30s``."""
