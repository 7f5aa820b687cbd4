"""The answers of ``/varz`` and ``/connz``, as far as the board shows them.

Server versions differ in their fields. A missing field, or one of the wrong type, counts
as zero or empty; an answer that is not a JSON object is an error.
"""

import json
from dataclasses import dataclass


class InvalidAnswer(Exception):
    """The answer is not that of a monitoring port."""


@dataclass(frozen=True, slots=True)
class TrafficTotals:
    """Messages and payload bytes since the start, as the server counts them."""

    in_msgs: int = 0
    out_msgs: int = 0
    in_bytes: int = 0
    out_bytes: int = 0


@dataclass(frozen=True, slots=True)
class ServerAnswer:
    """``/varz``."""

    id: str
    name: str
    version: str
    uptime: str
    cpu: float
    """Percent of one processor."""
    mem: int
    slow_consumers: int
    traffic: TrafficTotals


@dataclass(frozen=True, slots=True)
class ClientAnswer:
    """An entry of ``/connz``."""

    cid: int
    ip: str
    port: int
    name: str
    subs: int
    pending: int
    traffic: TrafficTotals
    lang: str
    version: str
    uptime: str
    last_activity: str
    subjects: tuple[str, ...] = ()


def read_server(body: bytes) -> ServerAnswer:
    """Raises `InvalidAnswer`."""
    fields = _Fields(_object(body, "/varz"))
    if not fields.text("server_id"):
        raise InvalidAnswer("/varz has no server_id: is this the monitoring port of a NATS server?")
    name = fields.text("server_name")
    return ServerAnswer(
        id=fields.text("server_id"),
        name=name if name != fields.text("server_id") else "",
        version=fields.text("version"),
        uptime=fields.text("uptime"),
        cpu=fields.number("cpu"),
        mem=fields.count("mem"),
        slow_consumers=fields.count("slow_consumers"),
        traffic=fields.traffic(),
    )


def read_clients(body: bytes) -> tuple[ClientAnswer, ...]:
    """Raises `InvalidAnswer`."""
    entries = _object(body, "/connz").get("connections")
    if not isinstance(entries, list):
        return ()
    return tuple(_client(_Fields(entry)) for entry in entries if isinstance(entry, dict))


def _client(fields: "_Fields") -> ClientAnswer:
    return ClientAnswer(
        cid=fields.count("cid"),
        ip=fields.text("ip"),
        port=fields.count("port"),
        name=fields.text("name"),
        subs=fields.count("subscriptions"),
        pending=fields.count("pending_bytes"),
        traffic=fields.traffic(),
        lang=fields.text("lang"),
        version=fields.text("version"),
        uptime=fields.text("uptime"),
        last_activity=fields.text("last_activity"),
        subjects=fields.texts("subscriptions_list"),
    )


def _object(body: bytes, path: str) -> dict[str, object]:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        raise InvalidAnswer(f"{path} is not JSON: is this the monitoring port of a NATS server?") from None
    if not isinstance(answer, dict):
        raise InvalidAnswer(f"{path} is not a JSON object")
    return answer


class _Fields:
    """One JSON object; never raises."""

    def __init__(self, fields: dict[str, object]) -> None:
        self._fields = fields

    def text(self, name: str) -> str:
        value = self._fields.get(name)
        return value if isinstance(value, str) else ""

    def texts(self, name: str) -> tuple[str, ...]:
        value = self._fields.get(name)
        return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()

    def number(self, name: str) -> float:
        value = self._fields.get(name)
        return float(value) if isinstance(value, int | float) else 0.0

    def count(self, name: str) -> int:
        value = self._fields.get(name)
        return value if isinstance(value, int) else 0

    def traffic(self) -> TrafficTotals:
        return TrafficTotals(*(self.count(name) for name in ("in_msgs", "out_msgs", "in_bytes", "out_bytes")))
