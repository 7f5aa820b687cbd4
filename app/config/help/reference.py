"""``python -m app.config.help.reference``: the reference page of all options, from the model itself."""

import sys
from collections.abc import Iterator
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from ...domain.permissions.rules import Permissions
from ..flags import BLOCKS
from ..options import HookOptions, Options
from ..reloading import RELOADABLE, is_reloadable
from ..sections.authorization import AuthorizationOptions, UserOptions
from ..sections.cluster import ClusterAuthorizationOptions, ClusterOptions
from ..sections.jetstream import JetStreamLimitOptions, JetStreamOptions
from ..sections.leaf_nodes import (
    LeafAuthorizationOptions,
    LeafOptions,
    LeafRemoteOptions,
    LeafRemoteTlsOptions,
    LeafTlsOptions,
    LeafUserOptions,
)
from ..sections.section import Section, inner_section, key_of
from ..sections.tls import TlsOptions
from ..sections.unix_socket import UnixSocketOptions
from ..sections.websocket import WebsocketOptions
from .usage import shown

SECTIONS: tuple[tuple[str, type[Section], str], ...] = (
    ("", Options, "## Outside of all sections"),
    ("authorization", AuthorizationOptions, "## In `authorization`"),
    ("authorization.users", UserOptions, "### In each map of `authorization.users`"),
    ("tls", TlsOptions, "## In `tls`, and in `tls` of `cluster` and of `websocket`"),
    ("cluster", ClusterOptions, "## In `cluster`"),
    ("cluster.authorization", ClusterAuthorizationOptions, "### In `authorization` of `cluster`"),
    ("leafnodes", LeafOptions, "## In `leafnodes`"),
    ("leafnodes.authorization", LeafAuthorizationOptions, "### In `authorization` of `leafnodes`"),
    ("leafnodes.authorization.users", LeafUserOptions, "### In each map of `leafnodes.authorization.users`"),
    ("leafnodes.tls", LeafTlsOptions, "### In `tls` of `leafnodes`"),
    ("leafnodes.remotes", LeafRemoteOptions, "### In each map of `leafnodes.remotes`"),
    ("leafnodes.remotes.tls", LeafRemoteTlsOptions, "### In `tls` of a map of `leafnodes.remotes`"),
    ("websocket", WebsocketOptions, "## In `websocket`"),
    ("unix_socket", UnixSocketOptions, "## In `unix_socket`"),
    ("jetstream", JetStreamOptions, "## In `jetstream`"),
    ("jetstream.limits", JetStreamLimitOptions, "### In `limits` of `jetstream`"),
    ("hooks", HookOptions, "## In `hooks`"),
)
"""All sections, each with the path that leads to it, and its title."""

_INTRODUCTION = """\
# Options

Every key of the configuration file, with its flag, its values and its default.
The syntax of the file is in [Configuration](configuration.md).
`make reference` writes this page from `app/config/options.py` and the modules of its sections.
A test fails when it is out of date.

- Names of keys are case-insensitive.
- Of several keys that set the same option, the last one counts, and a log line says so.
- If that would drop a login or TLS, it is an error.
- A flag overrides the file, whatever its value.
- Zero and the empty string mean the default.
- A time is a number of seconds, or a string such as `"2s"`, `"1m30s"` or `"500ms"`.
- An address is `"host:port"`, or a port alone; the host then has its default.
- An unknown key is an error, unless variables refer to it.
- An option that has no effect because of others causes a log line.
- So do `prof_port` and `--profile`, as there is no Go profiler here.
- A [reload](operations.md#reload) changes a running server where the column Reload says so.
- An error is one line, `file:line:column: text`. All errors are reported at once, and nothing starts.
- `pynatsd --check -c FILE` reports them, opens what a start would open, and starts nothing.
"""

_HEADER = "| Key | Flag | Value | Default | Reload | Meaning |\n|---|---|---|---|---|---|"


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
        yield _row(f"`{key}`", flags.get(_join(path, key), ""), "address", "", "no", address.meaning)


def _field_rows(section: type[Section], path: str, flags: dict[str, str]) -> Iterator[str]:
    for name, field in section.model_fields.items():
        key = key_of(field)
        if not key.hidden:
            names = ", ".join(f"`{each}`" for each in (name, *key.also))
            flag = flags.get(_join(path, name), "")
            yield _row(names, flag, _kind(field), _default(field), _reload(_join(path, name)), key.meaning)


def _reload(key: str) -> str:
    """Whether a reload changes it."""
    if is_reloadable(key):
        return "yes"
    return "in part" if any(each.startswith(f"{key}.") for each in RELOADABLE) else "no"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |".replace("|  |", "| |").replace("|  |", "| |")


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _kind(field: FieldInfo) -> str:
    if inner_section(field) is not None:
        return "array of maps" if _is_array(field.annotation) else "map"
    if field.annotation is float:
        return "time"
    if field.annotation is int:
        return f"{_bounds(field)} {key_of(field).unit}".rstrip()
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
        return "array of strings"
    if hasattr(kind, "__metadata__"):
        return _name(get_args(kind)[0])
    return {bool: "`true` or `false`", float: "time", str: "string", Permissions: "map"}[kind]


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
