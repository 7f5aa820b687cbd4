"""A trace event: what became of one message on this server, as the JSON of nats-server."""

from collections.abc import Callable
from enum import IntEnum

from ..protocol.encode import ACCOUNT, ServerInfo
from ..protocol.json_text import dump, rfc3339
from .request import TraceRequest

NO_SUPPORT_ONLY = "Not delivered because remote does not support message tracing"
NO_SUPPORT = (
    "Message delivered but remote does not support message tracing so no trace event generated from there"
)
NO_ECHO = "Not delivered because of no echo"

_STREAMS = 1
"""The flag of a server that has streams."""


class TraceKind(IntEnum):
    """Kinds of connections, by the numbers of nats-server."""

    CLIENT = 0
    ROUTE = 1
    LEAF = 4
    JETSTREAM = 5


class TraceEvent:
    """The event of one message, while it is delivered."""

    __slots__ = ("_events", "_request", "_size", "_wall")

    def __init__(self, request: TraceRequest, size: int, wall: Callable[[], int]) -> None:
        """`size` is that of headers and payload; `wall` is nanoseconds since the epoch."""
        self._request = request
        self._size = size
        self._wall = wall
        self._events: list[dict[str, object]] = []

    @property
    def count(self) -> int:
        """How many steps it has."""
        return len(self._events)

    def came_in(self, number: int, name: str, subject: bytes, error: str = "") -> None:
        """A client has published it; with an `error` it is refused."""
        self._add(
            "in",
            {"kind": TraceKind.CLIENT.value, "cid": number, "name": name, "acc": ACCOUNT}
            | {"subj": subject.decode("utf-8", "replace"), "error": error},
        )

    def went_out(self, kind: TraceKind, number: int, name: str, error: str = "") -> None:
        """It was for this connection, of another server or of a part of this one."""
        self._add("eg", {"kind": kind.value, "cid": number, "name": name, "error": error})

    def for_client(
        self, number: int, name: str, subject: bytes, queue: bytes | None, error: str = ""
    ) -> None:
        """It was for this subscription of a client."""
        fields: dict[str, object] = {"kind": TraceKind.CLIENT.value, "cid": number, "name": name}
        texts: dict[str, object] = {
            "sub": subject.decode("utf-8", "replace"),
            "queue": (queue or b"").decode("utf-8", "replace"),
        }
        self._add("eg", fields | texts | {"error": error})

    def _add(self, kind: str, fields: dict[str, object]) -> None:
        event: dict[str, object] = {"type": kind, "ts": rfc3339(self._wall())}
        self._events.append(event | {key: value for key, value in fields.items() if value != ""})

    def text(self, info: ServerInfo, number: int) -> bytes:
        """The JSON of it, from the server of this INFO, as its event with this number."""
        server: dict[str, object] = {"name": info.server_name or info.server_id, "host": info.host}
        server["id"] = info.server_id
        server |= {key: text for key, text in (("cluster", info.cluster), ("domain", info.domain)) if text}
        server |= {"ver": info.version, "jetstream": info.jetstream, "flags": _STREAMS * info.jetstream}
        server |= {"seq": number, "time": rfc3339(self._wall())}
        header = dict(sorted(self._request.header.items()))
        return dump(
            {"server": server, "request": {"header": header, "msgsize": self._size}, "events": self._events}
        )
