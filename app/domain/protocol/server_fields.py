"""The fields about a server in its own messages, with the names of nats-server."""

from .encode import ServerInfo
from .json_text import rfc3339

_STREAMS = 1
"""The flag of a server that has streams."""


def server_fields(info: ServerInfo, number: int, now: int) -> dict[str, object]:
    """The server of this INFO, in its message with this number; `now` is nanoseconds since the epoch."""
    fields: dict[str, object] = {"name": info.server_name or info.server_id, "host": info.host}
    fields["id"] = info.server_id
    fields |= {key: text for key, text in (("cluster", info.cluster), ("domain", info.domain)) if text}
    fields |= {"ver": info.version, "jetstream": info.jetstream, "flags": _STREAMS * info.jetstream}
    return fields | {"seq": number, "time": rfc3339(now)}
