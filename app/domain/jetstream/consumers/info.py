"""The info of a consumer (jetstream-consumers.md, section 1)."""

from ...protocol.json_text import rfc3339
from ..figures import ConsumerFigures
from .config import as_json
from .core import Core
from .pull import PullSide
from .push import PushSide


def figures(core: Core) -> ConsumerFigures:
    """A few of them, for a table."""
    ledger, mode = core.ledger, core.mode
    return ConsumerFigures(
        stream=core.stream.name,
        name=core.name,
        is_push=isinstance(mode, PushSide),
        is_paused=core.is_paused,
        lag=core.cursor.pending,
        unacknowledged=len(ledger.pending),
        redelivered=_redelivered(core),
        waiting=0 if isinstance(mode, PushSide) else mode.num_waiting,
        delivered=ledger.number,
        delivered_at=core.delivered_at,
        acked_at=core.acked_at,
    )


def _redelivered(core: Core) -> int:
    return 0 if core.config.max_deliver == 1 else len(core.ledger.deliveries)


def info_json(core: Core, created: int) -> dict[str, object]:
    """The fields of consumer info, without those of the answer around it."""
    ledger, config, wall = core.ledger, core.config, core.outlet.wall()
    redelivered = _redelivered(core)
    info: dict[str, object] = {
        "stream_name": core.stream.name,
        "name": core.name,
        "created": rfc3339(created),
        "config": as_json(config),
        "delivered": _place(ledger.number, ledger.delivered, core.delivered_at),
        "ack_floor": _place(ledger.floor_number, ledger.floor, core.acked_at),
        "num_ack_pending": len(ledger.pending),
        "num_redelivered": redelivered,
        "num_waiting": _num_waiting(core),
        "num_pending": core.cursor.pending,
    }
    if isinstance(core.mode, PushSide) and core.mode.is_bound:
        info["push_bound"] = True
    if core.is_paused:
        info |= {"paused": True, "pause_remaining": (config.pause_until or wall) - wall}
    info["ts"] = rfc3339(wall)
    if config.priority_groups and isinstance(core.mode, PullSide):
        info["priority_groups"] = [_group(config.priority_groups[0], core.mode)]
    return info


def _place(number: int, sequence: int, when: int) -> dict[str, object]:
    place: dict[str, object] = {"consumer_seq": number, "stream_seq": sequence}
    return place | ({"last_active": rfc3339(when)} if when else {})


def _num_waiting(core: Core) -> int:
    if isinstance(core.mode, PushSide):
        return 0
    core.mode.sweep(core.now())
    return core.mode.num_waiting


def _group(name: str, mode: PullSide) -> dict[str, object]:
    group: dict[str, object] = {"group": name}
    if mode.pin.id:
        group["pinned_client_id"] = mode.pin.id
    return group | {"pinned_ts": rfc3339(mode.pin.since if mode.pin.id else 0)}
