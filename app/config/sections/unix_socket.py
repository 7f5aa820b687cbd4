"""The options of the unix socket for clients."""

import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator

from .section import Key, Section

SOCKET_MODE = "0660"

_MODE = re.compile(r"0?[0-7]{3}", re.ASCII)


def _octal(value: object) -> object:
    """A mode without quotes is a number whose decimal digits are meant as octal ones."""
    if type(value) is int and value >= 0:
        return f"{value:04d}" if value else SOCKET_MODE
    return value


def _permissions(text: str) -> str:
    if not _MODE.fullmatch(text):
        raise ValueError('must be permissions as three octal digits, such as "0660"')
    return text


def _decimal(value: object) -> object:
    return str(value) if type(value) is int and value >= 0 else value


class UnixSocketOptions(Section):
    """A unix socket for clients of the same machine. There is one when there is a path."""

    path: Annotated[str | None, Key("Path of the unix socket; none without it.")] = None
    mode: Annotated[
        str,
        BeforeValidator(_octal),
        AfterValidator(_permissions),
        Key("Permissions of its file, octal; users that can write to it can connect.", guards=True),
    ] = SOCKET_MODE
    group: Annotated[
        str | None,
        BeforeValidator(_decimal),
        Key("Group of its file, by name or number; that of the process if not set.", guards=True),
    ] = None
