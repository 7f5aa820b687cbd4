"""Headers of messages: a block of lines on the wire, a dictionary for programs."""

from collections.abc import Mapping, Sequence

_VERSION = b"NATS/1.0"
_FORBIDDEN_IN_NAMES = frozenset(": \t\r\n")

Headers = Mapping[str, str | Sequence[str]]
"""Values by name; several values of one name as a sequence."""


def encode(headers: Headers | None) -> bytes:
    """The block; empty for no headers. Raises `ValueError` for what would not be read as it was given."""
    if not headers:
        return b""
    if not isinstance(headers, Mapping):
        raise TypeError(f"headers are a mapping of names to values, not {headers!r}")
    lines = [_VERSION]
    for name, given in headers.items():
        if not isinstance(name, str):
            raise TypeError(f"the name of a header is a str, not {name!r}")
        if not name or any(sign in _FORBIDDEN_IN_NAMES for sign in name):
            raise ValueError(f"{name!r} cannot be the name of a header")
        values: object = given
        for value in values if isinstance(values, list | tuple) else (values,):
            if not isinstance(value, str):
                raise TypeError(f"a value of the header {name!r} is a str, or a list of them, not {given!r}")
            if "\r" in value or "\n" in value:
                raise ValueError(f"a value of the header {name!r} has a line break")
            lines.append(f"{name}: {value}".encode())
    return b"\r\n".join([*lines, b"", b""])


def decode(block: bytes) -> tuple[dict[str, str], str]:
    """The headers, the first value of each, and the status of the version line, as ``503``; or empty."""
    first, *lines = block.split(b"\r\n")
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.decode(errors="replace").partition(":")
        if colon:
            headers.setdefault(name, value.strip())
    return headers, first.removeprefix(_VERSION).strip()[:3].decode(errors="replace")
