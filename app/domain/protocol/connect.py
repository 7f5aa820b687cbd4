"""The documents of CONNECT and INFO, as peers send them: read, checked, and shown without secrets.

See client-protocol.md, sections 3 and 9.
"""

import json
import re
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from ..named_tuple import made
from .commands import CONNECT, INFO, readable
from .connect_rights import LINK_RIGHTS, are_link_rights
from .errors import ParserError

_Members = list[tuple[str, object]]

_FLAGS = (
    "verbose",
    "pedantic",
    "ssl_required",
    "tls_required",
    "new_account",
    "echo",
    "headers",
    "no_responders",
)
_TEXTS = (
    "auth_token",
    "user",
    "pass",
    "name",
    "lang",
    "version",
    "account",
    "remote_account",
    "nkey",
    "sig",
    "jwt",
    "proxy_sig",
)
_NUMBERS = ("protocol",)
_KINDS: dict[str, type] = {
    **dict.fromkeys(_FLAGS, bool),
    **dict.fromkeys(_TEXTS, str),
    **dict.fromkeys(_NUMBERS, int),
}
LATER_MEMBERS = frozenset(
    {
        "protocol",
        "tls_required",
        "account",
        "new_account",
        "remote_account",
        "echo",
        "headers",
        "no_responders",
        "nkey",
        "sig",
        "jwt",
        "proxy_sig",
        *LINK_RIGHTS,
    }
)
"""The members of a client's CONNECT that gnatsd 0.8.0 does not know."""
FORMER_MEMBERS = frozenset({"ssl_required"})
"""Those that current servers do not know any more."""


class Connect(NamedTuple):
    """``CONNECT {…}``: the known fields; None for one that was not given a value.

    Secrets stay out of its representation.
    """

    verbose: bool | None = None
    pedantic: bool | None = None
    ssl_required: bool | None = None
    tls_required: bool | None = None
    protocol: int | None = None
    name: str | None = None
    lang: str | None = None
    version: str | None = None
    user: str | None = None
    password: str | None = None
    """The key is ``pass``."""
    auth_token: str | None = None
    account: str | None = None
    new_account: bool | None = None
    echo: bool | None = None
    """Whether the client's own subscriptions get its messages."""
    headers: bool | None = None
    """Whether the client understands HMSG, and may send HPUB."""
    no_responders: bool | None = None
    """Whether the client gets status 503 for a request without a receiver."""
    nkey: str | None = None
    sig: str | None = None
    jwt: str | None = None

    @property
    def shows_secret(self) -> bool:
        """Whether there is anything that proves who the client is, or is meant to."""
        return bool(self.password or self.auth_token or self.nkey or self.sig or self.jwt)

    def __repr__(self) -> str:
        fields = zip(self._fields, self, strict=True)
        return f"Connect({', '.join(f'{name}={value!r}' for name, value in fields if name not in _SECRETS)})"


_CONNECT_KEYS = tuple("pass" if name == "password" else name for name in Connect._fields)


def parse_connect(argument: bytes, unknown: AbstractSet[str] = frozenset()) -> Connect:
    """The known fields of a CONNECT that were given a value.

    Keys match in any case, the last of a name wins, unknown ones and nulls are
    left out. Raises `ParserError` for anything but a JSON object or null, or a
    value of the wrong type; the `unknown` members are left out if theirs is wrong.
    """
    given: dict[str, object] = {}
    for name, value in members_of(argument, "CONNECT"):
        if name in LINK_RIGHTS:
            if name not in unknown and not are_link_rights(value):
                raise ParserError(f"CONNECT field {name} has the wrong type")
            continue
        kind = _KINDS.get(name)
        if kind is not None and _is_of_kind(value, kind):
            given[name] = _clean(value) if isinstance(value, str) else value
        elif kind is not None and name not in unknown:
            raise ParserError(f"CONNECT field {name} has the wrong type")
    # A list, since its length is known: Python keeps memory of 2,000 tuples that have grown.
    return made(Connect, list(map(given.get, _CONNECT_KEYS)))


def _is_of_kind(value: object, kind: type) -> bool:
    """A bool is no number here, as in JSON; a number has 64 bits."""
    return type(value) is kind and (type(value) is not int or -(2**63) <= value < 2**63)


