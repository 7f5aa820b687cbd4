"""The INFO and CONNECT that servers exchange on a route (cluster-protocol.md, sections 2, 5 and 12)."""

import json
from functools import lru_cache

from ..protocol.connect import members_of
from ..protocol.errors import ParserError
from ..value_object import value_object

ROUTE_PROTOCOL = 1
"""The highest ``proto`` we understand; from 2 on routes speak of accounts."""

MOST_URLS = 64
"""Client addresses that are taken from one server."""

_SHORT = 1024
"""Bytes of an INFO that is worth remembering."""

LOSABLE = b"UNSUB 0\r\n"
"""Goes out in one write with an INFO, after it, where gnatsd 0.8.0 may read that INFO in pieces.

It then takes the INFO for the beginning of the next line that has arguments, so that
an interest or a message would be lost. This line is one that nobody misses: no
subscription of a server has that sid. Later ones read well.
"""

_FIRST_READ = 512
"""Bytes that gnatsd's first read takes; later ones take fewer, after small messages."""

SENDS_ON = "sends_on"
"""The key by which servers of ours know each other's: messages that were sent on may be marked.

gnatsd 0.8.0 ignores it. See `failover`.
"""

TRACES = "traces"
"""The key by which servers of ours say that they trace messages; gnatsd 0.8.0 ignores it (ADR 0063)."""

_LONGEST_URL = 256
_LONGEST_ID = 128

_KINDS: dict[str, type] = {
    **dict.fromkeys(("server_id", "server_name", "version", "go", "host", "ip"), str),
    **dict.fromkeys(("port", "max_payload", "proto"), int),
    **dict.fromkeys(
        ("auth_required", "ssl_required", "tls_required", "tls_verify", "headers", "ldm", SENDS_ON, TRACES),
        bool,
    ),
    **dict.fromkeys(("connect_urls", "ws_connect_urls", "leafnode_urls"), list),
}


ROUTE_VERSION = "0.8.0"
"""The version of gnatsd whose route protocol is spoken."""


@value_object
class RouteInfo:
    """The INFO of a server about itself, or about a third one in gossip."""

    server_id: str
    host: str = ""
    port: int = 0
    """Where it listens for routes."""
    version: str = ""
    auth_required: bool = False
    tls_required: bool = False
    tls_verify: bool = False
    max_payload: int = 0
    proto: int = 0
    connect_urls: tuple[str, ...] = ()
    """Its addresses for clients."""
    ws_connect_urls: tuple[str, ...] = ()
    """Its addresses for clients that speak websocket; gnatsd ignores the key."""
    leafnode_urls: tuple[str, ...] = ()
    """Its addresses for leaf nodes; gnatsd ignores the key."""
    sends_on: bool = False
    """Whether it understands messages that are marked as sent on; see `SENDS_ON`."""
    headers: bool = False
    """Whether it takes messages with headers, as HMSG; gnatsd ignores the key."""
    traces: bool = False
    """Whether it traces messages that ask for it; see `TRACES`."""
    server_name: str = ""
    """Its configured name; empty if it has only its id."""
    ldm: bool = False
    """Whether it is about to stop; gnatsd ignores the key."""
    ip: str = ""
    """In gossip: the URL by which the sender knows it."""

    def line(self) -> bytes:
        """The INFO line. It must go out in one write: gnatsd 0.8.0 stumbles over pieces; see `LOSABLE`."""
        fields: dict[str, object] = {
            "server_id": self.server_id,
            "version": self.version,
            "go": "",
            "host": self.host,
            "port": self.port,
            "auth_required": self.auth_required,
            "ssl_required": self.tls_required,
            "tls_required": self.tls_required,
            "tls_verify": self.tls_verify,
            "max_payload": self.max_payload,
        }
        later: dict[str, object] = {
            "server_name": self.server_name,
            SENDS_ON: self.sends_on,
            "headers": self.headers,
            TRACES: self.traces,
            "ldm": self.ldm,
            "ip": self.ip,
            "connect_urls": self.connect_urls,
            "ws_connect_urls": self.ws_connect_urls,
            "leafnode_urls": self.leafnode_urls,
        }
        fields |= {name: value for name, value in later.items() if value}
        return b"INFO %b\r\n" % _compact(fields)


def introduction(lines: bytes) -> bytes:
    """The first lines of a route, as they go out: those of ours that end in INFO."""
    return lines + LOSABLE if len(lines) > _FIRST_READ else lines


def read_info(argument: bytes) -> RouteInfo:
    """The INFO that a peer sent; what it says beyond our needs is left out.

    Raises `ParserError` for anything but a JSON object with a server's id, or a value
    of the wrong type. All peers send the INFO of a newcomer in the same words: a short
    INFO is remembered, so that only the first is parsed.
    """
    return _read_known(argument) if len(argument) <= _SHORT else _read(argument)


def _read(argument: bytes) -> RouteInfo:
    fields: dict[str, object] = {}
    for name, value in members_of(argument, "INFO"):
        kind = _KINDS.get(name)
        if kind is not None and type(value) is not kind:
            raise ParserError(f"INFO field {name} has the wrong type")
        fields[name] = value
    return _Fields(fields).info()


_read_known = lru_cache(maxsize=1024)(_read)


class _Fields:
    """The members of an INFO, whose types are right."""

    def __init__(self, fields: dict[str, object]) -> None:
        self._fields = fields

    def info(self) -> RouteInfo:
        server_id = self._text("server_id")
        if not 0 < len(server_id) <= _LONGEST_ID or not server_id.isprintable():
            raise ParserError("INFO names no server")
        return RouteInfo(
            server_id=server_id,
            host=self._text("host"),
            port=self._number("port"),
            version=self._text("version"),
            auth_required=self._fields.get("auth_required") is True,
            tls_required=self._fields.get("tls_required") is True,
            tls_verify=self._fields.get("tls_verify") is True,
            max_payload=self._number("max_payload"),
            proto=self._number("proto"),
            connect_urls=self._urls("connect_urls"),
            ws_connect_urls=self._urls("ws_connect_urls"),
            leafnode_urls=self._urls("leafnode_urls"),
            sends_on=self._fields.get(SENDS_ON) is True,
            headers=self._fields.get("headers") is True,
            traces=self._fields.get(TRACES) is True,
            server_name=self._name(),
            ldm=self._fields.get("ldm") is True,
            ip=self._text("ip"),
        )

    def _name(self) -> str:
        """A name that people cannot read counts as no name."""
        name = self._text("server_name")[:_LONGEST_ID]
        return name if name.isprintable() else ""

    def _text(self, name: str) -> str:
        value = self._fields.get(name)
        return value if isinstance(value, str) else ""

    def _number(self, name: str) -> int:
        value = self._fields.get(name)
        return value if isinstance(value, int) else 0

    def _urls(self, name: str) -> tuple[str, ...]:
        value = self._fields.get(name)
        if not isinstance(value, list):
            return ()
        if not all(isinstance(url, str) and len(url) <= _LONGEST_URL and url.isprintable() for url in value):
            raise ParserError(f"INFO field {name} has the wrong type")
        return tuple(value[:MOST_URLS])


def connect_line(server_id: str, user: str, password: str, *, tls: bool) -> bytes:
    """The CONNECT of a server that dials another."""
    fields: dict[str, object] = {"verbose": False, "pedantic": False}
    if user:
        fields["user"] = user
    if password:
        fields["pass"] = password
    fields |= {"tls_required": tls, "name": server_id}
    return b"CONNECT %b\r\n" % _compact(fields)


def _compact(fields: dict[str, object]) -> bytes:
    return json.dumps(fields, separators=(",", ":")).encode()
