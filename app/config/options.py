"""Options: what an operator may choose, with every default in one place.

Flags, and a configuration file beneath them, give values for some fields; the
model fills in the rest. To add an option, add a field here: its default, its
bounds, and a description that names the unit.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

LARGEST = 2**63 - 1
"""Numbers have 64 bits, as in gnatsd (configuration.md, section 1)."""

LogFormat = Literal["text", "json"]

_Count = Annotated[int, Field(ge=1, le=LARGEST)]
_Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class OptionsError(Exception):
    """A value cannot be used. ``option`` names the field; the text says why."""

    def __init__(self, option: str, reason: str) -> None:
        super().__init__(f"{option}: {reason}")
        self.option = option


class Options(BaseModel):
    """One server's settings; immutable, and valid once they exist: see `make_options`.

    Zero and the empty string mean the default, wherever they are given
    (configuration.md, section 2).
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", hide_input_in_errors=True)

    host: Annotated[str, Field(description="Address to listen on; 0.0.0.0 is every interface.")] = "0.0.0.0"  # noqa: S104 - gnatsd's default
    port: Annotated[int, Field(ge=-1, le=65535, description="Port for clients; -1 is any free port.")] = 4222

    debug: Annotated[bool, Field(description="Log what happens to each connection.")] = False
    trace: Annotated[bool, Field(description="Log every protocol line; this costs much speed.")] = False
    logtime: Annotated[bool, Field(description="Begin log lines with the time.")] = True
    log_file: Annotated[str | None, Field(description="File to append the log to; none is stderr.")] = None
    log_format: Annotated[LogFormat, Field(description="Log as gnatsd's text, or as json lines.")] = "text"

    max_connections: Annotated[_Count, Field(description="Clients at once, as a count.")] = 65_536
    max_control_line: Annotated[_Count, Field(description="Longest argument of a line, in bytes.")] = 1024
    max_payload: Annotated[
        int, Field(ge=-LARGEST, le=LARGEST, description="Largest message, in bytes; negative is no limit.")
    ] = 1_048_576
    max_pending_size: Annotated[
        _Count, Field(description="Data waiting for one client before it counts as too slow, in bytes.")
    ] = 10_485_760
    ping_interval: Annotated[_Seconds, Field(description="Time between two pings, in seconds.")] = 120.0
    ping_max: Annotated[_Count, Field(description="Unanswered pings that are borne, as a count.")] = 2
    write_deadline: Annotated[
        _Seconds, Field(description="Time in which a client must take some of its data, in seconds.")
    ] = 2.0
    auth_timeout: Annotated[_Seconds, Field(description="Time for a client to log in, in seconds.")] = 1.0

    @model_validator(mode="before")
    @classmethod
    def _drop_zeros(cls, given: Mapping[str, object]) -> dict[str, object]:
        """Leave out what means the default, so that the default is taken."""
        defaults = {name: field.default for name, field in cls.model_fields.items()}
        return {
            name: value
            for name, value in given.items()
            if name not in defaults or not _is_zero(value, defaults[name])
        }


def make_options(given: Mapping[str, object]) -> Options:
    """Options with these values, and defaults for all others.

    Raises `OptionsError` for the first value that is unknown, of the wrong type or
    out of bounds.
    """
    try:
        return Options.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        raise OptionsError(".".join(map(str, first["loc"])), first["msg"]) from error


def _is_zero(value: object, default: object) -> bool:
    """Whether it is the empty value of its option; a boolean has none."""
    if isinstance(default, str | None):
        return value == ""
    return type(default) in (int, float) and type(value) in (int, float) and value == 0