def _clean(text: str) -> str:
    """Replace lone surrogates, which JSON can spell and UTF-8 cannot."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


_SECRETS = ("pass", "password", "auth_token", "token", "jwt", "sig", "proxy_sig")


def redacted(argument: bytes) -> str:
    """The argument of a CONNECT or INFO as a log may show it; what is nested very deeply shows as null."""
    try:
        document = _json(argument, _SHOWN)
    except ParserError:
        return "[not shown: invalid JSON]"
    if isinstance(document, str | list):  # it may be a secret without its key
        return "[not shown: no JSON object]"
    return json.dumps(document, separators=(",", ":"))


def shown(verb: bytes, argument: bytes) -> str:
    """A line as a log may show it."""
    text = redacted(argument) if verb in (CONNECT.name, INFO.name) else readable(argument)
    return f"{readable(verb)} {text}" if argument else readable(verb)


def _without_secrets(members: _Members) -> dict[str, object]:
    return {key: "[REDACTED]" if key.casefold() in _SECRETS else value for key, value in members}


_INFO_KINDS: dict[str, type] = {
    **dict.fromkeys(("server_id", "version", "go", "host", "ip"), str),
    **dict.fromkeys(("port", "max_payload"), int),
    **dict.fromkeys(("auth_required", "ssl_required", "tls_required", "tls_verify"), bool),
}


def check_info(argument: bytes) -> None:
    """An INFO from a client is accepted and means nothing; it must be well formed all the same.

    Raises `ParserError` for anything but a JSON object or null, or a value of the wrong type.
    """
    for name, value in members_of(argument, "INFO"):
        kind = _INFO_KINDS.get(name)
        if kind is not None and type(value) is not kind:
            raise ParserError(f"INFO field {name} has the wrong type")


def members_of(argument: bytes, verb: str) -> _Members:
    """The members of the object that `verb` brings, in order, without nulls; names in small letters.

    A name that occurs twice, in any case, counts twice.
    """
    document = _json(argument, _MEMBERS)
    if not isinstance(document, tuple | None):
        raise ParserError(f"{verb} expects a JSON object")
    return [(key.casefold(), value) for key, value in document or () if value is not None]


NESTING = 64
"""Depth of arrays and objects that are read in one go; what is deeper is only checked."""
_BRACKET_OR_STRING = re.compile(r'[\[{]|[\]}]|"(?:[^"\\]+|\\.)*"?', re.DOTALL)


def _json(argument: bytes, decoder: json.JSONDecoder) -> object:
    text = argument.decode("utf-8", "replace")
    try:
        if text.count("[") + text.count("{") > NESTING:
            text = _shallow(text, decoder)
        if text.startswith("{"):  # as all libraries write it; `decode` seeks blanks before and after it
            document, end = decoder.raw_decode(text)
            if end == len(text):
                return document
        return decoder.decode(text)
    except ValueError as error:
        raise ParserError(f"invalid JSON: {error}") from error


def _shallow(text: str, decoder: json.JSONDecoder) -> str:
    """The document with nulls in place of what is nested deeper than `NESTING`, which is checked first.

    So depth costs neither stack nor more than linear time. Raises `ValueError`.
    """
    outer: list[list[str]] = []
    parts: list[str] = []
    depth = copied = 0
    for match in _BRACKET_OR_STRING.finditer(text):
        found = match.group()
        if found in ("[", "{"):
            if depth and depth % NESTING == 0:
                parts.append(text[copied : match.start()])
                copied = match.start()
                outer.append(parts)
                parts = []
            depth += 1
        elif found in ("]", "}"):
            depth -= 1
            if depth and depth % NESTING == 0 and outer:
                parts.append(text[copied : match.end()])
                copied = match.end()
                decoder.decode("".join(parts))
                parts = outer.pop()
                parts.append("null")
    if outer:
        raise ValueError("an array or object has no end")
    parts.append(text[copied:])
    return "".join(parts)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _decoder(make_object: Callable[[_Members], object]) -> json.JSONDecoder:
    """Each object is what `make_object` makes of its members; made once, for clients would leave theirs."""
    return json.JSONDecoder(parse_constant=_refuse_constant, object_pairs_hook=make_object)


_MEMBERS = _decoder(tuple)
_SHOWN = _decoder(_without_secrets)
