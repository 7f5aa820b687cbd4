"""What a consumer's configuration may say: defaults, rules, and what an update may change."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Protocol

from ...subjects.subject import has_wildcard, tokens_of
from ...value_object import value_object
from ..errors import JetStreamError
from ..pattern_table import Budget, PatternTable, TooManyPatterns
from ..streams.rules import duration_text
from ..streams.subject_rules import covers, is_subject
from .config import FLOW_CONTROL, MILLISECOND, SECOND, ConsumerConfig
from .filters import TooManyFilters, have_overlap

MAX_NAME = 255
MAX_DESCRIPTION = 4096
MAX_METADATA = 128 * 1024
"""Bytes of all keys and values."""

ACK_WAIT = 30 * SECOND
MAX_ACK_PENDING = 1000
MAX_WAITING = 512
INACTIVE_THRESHOLD = 5 * SECOND
PRIORITY_TIMEOUT = 120 * SECOND
FLOW_HEARTBEAT = SECOND
"""Of consumers whose messages are acknowledged by flow control."""
SHORTEST_HEARTBEAT = 100 * MILLISECOND

MOST_DIGITS = 18
"""Of a sampling rate, with its sign."""

_UNSAFE = re.compile(r"[\s.*>/\\]")
_GROUP = re.compile(r"[A-Za-z0-9/_=-]{1,16}")


class AppliedLimits(Protocol):
    """What a stream sets for its consumers; 0 for nothing."""

    @property
    def inactive_threshold(self) -> int:
        """Nanoseconds."""
        ...

    @property
    def max_ack_pending(self) -> int:
        """Messages."""
        ...


class StreamFacts(Protocol):
    """What of a stream's configuration bears on its consumers."""

    @property
    def retention(self) -> str:
        """`limits`, `interest` or `workqueue`."""
        ...

    @property
    def subjects(self) -> Sequence[str]:
        """What it captures."""
        ...

    @property
    def storage(self) -> str:
        """`file` or `memory`."""
        ...

    @property
    def num_replicas(self) -> int:
        """Copies."""
        ...

    @property
    def max_msg_size(self) -> int:
        """Bytes; -1 for no limit."""
        ...

    @property
    def consumer_limits(self) -> AppliedLimits:
        """Defaults and caps."""
        ...


@value_object
class ServerLimits:
    """Limits of the server and of the account; 0 for none."""

    max_ack_pending: int = 0
    max_request_batch: int = 0
    account_max_ack_pending: int = 0


def is_safe_name(name: str) -> bool:
    """Whether a consumer may have this name, apart from its length."""
    return bool(name) and _UNSAFE.search(name) is None


def checked(
    config: ConsumerConfig, stream: StreamFacts, caps: ServerLimits | None = None, *, pedantic: bool = False
) -> ConsumerConfig:
    """The configuration with its defaults; raises `JetStreamError` for the first rule that it breaks."""
    caps = caps or ServerLimits()
    config = _with_defaults(config, stream, caps, pedantic=pedantic)
    _check_names(config)
    _check_replicas(config, stream)
    _check_acks(config)
    _check_texts(config)
    if config.is_push:
        _check_push(config, stream)
    else:
        _check_pull(config, stream, caps)
    _check_caps(config, stream, caps)
    _check_internal(config, stream)
    _check_filters(config)
    _check_start(config)
    _check_sampling(config)
    if config.flow_control and not config.idle_heartbeat:
        raise JetStreamError(10108)
    _check_equal_names(config)
    _check_priority(config)
    return config


_COUNTS = (
    "max_waiting",
    "max_batch",
    "max_expires",
    "max_bytes",
    "idle_heartbeat",
    "inactive_threshold",
    "priority_timeout",
)
"""Negative values count as 0."""


def _insist(pedantic: bool, words: str) -> None:  # noqa: FBT001 - it is the subject of the sentence
    if pedantic:
        raise JetStreamError(10157, words)


