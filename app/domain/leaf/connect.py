"""The CONNECT of a leaf node (leaf-nodes.md, section 2)."""

import json
from dataclasses import field
from typing import TypeVar

from ..protocol.connect import members_of
from ..protocol.errors import ParserError
from ..value_object import value_object

PROTOCOL = 1
"""The version of the protocol that we speak where messages are not traced."""

TRACING = 3
"""From this version on a server traces messages that ask for it (ADR 0063)."""

MOST_DENIED = 1024
"""Subjects that a leaf node may say it does not want."""

_LONGEST_NAME = 256

_TEXTS = (
    *("version", "user", "pass", "auth_token", "jwt", "nkey", "sig", "server_id"),
    *("name", "cluster", "remote_account", "compress_mode", "domain", "lang"),
)
_FLAGS = ("headers", "is_hub", "jetstream")


@value_object
class LeafConnect:
    """``CONNECT {…}`` of a leaf node. Secrets stay out of its representation."""

    version: str = ""
    user: str = ""
    password: str = field(default="", repr=False)
    """The key is ``pass``."""
    auth_token: str = field(default="", repr=False)
    jwt: str = field(default="", repr=False)
    nkey: str = ""
    sig: str = field(default="", repr=False)
    server_id: str = ""
    name: str = ""
    cluster: str = ""
    """Its cluster, or its name where it has none."""
    headers: bool = False
    remote_account: str = ""
    """The account of the leaf node, not that of the hub."""
    compress_mode: str = ""
    is_hub: bool = False
    """Whether it takes the part of the hub, although it has dialled."""
    deny_pub: tuple[str, ...] = ()
    """What the hub need not send."""
    jetstream: bool = False
    domain: str = ""
    protocol: int = PROTOCOL
    lang: str = ""
    """Only clients name a language."""

    def line(self) -> bytes:
        """The CONNECT line; what has no value is left out."""
        fields: dict[str, object] = {
            "version": self.version,
            "jwt": self.jwt,
            "nkey": self.nkey,
            "sig": self.sig,
            "user": self.user,
            "pass": self.password,
            "auth_token": self.auth_token,
            "server_id": self.server_id,
            "domain": self.domain,
            "name": self.name,
            "is_hub": self.is_hub,
            "cluster": self.cluster,
            "headers": self.headers,
            "jetstream": self.jetstream,
            "deny_pub": self.deny_pub,
            "compress_mode": self.compress_mode,
            "remote_account": self.remote_account,
            "protocol": self.protocol,
        }
        given = {key: value for key, value in fields.items() if value}
        return b"CONNECT %b \r\n" % json.dumps(given, separators=(",", ":")).encode()


def parse_leaf_connect(argument: bytes) -> LeafConnect:
    """The known fields. Raises `ParserError` for anything but a JSON object, or a value of the wrong type."""
    fields = dict(members_of(argument, "CONNECT"))
    texts = {name: _typed(fields, name, default="") for name in _TEXTS}
    flags = {name: _typed(fields, name, default=False) for name in _FLAGS}
    return LeafConnect(
        version=texts["version"],
        user=texts["user"],
        password=texts["pass"],
        auth_token=texts["auth_token"],
        jwt=texts["jwt"],
        nkey=texts["nkey"],
        sig=texts["sig"],
        server_id=texts["server_id"],
        name=_name(texts["name"]),
        cluster=_name(texts["cluster"]),
        remote_account=texts["remote_account"],
        compress_mode=texts["compress_mode"],
        domain=texts["domain"],
        lang=texts["lang"],
        headers=flags["headers"],
        is_hub=flags["is_hub"],
        jetstream=flags["jetstream"],
        deny_pub=_denied(fields.get("deny_pub")),
        protocol=_typed(fields, "protocol", default=0),
    )


def _name(text: str) -> str:
    """One that people cannot read, or that is very long, is shortened to what they can."""
    return "".join(filter(str.isprintable, text[:_LONGEST_NAME]))


_Value = TypeVar("_Value", bool, int, str)


def _typed(fields: dict[str, object], name: str, *, default: _Value) -> _Value:
    value = fields.get(name, default)
    if not isinstance(value, type(default)) or type(value) is not type(default):
        raise ParserError(f"CONNECT field {name} has the wrong type")
    return value


def _denied(value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise ParserError("CONNECT field deny_pub has the wrong type")
    if len(value) > MOST_DENIED:
        raise ParserError(f"CONNECT field deny_pub has more than {MOST_DENIED} subjects")
    return tuple(value)
