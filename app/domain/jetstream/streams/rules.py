"""What a stream's configuration may be: defaults and rules (jetstream-streams.md, sections 1 and 2)."""

from collections.abc import Callable
from dataclasses import replace

from ...value_object import value_object
from ..errors import JetStreamError
from ..storage.seam import HIGHEST_FIRST
from .config import (
    ASYNC,
    DISCARD_NEW,
    FILE,
    REQUIRED_LEVEL,
    SERVER_LEVEL,
    SERVER_VERSION,
    WORKQUEUE,
    Placement,
    StreamConfig,
)
from .source_rules import (
    Origins,
    check_copies,
    check_cycles,
    check_mirror,
    check_sources,
    no_origin,
    with_mirror_direct,
)
from .subject_rules import check_republish, check_subjects, check_transform, with_republish

MAX_NAME = 255
MAX_DESCRIPTION = 4096
MAX_METADATA = 128 * 1024
MAX_REPLICAS = 5
MS = 1_000_000
SECOND = 1_000_000_000
SHORTEST = 100 * MS
"""Of `max_age` and `duplicate_window`."""
DEFAULT_WINDOW = 120 * SECOND

_NOT_IN_NAMES = frozenset(" \t\r\n\f.*>/\\")


@value_object
class StreamLimits:
    """What the server and the account allow; 0 for no limit."""

    duplicate_window: int = 0
    max_bytes_required: bool = False
    max_stream_bytes: int = 0


NO_LIMITS = StreamLimits()


def is_name(name: str) -> bool:
    """Whether a stream or a consumer may have this name; its length is not checked."""
    return bool(name) and _NOT_IN_NAMES.isdisjoint(name)


NO_NAME = r"stream name is required and can not contain '.', '*', '>', '\', '/'"
"""In error 10052."""


def invalid(words: str) -> JetStreamError:
    """Error 10052."""
    return JetStreamError(10052, words)


def checked(
    config: StreamConfig,
    *,
    origins: Origins = no_origin,
    limits: StreamLimits = NO_LIMITS,
    pedantic: bool = False,
) -> StreamConfig:
    """The configuration of a new stream, with all defaults. Raises `JetStreamError`.

    `origins` gives the configuration of other streams. `pedantic` refuses what is else corrected.
    """
    if config.sealed:
        raise invalid("stream configuration for create can not be sealed")
    if config.mirror_direct and config.mirror is None:  # what was a mirror keeps the flag
        raise invalid("stream has no mirror but does have mirror direct")
    if config.first_seq > HIGHEST_FIRST:
        raise invalid(f"first sequence can not be higher than {HIGHEST_FIRST}")
    config = _completed(config, origins, limits, pedantic=pedantic)
    _check_single(config)
    return config


def checked_update(
    old: StreamConfig,
    new: StreamConfig,
    *,
    origins: Origins = no_origin,
    limits: StreamLimits = NO_LIMITS,
    pedantic: bool = False,
) -> StreamConfig:
    """The configuration of a stream that is there, changed from `old`. Raises `JetStreamError`."""
    new = _completed(new, origins, limits, pedantic=pedantic)
    if new.name != old.name:
        raise invalid("stream configuration name must match original")
    _check_single(new)
    for is_wrong, words in _FIXED:
        if is_wrong(old, new):
            raise invalid(words)
    if new.mirror is not None and new.mirror != old.mirror:
        raise JetStreamError(10055)
    if new.sealed:
        new = replace(
            new,
            max_age=0,
            discard=DISCARD_NEW,
            deny_delete=True,
            deny_purge=True,
            allow_rollup_hdrs=False,
        )
    # The first sequence was used when the stream was made; an update has no effect on it.
    return new


_CHANGE = "stream configuration update can not "
_FIXED: tuple[tuple[Callable[[StreamConfig, StreamConfig], bool], str], ...] = (
    (lambda old, new: new.storage != old.storage, _CHANGE + "change storage type"),
    (
        lambda old, new: new.retention != old.retention and WORKQUEUE in (old.retention, new.retention),
        _CHANGE + "change retention policy to/from workqueue",
    ),
    (lambda old, new: old.sealed and not new.sealed, _CHANGE + "unseal a sealed stream"),
    (
        lambda old, new: old.deny_delete and not new.deny_delete,
        _CHANGE + "cancel deny message deletes",
    ),
    (lambda old, new: old.deny_purge and not new.deny_purge, _CHANGE + "cancel deny purge"),
    (lambda old, new: old.allow_msg_ttl and not new.allow_msg_ttl, "message TTL status can not be disabled"),
    (
        lambda old, new: old.allow_msg_counter != new.allow_msg_counter,
        _CHANGE + "change message counter setting",
    ),
    (
        lambda old, new: old.allow_msg_schedules and not new.allow_msg_schedules,
        "message schedules can not be disabled",
    ),
    (lambda old, new: old.persist_mode != new.persist_mode, _CHANGE + "change persist mode"),
)
"""Changes that are refused."""


