"""The flags of the server: one row each (configuration.md, section 5).

To add a flag, add a row to `BLOCKS`; parsing and the help text follow from it.
"""

import re
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import get_args

from app.config.go_flags import Reader, Value, boolean, integer, one_of, scan, string
from app.config.options import LogFormat, Options

_LEFT_WIDTH = 33


class Request(Enum):
    """What a command line may ask for instead of a server."""

    VERSION = "version"
    HELP = "help"


@dataclass(frozen=True, slots=True)
class Flag:
    """One row of the table."""

    spelling: str
    """The left column of the help text; the names are read off it."""
    read: Reader
    text: str
    """The right column; ``{port}`` stands for the default of the option ``port``."""
    sets: tuple[str, ...] = ()
    """Fields of `Options` that get the value."""
    asks: Request | None = None
    also: tuple[str, ...] = ()
    """Names that work but are not listed."""

    @property
    def names(self) -> tuple[str, ...]:
        return (*re.findall(r"-+(\w+)", self.spelling), *self.also)


BLOCKS = {
    "Server Options": (
        Flag("-a, --addr HOST", string, "Bind to HOST address (default: {host})", ("host",), also=("net",)),
        Flag("-p, --port PORT", integer, "Use PORT for clients (default: {port})", ("port",)),
    ),
    "Logging Options": (
        Flag("-l, --log FILE", string, "File to redirect log output", ("log_file",)),
        Flag("-T, --logtime", boolean, "Timestamp log entries (default: {logtime})", ("logtime",)),
        Flag("-D, --debug", boolean, "Enable debugging output", ("debug",)),
        Flag("-V, --trace", boolean, "Trace the raw protocol", ("trace",)),
        Flag("-DV", boolean, "Debug and Trace", ("debug", "trace")),
        Flag(
            "    --log_format FORMAT",
            one_of(*get_args(LogFormat)),
            "Write log entries as text or json (default: {log_format})",
            ("log_format",),
        ),
    ),
    "Common Options": (
        Flag("-h, --help", boolean, "Show this message", asks=Request.HELP),
        Flag("-v, --version", boolean, "Show version", asks=Request.VERSION),
    ),
}

_FLAGS = {name: flag for block in BLOCKS.values() for flag in block for name in flag.names}
_READERS = {name: flag.read for name, flag in _FLAGS.items()}
_WORDS = {request.value: request for request in Request}


def parse(words: Sequence[str]) -> dict[str, Value] | Request:
    """The options that the command line gives explicitly, or what it asks for instead.

    `words` exclude the program's name. The last of several values for one option
    counts. Help is granted at once, whatever stands behind it; the version only when
    all flags are understood. Raises `UsageError`.
    """
    left = deque(words)
    given: dict[str, Value] = {}
    version = False
    for name, value in scan(left, _READERS):
        flag = _FLAGS[name]
        if flag.asks is Request.HELP and value:
            return Request.HELP
        if flag.asks is Request.VERSION:
            version = bool(value)
        given.update(dict.fromkeys(flag.sets, value))
    if version:
        return Request.VERSION
    return next((_WORDS[word.lower()] for word in left if word.lower() in _WORDS), given)


def usage() -> str:
    """The help text, defaults filled in; ends with a line end."""
    lines = ["", "Usage: pynatsd [options]", ""]
    defaults = {name: _shown(field.default) for name, field in Options.model_fields.items()}
    for title, flags in BLOCKS.items():
        lines.append(f"{title}:")
        lines += [f"    {flag.spelling:<{_LEFT_WIDTH}}{flag.text.format_map(defaults)}" for flag in flags]
        lines.append("")
    return "\n".join(lines)


def _shown(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
