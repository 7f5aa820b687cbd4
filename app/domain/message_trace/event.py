"""A trace event: what became of one message on this server, as the JSON of nats-server."""

from collections.abc import Callable, Mapping
from enum import IntEnum

from ..protocol.encode import ACCOUNT, ServerInfo
from ..protocol.json_text import dump, rfc3339
from ..protocol.server_fields import server_fields
from .request import TraceRequest
from .stream_step import StreamStep

NO_SUPPORT_ONLY = "Not delivered because remote does not support message tracing"
NO_SUPPORT = (
    "Message delivered but remote does not support message tracing so no trace event generated from there"
)
NO_ECHO = "Not delivered because of no echo"
SUBSCRIPTION_DENIES = "Not delivered because subscription denies this subject"
PUBLISH_DENIED = "Not delivered because publish denied for this subject"


class TraceKind(IntEnum):
    """Kinds of connections, by the numbers of nats-server."""

    CLIENT = 0
    ROUTE = 1
    LEAF = 4


class TraceEvent:
    """The event of one message, while it is delivered."""

    __slots__ = ("_events", "_hops", "_missing", "_request", "_send", "_size", "_wall", "_way")

    def __init__(self, request: TraceRequest, size: int, wall: Callable[[], int]) -> None:
        """`size` is that of headers and payload; `wall` is nanoseconds since the epoch."""
        self._request = request
        self._size = size
        self._wall = wall
        self._events: list[dict[str, object]] = []
        self._way = ""
        """The way to this server."""
        self._hops = 0
        self._missing = 1
        """Streams whose step is not complete, and one for the deliveries."""
        self._send = _nothing

    @property
    def only(self) -> bool:
        """Whether the message is only traced, and not delivered."""
        return self._request.only

    @property
    def count(self) -> int:
        """How many steps it has."""
        return len(self._events)

    def came_in(self, kind: TraceKind, number: int, name: str, subject: bytes, error: str = "") -> None:
        """This connection has published it; with an `error` it is refused.

        Only servers say what way it has come.
        """
        if kind is not TraceKind.CLIENT:
            self._way = self._request.hop
        self._add(
            "in",
            {"kind": kind.value, "cid": number, "name": name, "acc": ACCOUNT}
            | {"subj": subject.decode("utf-8", "replace"), "error": error},
        )

    def next_hop(self) -> str:
        """The way of the message to one more server: that to this one, and which of its ways this is."""
        self._hops += 1
        return f"{self._way}.{self._hops}" if self._way else str(self._hops)

    def went_out(self, kind: TraceKind, number: int, name: str, hop: str = "", error: str = "") -> None:
        """It was for this connection, of a part of this server, or of another one, by this way."""
        fields: dict[str, object] = {"kind": kind.value, "cid": number, "name": name}
        self._add("eg", fields | {"hop": hop, "error": error})

    def for_client(
        self, number: int, name: str, subject: bytes, queue: bytes | None, error: str = ""
    ) -> None:
        """It was for this subscription of a client."""
        fields: dict[str, object] = {"kind": TraceKind.CLIENT.value, "cid": number, "name": name}
        texts = {
            "sub": subject.decode("utf-8", "replace"),
            "queue": (queue or b"").decode("utf-8", "replace"),
        }
        self._add("eg", fields | texts | {"error": error})

    def to_stream(self, stream: str, *, only: bool) -> StreamStep:
        """It is for this stream, which completes the step; with `only` it is not stored."""
        fields = self._add("js", {"stream": stream})
        self._missing += 1
        return StreamStep(fields, self._wall, self._completed, only=only)

    def delivered(self, send: Callable[[], None]) -> None:
        """All receivers have the message; `send` is called once all steps are complete, perhaps at once."""
        self._send = send
        self._completed()

    def _completed(self) -> None:
        self._missing -= 1
        if not self._missing:
            send, self._send = self._send, _nothing  # what is to be sent refers to this event
            send()

    def _add(self, kind: str, fields: Mapping[str, object]) -> dict[str, object]:
        event: dict[str, object] = {"type": kind, "ts": rfc3339(self._wall())}
        event |= {key: value for key, value in fields.items() if value != ""}
        self._events.append(event)
        return event

    def text(self, info: ServerInfo, number: int) -> bytes:
        """The JSON of it, from the server of this INFO, as its event with this number."""
        server = server_fields(info, number, self._wall())
        header = dict(sorted(self._request.header.items()))
        hops = {"hops": self._hops} if self._hops else {}
        request = {"header": header, "msgsize": self._size}
        return dump({"server": server, "request": request, **hops, "events": self._events})


def _nothing() -> None:
    """Nothing is to be sent yet."""