def _completed(
    config: StreamConfig, origins: Origins, limits: StreamLimits, *, pedantic: bool
) -> StreamConfig:
    _check_names(config)
    config = _with_numbers(config, pedantic=pedantic)
    config = _with_window(config, limits, pedantic=pedantic)
    _check_discard(config)
    config = _with_markers(config, pedantic=pedantic)
    config = _with_schedules(config, pedantic=pedantic)
    _check_persistence(config)
    check_mirror(config, origins)
    config = with_mirror_direct(config, origins, pedantic=pedantic)
    check_sources(config, origins)
    check_cycles(config, origins)
    check_copies(config, origins)
    if not config.subjects and config.mirror is None and not config.sources:
        config = replace(config, subjects=(config.name,))
    check_subjects(config)
    _check_bytes(config, limits)
    check_transform(config)
    config = with_republish(config, pedantic=pedantic)
    check_republish(config)
    if config.placement == Placement():
        config = replace(config, placement=None)
    if config.placement is not None and config.placement.preferred:
        raise invalid("preferred server not permitted in placement")
    return _with_level(config)


def _check_names(config: StreamConfig) -> None:
    if not is_name(config.name):
        raise invalid(NO_NAME)
    if len(config.name.encode()) > MAX_NAME:
        raise invalid(f"stream name is too long, maximum allowed is {MAX_NAME}")
    if len(config.description.encode()) > MAX_DESCRIPTION:
        raise invalid(f"stream description is too long, maximum allowed is {MAX_DESCRIPTION}")
    if sum(len(key.encode()) + len(value.encode()) for key, value in config.metadata.items()) > MAX_METADATA:
        raise invalid(f"stream metadata exceeds maximum size of {MAX_METADATA} bytes")


_COUNTS = ("max_msgs", "max_msgs_per_subject", "max_bytes", "max_msg_size", "max_consumers")


def _with_numbers(config: StreamConfig, *, pedantic: bool) -> StreamConfig:
    """Counts that are missing or negative are -1."""
    if config.num_replicas > MAX_REPLICAS:
        raise invalid(f"maximum replicas is {MAX_REPLICAS}")
    if config.num_replicas < 0:
        raise JetStreamError(10133)
    counts: dict[str, int] = {}
    for name in _COUNTS:
        value: int = getattr(config, name)
        if pedantic and value < -1:
            raise JetStreamError(10157, f"{name} must be set to -1")
        counts[name] = value if value > 0 else -1
    if config.max_age < 0:
        raise invalid("max age can not be negative")
    if 0 < config.max_age < SHORTEST:
        raise invalid("max age needs to be >= 100ms")
    return replace(
        config,
        num_replicas=config.num_replicas or 1,
        max_msgs=counts["max_msgs"],
        max_msgs_per_subject=counts["max_msgs_per_subject"],
        max_bytes=counts["max_bytes"],
        max_msg_size=counts["max_msg_size"],
        max_consumers=counts["max_consumers"],
    )


def _with_window(config: StreamConfig, limits: StreamLimits, *, pedantic: bool) -> StreamConfig:
    window, longest = config.duplicate_window, limits.duplicate_window
    if window == 0 and config.mirror is None and not config.sources:
        window = DEFAULT_WINDOW
        if 0 < longest < window:
            if pedantic:
                raise JetStreamError(10157, "duplicate window limits are higher than current limits")
            window = longest
        if 0 < config.max_age < window:
            if pedantic:
                raise JetStreamError(10157, "duplicate window cannot be bigger than max age")
            window = config.max_age
    if window < 0:
        raise invalid("duplicates window can not be negative")
    if 0 < config.max_age < window:
        raise invalid("duplicates window can not be larger then max age")
    if 0 < longest < window:
        raise invalid(f"duplicates window can not be larger then server limit of {duration_text(longest)}")
    if 0 < window < SHORTEST:
        raise invalid("duplicates window needs to be >= 100ms")
    return replace(config, duplicate_window=window)