def _with_defaults(
    config: ConsumerConfig, stream: StreamFacts, caps: ServerLimits, *, pedantic: bool
) -> ConsumerConfig:
    changes: dict[str, Any] = {}
    if config.max_deliver < -1:
        _insist(pedantic, "max_deliver must be set to -1")
    if config.max_deliver < 1:
        changes["max_deliver"] = -1
    if config.max_ack_pending < -1:
        _insist(pedantic, "max_ack_pending must be set to -1")
        changes["max_ack_pending"] = -1
    for name in _COUNTS:
        if getattr(config, name) < 0:
            _insist(pedantic, f"{name} must not be negative")
            changes[name] = 0
    config = replace(config, **changes)
    config = _with_wait(config, pedantic=pedantic)
    config = _with_limits(config, stream, caps, pedantic=pedantic)
    return _with_modes(config, caps, pedantic=pedantic)


def _with_wait(config: ConsumerConfig, *, pedantic: bool) -> ConsumerConfig:
    if not config.ack_wait and config.ack_policy in ("explicit", "all"):
        config = replace(config, ack_wait=ACK_WAIT)
    if config.backoff:
        if config.ack_wait != config.backoff[0]:
            _insist(pedantic, "first backoff value has to equal batch AckWait")
        config = replace(config, ack_wait=config.backoff[0])
    return config


def _with_limits(
    config: ConsumerConfig, stream: StreamFacts, caps: ServerLimits, *, pedantic: bool
) -> ConsumerConfig:
    limits = stream.consumer_limits
    if not config.max_ack_pending and limits.max_ack_pending > 0:
        _insist(pedantic, "max_ack_pending must be set if it's configured in stream limits")
        config = replace(config, max_ack_pending=limits.max_ack_pending)
    if not config.inactive_threshold and limits.inactive_threshold > 0:
        _insist(pedantic, "inactive_threshold must be set if it's configured in stream limits")
        config = replace(config, inactive_threshold=limits.inactive_threshold)
    if not config.max_ack_pending and config.ack_policy != "none":
        allowed = [n for n in (caps.max_ack_pending, caps.account_max_ack_pending) if n > 0]
        config = replace(config, max_ack_pending=min([MAX_ACK_PENDING, *allowed]))
    return config


def _with_modes(config: ConsumerConfig, caps: ServerLimits, *, pedantic: bool) -> ConsumerConfig:
    if not config.is_push and not config.max_waiting:
        config = replace(config, max_waiting=MAX_WAITING)
    if not config.is_push and not config.max_batch and caps.max_request_batch > 0:
        _insist(pedantic, "max_request_batch must be set if it's JetStream limits are set")
        config = replace(config, max_batch=caps.max_request_batch)
    if config.priority_policy == "pinned_client" and not config.priority_timeout:
        config = replace(config, priority_timeout=PRIORITY_TIMEOUT)
    if config.acks_by_flow and not pedantic:
        config = replace(config, flow_control=True, idle_heartbeat=FLOW_HEARTBEAT)
    if not config.is_durable and not config.inactive_threshold:
        config = replace(config, inactive_threshold=INACTIVE_THRESHOLD)
    if config.is_durable and not config.name:
        config = replace(config, name=config.durable_name)
    return config


def _check_names(config: ConsumerConfig) -> None:
    for name, word in ((config.durable_name, "consumer durable name"), (config.name, "consumer name")):
        if len(name.encode()) > MAX_NAME:
            raise JetStreamError(10102, MAX_NAME)
        if name and not is_safe_name(name):
            raise JetStreamError(10052, f"{word} can not contain '.', '*', '>', '\\', '/'")


def _check_equal_names(config: ConsumerConfig) -> None:
    if config.durable_name and config.name != config.durable_name:
        raise JetStreamError(10132)
    if sum(len(k.encode()) + len(v.encode()) for k, v in config.metadata.items()) > MAX_METADATA:
        raise JetStreamError(10135, f"{MAX_METADATA // 1024}KB")


def _check_replicas(config: ConsumerConfig, stream: StreamFacts) -> None:
    if config.num_replicas > 1:
        raise JetStreamError(10074)
    if config.num_replicas > stream.num_replicas:
        raise JetStreamError(10126)
    if config.num_replicas < 0:
        raise JetStreamError(10133)


def _check_acks(config: ConsumerConfig) -> None:
    if any(delay < 0 for delay in config.backoff):
        raise JetStreamError(10184)
    if config.ack_wait < 0:
        raise JetStreamError(10183)
    if config.acks_by_flow:
        _check_acks_by_flow(config)
    if config.max_deliver != -1 and len(config.backoff) > config.max_deliver:
        raise JetStreamError(10116)


