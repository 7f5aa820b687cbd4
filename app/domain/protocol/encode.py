"""Lines the server sends (client-protocol.md, sections 2, 10 and 11)."""

import json
from collections.abc import Hashable
from typing import NamedTuple

from ..connection_type import ConnectionType
from ..value_object import value_object
from .compatibility import Compatibility

PROTO = 1
"""The ``proto`` of INFO: updates of INFO are understood from clients with ``protocol`` 1."""

ACCOUNT = "$G"
"""The one account that there is, as nats-server calls that of clients without one."""

OK = b"+OK\r\n"
PING = b"PING\r\n"
PONG = b"PONG\r\n"

_ENCODER = json.JSONEncoder(separators=(",", ":"))


@value_object
class ListenerInfo:
    """What INFO says of the listener that a client came in at, where a server has several."""

    host: str
    port: int
    tls_required: bool = False
    tls_verify: bool = False
    tls_available: bool = False
    connection_type: ConnectionType = ConnectionType.STANDARD
    """Not part of INFO; logins depend on it, and which addresses `connect_urls` are."""


class PersonalInfo(NamedTuple):
    """What INFO says to one client alone; fields without a value are left out.

    The keys are those of later servers (later-client-features.md, section 3).
    """

    client_id: int = 0
    client_ip: str = ""
    nonce: str = ""
    """What the client has to sign."""
    ldm: bool = False
    """The server will stop soon: the client should go elsewhere."""
    is_let_in: bool = False
    """It is the INFO after the first PONG. Not said to clients of gnatsd."""
    listener: ListenerInfo | None = None
    """Where the client came in; None for the first listener, of which `ServerInfo` speaks."""

    def members(self) -> bytes:
        """Those of no other client, if they have a value, as members in JSON, each after a comma."""
        text = f',"client_id":{self.client_id}' if self.client_id else ""
        if self.client_ip:
            text += f',"client_ip":{_ENCODER.encode(self.client_ip)}'
        if self.nonce:
            text += f',"nonce":{_ENCODER.encode(self.nonce)}'
        return text.encode()

    @property
    def group(self) -> Hashable:
        """The same for all clients whose INFO has the same `InfoFrame`."""
        return self.listener, self.ldm, self.is_let_in


NOTHING_PERSONAL = PersonalInfo()


