"""Query parameters of the pages, and the errors about invalid ones (monitoring-pages.md, section 4)."""

import re
from typing import Annotated

from fastapi.exceptions import RequestValidationError
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Field,
    ValidationInfo,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from ...domain.subjects.subject import is_literal
from ...ports.broker_view import OF_CLOSED, ConnectionQuery, ConnectionState, SortKey
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


def _state(text: object) -> object:
    """In any case; ``any`` is what current servers call all."""
    text = text.lower() if isinstance(text, str) else text
    return ConnectionState.ALL if text == "any" else text or ConnectionState.OPEN


def _fits_the_key(state: ConnectionState, info: ValidationInfo) -> ConnectionState:
    """What only closed clients have can sort only them."""
    key = info.data.get("sort")
    if key in OF_CLOSED and state is not ConnectionState.CLOSED:
        text = "sort by {key} only valid on closed connections"
        raise PydanticCustomError(_UNFIT, text, {"key": key.value})
    return state


_UNFIT = "key_of_closed"

_EMPTY = {"type": "string", "maxLength": 0}
_NUMBER = {"anyOf": [{"type": "integer", "minimum": -_LARGEST, "maximum": _LARGEST}, _EMPTY]}
_STATE = {"anyOf": [{"type": "string", "enum": ["open", "closed", "all", "any"]}, _EMPTY]}
_KEY = {"anyOf": [{"type": "string", "enum": [key.value for key in SortKey]}, _EMPTY]}

Whole = Annotated[int, Field(ge=-_LARGEST, le=_LARGEST), BeforeValidator(_integer), WithJsonSchema(_NUMBER)]
"""A number of 64 bits; an empty text is 0."""
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

    subs: Annotated[
        str,
        Field(
            pattern=_SWITCH_OR_DETAIL,
            description="1 or true lists what the peers listen to; detail lists it with figures.",
        ),
    ] = ""

    @property
    def detail(self) -> bool:
        """Whether subscriptions are listed with their figures."""
        return self.subs == _DETAIL


class _Paging(PageQuery):
    limit: Annotated[Whole, Field(description=f"Entries at most; 0 and less mean {DEFAULT_LIMIT}.")] = (
        DEFAULT_LIMIT
    )
    offset: Annotated[Whole, Field(description="Entries to pass by; less than 0 means 0.")] = 0

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
    test: Annotated[str, Field(description="List only what a message on this subject would reach.")] = ""

    @property
    def refused(self) -> str:
        """Why the page cannot be shown; empty if it can."""
        if not self.test or is_literal(self.test.encode()):
            return ""
        return f"invalid test subject, must be valid publish subject: {one_line(self.test)}"


class ConnzQuery(_Paging):
    """Parameters of ``/connz``."""

    sort: Annotated[
        SortKey,
        BeforeValidator(_sort_key),
        WithJsonSchema(_KEY),
        Field(description="By age ascending, by amounts descending; stop and reason of closed ones alone."),
    ] = SortKey.CID
    subs: Annotated[
        str,
        Field(
            pattern=_SWITCH_OR_DETAIL,
            description="1 or true lists subjects; detail lists subscriptions with their figures.",
        ),
    ] = ""
    auth: Annotated[Switch, Field(description="1 or true shows the names of users.")] = ""
    state: Annotated[
        ConnectionState,
        BeforeValidator(_state),
        AfterValidator(_fits_the_key),
        WithJsonSchema(_STATE),
        Field(validate_default=True, description="open, closed, or all; the last 10,000 closed are known."),
    ] = ConnectionState.OPEN
    user: Annotated[str, Field(description="Only clients that logged in as this user.")] = ""
    acc: Annotated[str, Field(description="Only clients of this account. All are of $G.")] = ""
    cid: Annotated[Whole, Field(description="Only the client of this number.")] = 0

    @property
    def detail(self) -> bool:
        """Whether subscriptions are listed with their figures."""
        return self.subs == _DETAIL

    def query(self) -> ConnectionQuery:
        """The same as a query to the broker's view."""
        return ConnectionQuery(
            self.sort,
            0 if self.cid else self.first,
            1 if self.cid else self.most,
            self.detail or is_on(self.subs),
            state=self.state,
            user=self.user,
            account=self.acc,
            cid=self.cid,
        )


def is_on(switch: str) -> bool:
    """Whether a switch is on: 1, t and true are, other numbers are not."""
    return switch in _ON or (bool(_INTEGER.fullmatch(switch)) and int(switch) == 1)


def error_line(error: RequestValidationError) -> str:
    """One line that names the invalid parameter."""
    first = error.errors()[0]
    if first["type"] == _UNFIT:
        return str(first["msg"])
    if first["type"] == "missing":
        return f"{first['loc'][-1]} is missing"
    name, given = first["loc"][-1], one_line(str(first.get("input", "")))
    if name == "sort":
        return f"Invalid sorting option: {given}"
    return f"Invalid value of {name}: {given}"
