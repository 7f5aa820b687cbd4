"""``python -m app.config.reference``: the reference page of all options, from the model itself."""

import sys
from collections.abc import Iterator
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from app.config.authorization_options import AuthorizationOptions, UserOptions
from app.config.cluster_options import ClusterAuthorizationOptions, ClusterOptions
from app.config.flags import BLOCKS
from app.config.options import Options
from app.config.section import Section, inner_section, key_of
from app.config.tls_options import TlsOptions
from app.config.usage import shown

SECTIONS: tuple[tuple[str, type[Section], str], ...] = (
    ("", Options, "## Outside of all sections"),
    ("authorization", AuthorizationOptions, "## In `authorization`"),
    ("authorization.users", UserOptions, "### In each map of `authorization.users`"),
    ("tls", TlsOptions, "## In `tls`, and in `tls` of `cluster`"),
    ("cluster", ClusterOptions, "## In `cluster`"),
    ("cluster.authorization", ClusterAuthorizationOptions, "### In `authorization` of `cluster`"),
)
"""All sections, each with the path that leads to it, and its title."""

_INTRODUCTION = """\
# Options

Every key of the configuration file, the flag that does the same, and what counts when neither is given.
How a file is written is in [Configuration](configuration.md).
`make reference` writes this page from the model in `app/config/`; a test says when it is out of date.

- Names of keys are case-insensitive. Of several that set the same, the last one counts, and a line says so.
- Where a login or TLS would be dropped by that, it is an error.
- A flag that is given counts before the file, whatever its value.
- Zero and the empty text mean the default.
- A time is a number of seconds, or a text such as `"2s"`, `"1m30s"` or `"500ms"`.
- An address is `"host:port"`, or the port alone, which leaves the host at its default.
- An unknown key is an error, unless variables refer to it.
- What has no effect beside the rest makes a line in the log.
- So do `prof_port` and `--profile`, since the profiler of Go is not here.
- A mistake is one line, `file:line:column: text`. All come at once, and nothing starts.
- `pynatsd --check -c FILE` looks for them, opens what a start would open, and starts nothing.
"""

_HEADER = "| Key | Flag | Value | Default | Meaning |\n|---|---|---|---|---|"


def reference() -> str:
    """The page, as Markdown."""
    flags = _flags_by_path()
    parts = [_INTRODUCTION]
    for path, section, title in SECTIONS:
        rows = (*_address_rows(section, path, flags), *_field_rows(section, path, flags))
        parts.append("\n".join((title, "", _HEADER, *rows, "")))
    return "\n".join(parts)


def _flags_by_path() -> dict[str, str]:
    """How the flag is written that sets an option, by the option's dotted name."""
    return {
        path: ", ".join(f"`{'-' if len(name) <= 2 else '--'}{name}`" for name in flag.listed)
        for block in BLOCKS.values()
        for flag in block
        for path in flag.sets
        if len(flag.sets) == 1
    }


def _address_rows(section: type[Section], path: str, flags: dict[str, str]) -> Iterator[str]:
    for key, address in section.addresses.items():
        yield _row(f"`{key}`", flags.get(_join(path, key), ""), "address", "", address.description)


def _field_rows(section: type[Section], path: str, flags: dict[str, str]) -> Iterator[str]:
    for name, field in section.model_fields.items():
        key = key_of(field)
        if not key.hidden:
            names = ", ".join(f"`{each}`" for each in (name, *key.also))
            flag = flags.get(_join(path, name), "")
            yield _row(names, flag, _kind(field), _default(field), field.description or "")


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |".replace("|  |", "| |").replace("|  |", "| |")


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _kind(field: FieldInfo) -> str:
    if inner_section(field) is not None:
        return "array of maps" if _is_array(field.annotation) else "map"
    unit = key_of(field).unit
    if unit == "seconds":
        return "time"
    if field.annotation is int:
        return f"{_bounds(field)} bytes" if unit == "bytes" else _bounds(field)
    return _name(field.annotation)


def _bounds(field: FieldInfo) -> str:
    least, greatest = (
        next(getattr(bound, name) for bound in field.metadata if hasattr(bound, name))
        for name in ("ge", "le")
    )
    return f"{least} to {greatest}"


def _is_array(kind: Any) -> bool:  # noqa: ANN401 - whatever an annotation may be
    return get_origin(kind) is tuple or any(map(_is_array, get_args(kind)))


def _name(kind: Any) -> str:  # noqa: ANN401 - whatever an annotation may be
    if get_origin(kind) in (Union, UnionType):
        return " or ".join(_name(part) for part in get_args(kind) if part is not NoneType)
    if get_origin(kind) is Literal:
        return " or ".join(f"`{choice}`" for choice in get_args(kind))
    if _is_array(kind):
        return "array of texts"
    if hasattr(kind, "__metadata__"):
        return _name(get_args(kind)[0])
    return {bool: "`true` or `false`", str: "text"}[kind]


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.default
    if isinstance(value, Section) or (value in (None, "", (), 0) and not isinstance(value, bool)):
        return ""
    if isinstance(value, tuple):
        return ", ".join(f"`{entry}`" for entry in value)
    return f"`{value:g}`" if isinstance(value, float) else f"`{shown(value)}`"


if __name__ == "__main__":
    sys.stdout.write(reference())