def duration_text(ns: int) -> str:
    """As Go writes a duration: `1h0m0s`, `1m30s`, `2s`, `1.5s`, `100ms`."""
    if ns < SECOND:
        return f"{_decimal(ns, MS)}ms" if ns else "0s"
    minutes, rest = divmod(ns, 60 * SECOND)
    hours, minutes = divmod(minutes, 60)
    head = f"{hours}h{minutes}m" if hours else f"{minutes}m" if minutes else ""
    return f"{head}{_decimal(rest, SECOND)}s"


def _decimal(value: int, unit: int) -> str:
    whole, rest = divmod(value, unit)
    return f"{whole}.{rest:0{len(str(unit)) - 1}}".rstrip("0") if rest else str(whole)


def _check_discard(config: StreamConfig) -> None:
    if config.deny_purge and config.allow_rollup_hdrs:
        raise invalid("roll-ups require the purge permission")
    if config.allow_msg_counter:
        _check_counter(config)
    if not config.discard_new_per_subject:
        return
    if config.discard != DISCARD_NEW:
        raise invalid("discard new per subject requires discard new policy to be set")
    if config.max_msgs_per_subject <= 0:
        raise invalid("discard new per subject requires max msgs per subject > 0")


def _check_counter(config: StreamConfig) -> None:
    if config.discard == DISCARD_NEW:
        raise invalid("counter stream cannot use discard new")
    if config.allow_msg_ttl:
        raise invalid("counter stream cannot use message TTLs")
    if config.allow_msg_schedules:
        raise invalid("counter stream cannot use message schedules")
    if not config.keeps_all:
        raise invalid("counter stream can only use limits retention")


def _with_markers(config: StreamConfig, *, pedantic: bool) -> StreamConfig:
    """Delete markers need TTLs, which end them, and roll-ups, which replace the message by them."""
    ttl = config.subject_delete_marker_ttl
    if ttl < 0:
        raise invalid("subject delete marker TTL must not be negative")
    if ttl == 0:
        return config
    if ttl < SECOND:
        raise invalid("subject delete marker TTL must be at least 1 second")
    if pedantic and not config.allow_msg_ttl:
        raise invalid("subject delete marker cannot be set if message TTLs are disabled")
    if pedantic and not config.allow_rollup_hdrs:
        raise invalid("subject delete marker cannot be set if roll-ups are disabled")
    return replace(config, allow_msg_ttl=True, allow_rollup_hdrs=True, deny_purge=False)


def _with_schedules(config: StreamConfig, *, pedantic: bool) -> StreamConfig:
    """A schedule replaces itself by roll-ups."""
    if not config.allow_msg_schedules:
        return config
    if config.discard == DISCARD_NEW:
        raise invalid("message scheduling cannot use discard new")
    if pedantic and not config.allow_rollup_hdrs:
        raise invalid("message scheduling cannot be set if roll-ups are disabled")
    return replace(config, allow_rollup_hdrs=True, deny_purge=False)


def _check_persistence(config: StreamConfig) -> None:
    if config.persist_mode != ASYNC:
        return
    if config.storage != FILE:
        raise invalid("async persist mode is only supported on file storage")
    if config.num_replicas > 1:
        raise invalid("async persist mode is not supported on replicated streams")
    if config.allow_atomic:
        raise invalid("async persist mode is not supported with atomic batch publish")


def _check_single(config: StreamConfig) -> None:
    if config.num_replicas > 1:
        raise JetStreamError(10074)


def _check_bytes(config: StreamConfig, limits: StreamLimits) -> None:
    if limits.max_bytes_required and config.max_bytes <= 0:
        raise JetStreamError(10113)
    if 0 < limits.max_stream_bytes < config.max_bytes:
        raise JetStreamError(10122)


def _with_level(config: StreamConfig) -> StreamConfig:
    """What is stored of our own metadata: the level that the stream needs."""
    own = (SERVER_LEVEL, SERVER_VERSION)
    metadata = {key: value for key, value in config.metadata.items() if key not in own}
    return replace(config, metadata={**metadata, REQUIRED_LEVEL: str(config.required_level)})
