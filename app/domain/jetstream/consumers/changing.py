"""Changes by an operator: another configuration, a reset (jetstream-consumers.md, sections 1 and 2)."""

from collections.abc import Callable

from ..errors import JetStreamError
from .config import ConsumerConfig
from .core import Core
from .filters import Filters
from .pace import RateLimit
from .pull import PullSide
from .start import HIGHEST, go_on


def set_rate(core: Core, max_payload: int) -> None:
    """Begin to limit the rate, or no longer."""
    config = core.config
    bucket = core.stream.config.max_msg_size
    bucket = bucket if bucket > 0 else max_payload
    core.rate = RateLimit(config.rate_limit_bps, bucket, core.now()) if config.rate_limit_bps else None


def reconfigure(core: Core, new: ConsumerConfig, max_payload: int) -> bool:
    """Use a configuration that was checked; answers whether the filters are others."""
    old, core.config = core.config, new
    if old.rate_limit_bps != new.rate_limit_bps:
        set_rate(core, max_payload)
    if old.ack_wait != new.ack_wait and not new.backoff:
        core.ledger.pending.shift(new.wait(1) - old.wait(1))
        core.ledger.must_rewrite = True
    now = core.now()
    if isinstance(core.mode, PullSide):
        core.mode.configure(new)
    elif core.mode.configure(new, now):
        core.ledger.pending.make_due(now)
        core.ledger.must_rewrite = True
    filters_changed = old.filters != new.filters
    if filters_changed:
        core.cursor.refilter(Filters(new.filters), core.stream.committed)
        core.ledger.must_rewrite = True
    core.changed()
    core.scheduling.wake(core.owner)
    return filters_changed


def reset(core: Core, sequence: int) -> int:
    """Deliver from this sequence again, 0 for the ack floor; returns it. Raises error 10204."""
    if sequence:
        _check_reset(core, sequence)
    following = max(1, min(sequence, HIGHEST) or core.ledger.floor + 1)
    core.ledger = core.ledger.reset(following - 1)
    core.cursor.jump(following, core.stream.committed)
    core.delivered_at = core.acked_at = 0
    core.changed()
    core.scheduling.wake(core.owner)
    return following


def kept(core: Core) -> Callable[[], None]:
    """What puts back the deliveries as they are now; `reset` leaves them alone."""
    ledger, following, resume = core.ledger, core.cursor.next, core.cursor.resume
    times = core.delivered_at, core.acked_at

    def put_back() -> None:
        core.ledger = ledger
        core.cursor = go_on(core.config, core.stream, ledger, following, resume)
        core.delivered_at, core.acked_at = times
        ledger.must_rewrite = True
        core.changed()
        core.scheduling.wake(core.owner)

    return put_back


def _check_reset(core: Core, sequence: int) -> None:
    config = core.config
    if config.deliver_policy == "by_start_sequence":
        if sequence < config.opt_start_seq:
            raise JetStreamError(10204, "below start seq")
    elif config.deliver_policy == "by_start_time":
        if sequence < core.stream.log.at_time(config.opt_start_time or 0):
            raise JetStreamError(10204, "below start time")
    elif config.deliver_policy != "all":
        raise JetStreamError(10204, "not allowed")