def _check_acks_by_flow(config: ConsumerConfig) -> None:
    if not config.is_push:
        raise JetStreamError(10218)
    if not config.flow_control:
        raise JetStreamError(10219)
    if config.idle_heartbeat != FLOW_HEARTBEAT:
        raise JetStreamError(10052, "flow control ack policy heartbeat needs to be 1s")
    if config.max_ack_pending <= 0:
        raise JetStreamError(10220)
    if config.ack_wait or config.backoff:
        raise JetStreamError(10221)
    if config.max_deliver > 0:
        raise JetStreamError(10222)


def _check_texts(config: ConsumerConfig) -> None:
    if len(config.description.encode()) > MAX_DESCRIPTION:
        raise JetStreamError(10107, MAX_DESCRIPTION)


def _check_push(config: ConsumerConfig, stream: StreamFacts) -> None:
    tokens = tokens_of(config.deliver_subject.encode())
    if has_wildcard(tokens):
        raise JetStreamError(10079)
    if not is_subject(config.deliver_subject):
        raise JetStreamError(10112)
    if any(covers(subject, config.deliver_subject) for subject in stream.subjects):
        raise JetStreamError(10081)
    if config.max_waiting:
        raise JetStreamError(10080)
    if config.max_ack_pending > 0 and config.ack_policy == "none":
        raise JetStreamError(10082)
    if 0 < config.idle_heartbeat < SHORTEST_HEARTBEAT:
        raise JetStreamError(10083)


def _check_pull(config: ConsumerConfig, stream: StreamFacts, caps: ServerLimits) -> None:
    if config.ack_policy == "none" and stream.retention == "workqueue":
        raise JetStreamError(10084)
    if config.rate_limit_bps:
        raise JetStreamError(10086)
    if config.idle_heartbeat:
        raise JetStreamError(10088)
    if config.flow_control:
        raise JetStreamError(10089)
    if 0 < config.max_expires < MILLISECOND:
        raise JetStreamError(10115)
    if 0 < caps.max_request_batch < config.max_batch:
        raise JetStreamError(10125, caps.max_request_batch)


def _check_caps(config: ConsumerConfig, stream: StreamFacts, caps: ServerLimits) -> None:
    limits = stream.consumer_limits
    for cap in (caps.max_ack_pending, caps.account_max_ack_pending, limits.max_ack_pending):
        if 0 < cap < config.max_ack_pending:
            raise JetStreamError(10121, cap)
    if 0 < limits.inactive_threshold < config.inactive_threshold:
        raise JetStreamError(10153, duration_text(limits.inactive_threshold))


def _check_internal(config: ConsumerConfig, stream: StreamFacts) -> None:
    """What is made by servers that copy from this stream."""
    if not config.direct:
        if config.sourcing:
            raise JetStreamError(10185)
        return
    if not config.is_push:
        raise JetStreamError(10090)
    if config.is_durable:
        raise JetStreamError(10091)
    if stream.retention != "limits":
        raise JetStreamError(10012, "a stream with this retention is copied within its own server only")


def _check_filters(config: ConsumerConfig) -> None:
    if config.filter_subject and config.filter_subjects:
        raise JetStreamError(10136)
    if "" in config.filter_subjects:
        raise JetStreamError(10139)
    filters = config.filters
    if not all(is_subject(subject) for subject in filters):
        raise JetStreamError(10052, "invalid subject")
    try:
        if have_overlap(filters):
            raise JetStreamError(10138)
    except TooManyFilters:
        raise JetStreamError(10012, "these subject filters are too many to compare") from None


_START_WORDS = {
    "all": "all",
    "last": "last",
    "new": "new",
    "last_per_subject": "last per subject",
    "by_start_sequence": "by start sequence",
    "by_start_time": "by start time",
}


