"""The configuration of a consumer, as JSON has it (jetstream-consumers.md, section 2)."""

from collections.abc import Mapping
from dataclasses import field, fields

from ...protocol.json_text import rfc3339
from ...value_object import value_object
from ..errors import JetStreamError
from ..json_faults import no_choice
from ..json_values import Fields

DELIVER_POLICIES = ("all", "last", "new", "by_start_sequence", "by_start_time", "last_per_subject")
FLOW_CONTROL = "flow_control"
ACK_POLICIES = ("none", "all", "explicit", FLOW_CONTROL)
_BY_REPLIES = ("all", "explicit")
REPLAY_POLICIES = ("instant", "original")
PRIORITY_POLICIES = ("none", "overflow", "pinned_client", "prioritized")

MILLISECOND = 10**6
SECOND = 10**9

SHORTEST_WAIT = MILLISECOND
"""Before a message is delivered again, whatever is configured."""

LONGEST_WAIT = 2**61
"""73 years: clients may ask for more than times can hold."""


@value_object
class ConsumerConfig:
    """All fields, in the order of the answers. Durations in nanoseconds, times in nanoseconds since 1970."""

    durable_name: str = ""
    name: str = ""
    description: str = ""
    deliver_policy: str = "all"
    opt_start_seq: int = 0
    opt_start_time: int | None = None
    ack_policy: str = "none"
    ack_wait: int = 0
    max_deliver: int = 0
    backoff: tuple[int, ...] = ()
    filter_subject: str = ""
    filter_subjects: tuple[str, ...] = ()
    replay_policy: str = "instant"
    rate_limit_bps: int = 0
    sample_freq: str = ""
    max_waiting: int = 0
    max_ack_pending: int = 0
    flow_control: bool = False
    headers_only: bool = False
    max_batch: int = 0
    max_expires: int = 0
    max_bytes: int = 0
    deliver_subject: str = ""
    deliver_group: str = ""
    idle_heartbeat: int = 0
    inactive_threshold: int = 0
    num_replicas: int = 0
    mem_storage: bool = False
    direct: bool = False
    sourcing: bool = False
    metadata: Mapping[str, str] = field(default_factory=dict)
    pause_until: int | None = None
    priority_groups: tuple[str, ...] = ()
    priority_policy: str = "none"
    priority_timeout: int = 0

    @property
    def leaves_no_trace(self) -> bool:
        """Whether it is gone when the server ends."""
        return self.mem_storage or self.direct

    @property
    def is_push(self) -> bool:
        """Whether messages go to a fixed subject, not to who asks."""
        return bool(self.deliver_subject)

    @property
    def takes_acks(self) -> bool:
        """Whether clients acknowledge messages by the reply subjects that these come with."""
        return self.ack_policy in _BY_REPLIES

    @property
    def acks_by_flow(self) -> bool:
        """Whether answers to flow control acknowledge messages (ADR 0070)."""
        return self.ack_policy == FLOW_CONTROL

    @property
    def is_durable(self) -> bool:
        """Whether it outlives those who use it."""
        return bool(self.durable_name)

    @property
    def filters(self) -> tuple[str, ...]:
        """The patterns of wanted subjects, wherever they were set; none for all."""
        return (self.filter_subject,) if self.filter_subject else self.filter_subjects

    @property
    def sample_percent(self) -> int:
        """Of how many acks in a hundred a metric is published."""
        return int(self.sample_freq.removesuffix("%") or "0")

    def wait(self, deliveries: int) -> int:
        """How long an ack may take after this many deliveries of a message; nanoseconds."""
        if self.acks_by_flow:
            return LONGEST_WAIT
        wait = self.ack_wait
        if self.backoff:
            wait = self.backoff[min(deliveries, len(self.backoff)) - 1]
        return max(SHORTEST_WAIT, min(wait, LONGEST_WAIT))


def _choice(document: Fields, name: str, allowed: tuple[str, ...]) -> str:
    value = document.text(name, allowed[0])
    if value not in allowed:
        raise JetStreamError(10025, _no_choice(name, value))
    return value


def _no_choice(name: str, value: str) -> str:
    if name == "priority_policy":
        return f'unknown priority policy: "{value}"'
    return no_choice(value)


def parse_consumer_config(document: object) -> ConsumerConfig:
    """The configuration of a request, as it was sent; raises error 10025."""
    given = Fields(document, "config")
    config = ConsumerConfig(
        durable_name=given.text("durable_name"),
        name=given.text("name"),
        description=given.text("description"),
        deliver_policy=_choice(given, "deliver_policy", DELIVER_POLICIES),
        opt_start_seq=given.sequence("opt_start_seq"),
        opt_start_time=given.time("opt_start_time"),
        ack_policy=_choice(given, "ack_policy", ACK_POLICIES),
        ack_wait=given.duration("ack_wait"),
        max_deliver=given.integer("max_deliver"),
        backoff=given.integers("backoff"),
        filter_subject=given.text("filter_subject"),
        filter_subjects=given.texts("filter_subjects"),
        replay_policy=_choice(given, "replay_policy", REPLAY_POLICIES),
        rate_limit_bps=given.sequence("rate_limit_bps"),
        sample_freq=given.text("sample_freq"),
        max_waiting=given.integer("max_waiting"),
        max_ack_pending=given.integer("max_ack_pending"),
        flow_control=given.flag("flow_control"),
        headers_only=given.flag("headers_only"),
        max_batch=given.integer("max_batch"),
        max_expires=given.duration("max_expires"),
        max_bytes=given.integer("max_bytes"),
        deliver_subject=given.text("deliver_subject"),
        deliver_group=given.text("deliver_group"),
        idle_heartbeat=given.duration("idle_heartbeat"),
        inactive_threshold=given.duration("inactive_threshold"),
        num_replicas=given.integer("num_replicas"),
        mem_storage=given.flag("mem_storage"),
        direct=given.flag("direct"),
        sourcing=given.flag("sourcing"),
        metadata=given.text_map("metadata") or {},
        pause_until=given.time("pause_until") or None,
        priority_groups=given.texts("priority_groups"),
        priority_policy=_choice(given, "priority_policy", PRIORITY_POLICIES),
        priority_timeout=given.duration("priority_timeout"),
    )
    given.finish()
    return config


_ALWAYS = frozenset({"deliver_policy", "ack_policy", "replay_policy", "num_replicas"})
_TIMES = frozenset({"opt_start_time", "pause_until"})
_NAMES = tuple(f.name for f in fields(ConsumerConfig))


def as_json(config: ConsumerConfig) -> dict[str, object]:
    """The object of answers and documents: what is not set is left out."""
    document: dict[str, object] = {}
    for name in _NAMES:
        value = getattr(config, name)
        if name in _TIMES and value is not None:
            document[name] = rfc3339(value)
        elif name == "priority_policy":
            document |= {name: value} if value != "none" else {}
        elif value or name in _ALWAYS:
            document[name] = _plain(value)
    return document


def _plain(value: object) -> object:
    if isinstance(value, tuple):
        return list(value)
    return dict(value) if isinstance(value, Mapping) else value


def required_level(config: ConsumerConfig) -> int:
    """The API level that its features need, as `_nats.req.level` says it."""
    if config.acks_by_flow:
        return 4
    return 1 if config.pause_until is not None or config.priority_policy != "none" else 0