@value_object
class ServerInfo:
    """What INFO says to every client; the fields are in the order of client-protocol.md, section 2."""

    server_id: str
    version: str
    go: str
    """Name of the runtime; the key is gnatsd's."""
    host: str
    port: int
    auth_required: bool
    tls_required: bool
    tls_verify: bool
    max_payload: int
    connect_urls: tuple[str, ...] = ()
    """Addresses for clients of all servers in the cluster; left out while this one is alone."""
    advertised_host: str = ""
    """The host that INFO names in place of `host`; empty for that one."""
    advertised_port: int = 0
    """The same for the port."""

    compatibility: Compatibility = Compatibility.GNATSD
    """Whose keys INFO has, in whose order. All that follows is left out of gnatsd's."""
    server_name: str = ""
    headers: bool = True
    """Whether messages may have headers."""
    tls_available: bool = False
    cluster: str = ""
    """Name of the cluster; empty for none."""
    ws_connect_urls: tuple[str, ...] = ()
    """The same for clients that speak websocket; they get these as `connect_urls`."""
    jetstream: bool = False
    """Whether there are streams."""
    domain: str = ""
    """That of the streams; empty for none."""
    api_level: int = 0
    """Of the streams; see `jetstream.settings`."""
    ldm: bool = False
    """The server will stop soon: clients should go elsewhere. Not left out of gnatsd's."""

    def line(self, personal: PersonalInfo = NOTHING_PERSONAL) -> bytes:
        """The INFO line for a client that alone gets `personal`, blank before CR LF included."""
        return self.frame(personal).line(personal)

    def frame(self, personal: PersonalInfo = NOTHING_PERSONAL) -> "InfoFrame":
        """What all clients get that have as much in common with `personal` as `InfoFrame` asks for."""
        at = personal.listener or ListenerInfo(
            self.advertised_host or self.host,
            self.advertised_port or self.port,
            self.tls_required,
            self.tls_verify,
            self.tls_available,
        )
        current = self.compatibility is Compatibility.CURRENT
        before, after = self._current(at, personal) if current else self._gnatsd(at, personal)
        return InfoFrame(
            b"INFO {%b" % _members(before), b"%b} \r\n" % (b"," + _members(after) if after else b"")
        )

    def _gnatsd(self, at: ListenerInfo, personal: PersonalInfo) -> "_Halves":
        """As gnatsd 0.8.0 has them; what is younger follows if it is there."""
        fields: dict[str, object] = {
            "server_id": self.server_id,
            "version": self.version,
            "go": self.go,
            "host": at.host,
            "port": at.port,
            "auth_required": self.auth_required,
            "ssl_required": at.tls_required,
            "tls_required": at.tls_required,
            "tls_verify": at.tls_verify,
            "max_payload": self.max_payload,
        }
        if urls := self._urls(at):
            fields["connect_urls"] = urls
        if self.ldm:
            fields["ldm"] = True
        return fields, _given({"ldm": personal.ldm and not self.ldm})

    def _current(self, at: ListenerInfo, personal: PersonalInfo) -> "_Halves":
        """As current servers have them (later-client-features.md, section 2); nothing is empty or false."""
        fields: dict[str, object] = {
            "server_id": self.server_id,
            "server_name": self.server_name or self.server_id,
            "version": self.version,
            "proto": PROTO,
            "go": self.go,
            "host": at.host,
            "port": at.port,
            "headers": self.headers,
            "auth_required": self.auth_required,
            "tls_required": at.tls_required,
            "tls_verify": at.tls_verify,
            "tls_available": at.tls_available,
            "max_payload": self.max_payload,
            "jetstream": self.jetstream,
        }
        after: dict[str, object] = {
            "connect_info": personal.is_let_in,
            "remote_account": ACCOUNT if personal.is_let_in else "",
            "cluster": self.cluster,
            "domain": self.domain,
            "connect_urls": self._urls(at),
            "ldm": self.ldm or personal.ldm,
            "api_lvl": self.api_level,
        }
        return _given(fields), _given(after)

    def _urls(self, at: ListenerInfo) -> tuple[str, ...]:
        """Addresses that serve clients as this listener does, as nats-server 2.15 has them."""
        is_websocket = at.connection_type is ConnectionType.WEBSOCKET
        return self.ws_connect_urls if is_websocket else self.connect_urls


@value_object
class InfoFrame:
    """The INFO line of all clients with the same `PersonalInfo.group`; what differs is between its pieces."""

    before: bytes
    after: bytes

    def line(self, personal: PersonalInfo) -> bytes:
        """The whole line for one of them."""
        return b"".join((self.before, personal.members(), self.after))


_Halves = tuple[dict[str, object], dict[str, object]]
"""Fields before those that are one client's own, and after them."""


def _members(fields: dict[str, object]) -> bytes:
    """As members of an object in JSON, without its braces."""
    return _ENCODER.encode(fields)[1:-1].encode()


def _given(fields: dict[str, object]) -> dict[str, object]:
    """Those that have a value."""
    return {key: value for key, value in fields.items() if value}


NO_RESPONDERS_START = b"NATS/1.0 503\r\nNats-Subject: "
NO_RESPONDERS_END = b"\r\n\r\n"
"""The headers of the answer to a request without a receiver: the parts before and after its subject."""

_NO_RESPONDERS = b"HMSG %b %b %d %d\r\n" + NO_RESPONDERS_START + b"%b" + NO_RESPONDERS_END + b"\r\n"
_NO_RESPONDERS_SIZE = len(NO_RESPONDERS_START + NO_RESPONDERS_END)


def no_responders(subject: bytes, sid: bytes, reply: bytes) -> bytes:
    """The answer to a request on `subject` without a receiver (later-client-features.md, section 4)."""
    size = _NO_RESPONDERS_SIZE + len(subject)
    return _NO_RESPONDERS % (reply, sid, size, size, subject)