def _check_start(config: ConsumerConfig) -> None:
    policy = config.deliver_policy
    by_sequence, by_time = policy == "by_start_sequence", policy == "by_start_time"
    if by_sequence and not config.opt_start_seq:
        raise _not_set(policy, "start sequence")
    if by_time and config.opt_start_time is None:
        raise _not_set(policy, "start time")
    if config.opt_start_seq and not by_sequence:
        raise _also_set(policy, "start sequence" if by_time else "sequence")
    if config.opt_start_time is not None and not by_time:
        raise _also_set(policy, "time")
    if policy == "last_per_subject" and not config.filters:
        raise _not_set(policy, "filter subject")


def _not_set(policy: str, what: str) -> JetStreamError:
    text = f"consumer delivery policy is deliver {_START_WORDS[policy]}, but optional {what} is not set"
    return JetStreamError(10094, text)


def _also_set(policy: str, what: str) -> JetStreamError:
    text = (
        f"consumer delivery policy is deliver {_START_WORDS[policy]}, but optional start {what} is also set"
    )
    return JetStreamError(10094, text)


def _check_sampling(config: ConsumerConfig) -> None:
    text = config.sample_freq.removesuffix("%")
    if not config.sample_freq:
        return
    if not re.fullmatch(r"[+-]?[0-9]+", text):
        raise JetStreamError(10095, f'strconv.Atoi: parsing "{text}": invalid syntax')
    if len(text) > MOST_DIGITS:
        raise JetStreamError(10095, f'strconv.Atoi: parsing "{text}": value out of range')
    if text.startswith("-") and int(text):
        raise JetStreamError(10095, "<nil>")


def _check_priority(config: ConsumerConfig) -> None:
    if config.priority_policy == "none":
        if config.priority_groups:
            raise JetStreamError(10196)
        if config.priority_timeout:
            raise JetStreamError(10197)
        return
    if config.is_push:
        raise JetStreamError(10178)
    if not config.priority_groups:
        raise JetStreamError(10159)
    for group in config.priority_groups:
        if not group:
            raise JetStreamError(10161)
        check_group(group)


def check_group(name: str) -> None:
    """The name of a priority group; raises error 10162."""
    if not _GROUP.fullmatch(name):
        raise JetStreamError(10162)


def check_work_queue(
    config: ConsumerConfig, others: Iterable[ConsumerConfig], *, is_new: bool = True
) -> None:
    """The rules of work queue streams, against the other consumers of the stream."""
    if is_new and config.ack_policy not in ("explicit", FLOW_CONTROL):
        raise JetStreamError(10098)
    if is_new and config.deliver_policy != "all":
        raise JetStreamError(10101)
    mine = PatternTable()
    for pattern in config.filters:
        mine.add(pattern, pattern)
    budget = Budget()
    for other in others:
        if not config.filters:
            raise JetStreamError(10099)
        if not other.filters or _collide(mine, other.filters, budget):
            raise JetStreamError(10100)


def _collide(mine: PatternTable, others: Sequence[str], budget: Budget) -> bool:
    """Whether one of the others' patterns overlaps; true also where there are too many to compare."""
    try:
        return any(mine.overlapping(pattern, budget) for pattern in others)
    except TooManyPatterns:
        return True


_FIXED = (
    ("deliver_policy", "deliver policy"),
    ("mem_storage", "storage type"),
    ("direct", "direct"),
    ("sourcing", "sourcing"),
    ("opt_start_seq", "start sequence"),
    ("opt_start_time", "start time"),
    ("ack_policy", "ack policy"),
    ("replay_policy", "replay policy"),
    ("idle_heartbeat", "heart beats"),
    ("flow_control", "flow control"),
)


def check_update(old: ConsumerConfig, new: ConsumerConfig, *, is_bound: bool) -> None:
    """Whether `old` may become `new`, both with their defaults; raises error 10012 or 10013.

    `is_bound`: the deliver subject of `old` has a subscription.
    """
    for name, words in _FIXED:
        if getattr(old, name) != getattr(new, name):
            raise JetStreamError(10012, f"{words} can not be updated")
    if old.deliver_subject != new.deliver_subject:
        if not old.is_push:
            raise JetStreamError(10012, "can not update pull consumer to push based")
        if not new.is_push:
            raise JetStreamError(10012, "can not update push consumer to pull based")
        if is_bound:
            raise JetStreamError(10013)
    if old.max_waiting != new.max_waiting:
        raise JetStreamError(10012, "max waiting can not be updated")
