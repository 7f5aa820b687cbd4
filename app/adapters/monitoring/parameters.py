"""Query parameters of the pages, and the errors about invalid ones (monitoring-pages.md, section 4)."""

import re
from typing import Annotated

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, BeforeValidator, Field, WithJsonSchema

from ...ports.broker_view import ConnectionQuery, SortKey
from .formats import one_line
from .jsonp import CALLBACK

DEFAULT_LIMIT = 1024

_LARGEST = 2**63 - 1
_INTEGER = re.compile(r"[+-]?[0-9]{1,20}", re.ASCII)
_SWITCH = r"^([+-]?[0-9]{1,20}|t|T|true|True|TRUE|f|F|false|False|FALSE|)$"
_SWITCH_OR_DETAIL = _SWITCH.replace("|)$", "|detail|)$")
_ON = frozenset({"t", "T", "true", "True", "TRUE"})

_DETAIL = "detail"


def _integer(text: object) -> int:
    """Plain decimal digits only; an empty text counts as 0."""
    if isinstance(text, int):
        return text
    if text == "":
        return 0
    if not isinstance(text, str) or not _INTEGER.fullmatch(text):
        raise ValueError("no integer")
    return int(text)


def _sort_key(text: object) -> object:
    return text or SortKey.CID


_EMPTY = {"type": "string", "maxLength": 0}
_NUMBER = {"anyOf": [{"type": "integer", "minimum": -_LARGEST, "maximum": _LARGEST}, _EMPTY]}
_KEY = {"anyOf": [{"type": "string", "enum": [key.value for key in SortKey]}, _EMPTY]}

_Bounded = Annotated[
    int, Field(ge=-_LARGEST, le=_LARGEST), BeforeValidator(_integer), WithJsonSchema(_NUMBER)
]
Switch = Annotated[str, Field(pattern=_SWITCH)]
"""1, t and true are on; see `is_on`."""


class PageQuery(BaseModel):
    """Parameters of every JSON page."""

    callback: Annotated[
        str, Field(pattern=CALLBACK, description="Answer as JSONP: a call of this function.")
    ] = ""


class AccstatzQuery(PageQuery):
    """Parameters of ``/accstatz``."""

    unused: Annotated[Switch, Field(description="Understood, and without effect.")] = ""


class RoutezQuery(PageQuery):
    """Parameters of ``/routez``."""

    subs: Annotated[Switch, Field(description="1 or true lists what the peers listen to.")] = ""


class _Paging(PageQuery):
    limit: Annotated[_Bounded, Field(description=f"Entries at most; 0 and less mean {DEFAULT_LIMIT}.")] = (
        DEFAULT_LIMIT
    )
    offset: Annotated[_Bounded, Field(description="Entries to pass by; less than 0 means 0.")] = 0

    @property
    def most(self) -> int:
        """The effective limit."""
        return self.limit if self.limit > 0 else DEFAULT_LIMIT

    @property
    def first(self) -> int:
        """The effective offset."""
        return max(0, self.offset)


class SubszQuery(_Paging):
    """Parameters of ``/subsz``."""

    subs: Annotated[Switch, Field(description="1 or true lists what clients listen to.")] = ""


class ConnzQuery(_Paging):
    """Parameters of ``/connz``."""

    sort: Annotated[
        SortKey,
        BeforeValidator(_sort_key),
        WithJsonSchema(_KEY),
        Field(description="By age ascending, by amounts descending."),
    ] = SortKey.CID
    subs: Annotated[
        str,
        Field(
            pattern=_SWITCH_OR_DETAIL,
            description="1 or true lists subjects; detail lists subscriptions with their figures.",
        ),
    ] = ""
    auth: Annotated[Switch, Field(description="1 or true shows the names of users.")] = ""

    @property
    def detail(self) -> bool:
        """Whether subscriptions are listed with their figures."""
        return self.subs == _DETAIL

    def query(self) -> ConnectionQuery:
        """The same as a query to the broker's view."""
        return ConnectionQuery(self.sort, self.first, self.most, self.detail or is_on(self.subs))


def is_on(switch: str) -> bool:
    """Whether a switch is on: 1, t and true are, other numbers are not."""
    return switch in _ON or (bool(_INTEGER.fullmatch(switch)) and int(switch) == 1)


def error_line(error: RequestValidationError) -> str:
    """One line that names the invalid parameter."""
    first = error.errors()[0]
    name, given = first["loc"][-1], one_line(str(first.get("input", "")))
    if name == "sort":
        return f"Invalid sorting option: {given}"
    return f"Invalid value of {name}: {given}"
