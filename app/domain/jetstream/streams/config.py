"""The configuration of a stream, and its JSON form (jetstream-streams.md, section 1).

Names are those of the JSON. Durations are nanoseconds, times nanoseconds since the epoch; -1 means
no limit. `parsing` reads it, `rules` completes and checks it.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import field

from ...protocol.json_text import rfc3339
from ...value_object import value_object

LIMITS = "limits"
INTEREST = "interest"
WORKQUEUE = "workqueue"
FILE = "file"
MEMORY = "memory"
DISCARD_OLD = "old"
DISCARD_NEW = "new"
ASYNC = "async"

REQUIRED_LEVEL = "_nats.req.level"
SERVER_LEVEL = "_nats.level"
SERVER_VERSION = "_nats.ver"


_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def short_hash(text: str) -> str:
    """Eight letters and digits in place of a text, as nats-server has them in `Nats-Stream-Source`."""
    return "".join(_DIGITS[byte % len(_DIGITS)] for byte in hashlib.sha256(text.encode()).digest()[:8])


@value_object
class SubjectMapping:
    """A subject transform, as it is configured."""

    src: str = ""
    dest: str = ""

    def as_json(self) -> dict[str, object]:
        """Both fields."""
        return {"src": self.src, "dest": self.dest}


@value_object
class Republish:
    """Where copies of stored messages go."""

    src: str = ""
    dest: str = ""
    headers_only: bool = False

    def as_json(self) -> dict[str, object]:
        """The fields that are set."""
        return _set({"src": self.src}) | {"dest": self.dest} | _set({"headers_only": self.headers_only})


@value_object
class Placement:
    """Where in a cluster a stream should be; a single server echoes it."""

    cluster: str = ""
    tags: tuple[str, ...] = ()
    preferred: str = ""

    def as_json(self) -> dict[str, object]:
        """The fields that are set."""
        return _set({"cluster": self.cluster, "tags": list(self.tags), "preferred": self.preferred})


@value_object
class ConsumerLimits:
    """Defaults and caps for the stream's consumers; 0 for none."""

    inactive_threshold: int = 0
    max_ack_pending: int = 0

    def as_json(self) -> dict[str, object]:
        """The fields that are set."""
        return _set({"inactive_threshold": self.inactive_threshold, "max_ack_pending": self.max_ack_pending})


@value_object
class External:
    """How a stream of another domain is reached."""

    api: str = ""
    deliver: str = ""

    def as_json(self) -> dict[str, object]:
        """Both fields."""
        return {"api": self.api, "deliver": self.deliver}


@value_object
class SourceConsumer:
    """A consumer of the origin that copies are made by, and where its messages go."""

    name: str = ""
    deliver_subject: str = ""

    def as_json(self) -> dict[str, object]:
        """The fields that are set."""
        return _set({"name": self.name, "deliver_subject": self.deliver_subject})


@value_object
class StreamSource:
    """A stream that is copied from: `mirror`, or one of `sources`."""

    name: str = ""
    opt_start_seq: int = 0
    opt_start_time: int | None = None
    filter_subject: str = ""
    subject_transforms: tuple[SubjectMapping, ...] = ()
    external: External | None = None
    consumer: SourceConsumer | None = None

    @property
    def index(self) -> tuple[str, str, str]:
        """What distinguishes sources of one stream: the origin, its filters, their destinations."""
        origin = self.name if self.external is None else f"{self.name}:{short_hash(self.external.api)}"
        if self.consumer is not None:
            origin += f":C={short_hash(self.consumer.name)}"
        if not self.subject_transforms:
            return origin, self.filter_subject or ">", ">"
        sources = "\f".join(each.src or ">" for each in self.subject_transforms)
        return origin, sources, "\f".join(each.dest or ">" for each in self.subject_transforms)

    @property
    def filters(self) -> tuple[bytes, ...]:
        """Subjects that are copied; none for all."""
        if self.subject_transforms:
            found = tuple((each.src or ">").encode() for each in self.subject_transforms)
            return () if b">" in found else found
        return (self.filter_subject.encode(),) if self.filter_subject not in ("", ">") else ()

    def as_json(self) -> dict[str, object]:
        """The name, and the fields that are set."""
        started = {} if self.opt_start_time is None else {"opt_start_time": rfc3339(self.opt_start_time)}
        external = {} if self.external is None else {"external": self.external.as_json()}
        return {
            "name": self.name,
            **_set({"opt_start_seq": self.opt_start_seq}),
            **started,
            **_set({"filter_subject": self.filter_subject}),
            **_set({"subject_transforms": [each.as_json() for each in self.subject_transforms]}),
            **external,
            **({} if self.consumer is None else {"consumer": self.consumer.as_json()}),
        }


@value_object
class StreamConfig:
    """A stream's configuration. As `parsing` gives it, what is missing is 0; `rules.checked` completes it."""

    name: str = ""
    description: str = ""
    subjects: tuple[str, ...] = ()
    retention: str = LIMITS
    max_consumers: int = 0
    max_msgs: int = 0
    max_bytes: int = 0
    max_age: int = 0
    max_msgs_per_subject: int = 0
    max_msg_size: int = 0
    discard: str = DISCARD_OLD
    storage: str = FILE
    num_replicas: int = 0
    no_ack: bool = False
    duplicate_window: int = 0
    placement: Placement | None = None
    mirror: StreamSource | None = None
    sources: tuple[StreamSource, ...] = ()
    compression: str = "none"
    first_seq: int = 0
    subject_transform: SubjectMapping | None = None
    republish: Republish | None = None
    allow_direct: bool = False
    mirror_direct: bool = False
    discard_new_per_subject: bool = False
    sealed: bool = False
    deny_delete: bool = False
    deny_purge: bool = False
    allow_rollup_hdrs: bool = False
    consumer_limits: ConsumerLimits = field(default_factory=ConsumerLimits)
    allow_msg_ttl: bool = False
    subject_delete_marker_ttl: int = 0
    allow_msg_counter: bool = False
    allow_atomic: bool = False
    allow_msg_schedules: bool = False
    persist_mode: str = ""
    allow_batched: bool = False
    metadata: Mapping[str, str] = field(default_factory=dict)

    @property
    def in_memory(self) -> bool:
        """Whether it is lost when the server ends."""
        return self.storage == MEMORY

    @property
    def keeps_all(self) -> bool:
        """Whether messages go by limits alone, whatever consumers do."""
        return self.retention == LIMITS

    @property
    def required_level(self) -> int:
        """The API level that what it uses needs (jetstream-api.md, section 1)."""
        if self.allow_batched:
            return 4
        newer = (self.allow_msg_counter, self.allow_atomic, self.allow_msg_schedules)
        if any(newer) or self.persist_mode == ASYNC:
            return 2
        return 1 if self.allow_msg_ttl or self.subject_delete_marker_ttl else 0


def as_json(config: StreamConfig, *, level: int | None = None, version: str = "") -> dict[str, object]:
    """The JSON form, in nats-server's order; `level` and `version` are this server's, for answers.

    Without them it is the form that is stored, and that lists show.
    """
    metadata = dict(config.metadata)
    if level is not None:
        metadata |= {SERVER_LEVEL: str(level), SERVER_VERSION: version}
    return {
        "name": config.name,
        **_set({"description": config.description, "subjects": list(config.subjects)}),
        "retention": config.retention,
        "max_consumers": config.max_consumers,
        "max_msgs": config.max_msgs,
        "max_bytes": config.max_bytes,
        "max_age": config.max_age,
        "max_msgs_per_subject": config.max_msgs_per_subject,
        **_set({"max_msg_size": config.max_msg_size}),
        "discard": config.discard,
        "storage": config.storage,
        "num_replicas": config.num_replicas,
        **_set({"no_ack": config.no_ack, "duplicate_window": config.duplicate_window}),
        **_objects(placement=config.placement, mirror=config.mirror),
        **_set({"sources": [each.as_json() for each in config.sources]}),
        "compression": config.compression,
        **_set({"first_seq": config.first_seq}),
        **_objects(subject_transform=config.subject_transform, republish=config.republish),
        "allow_direct": config.allow_direct,
        "mirror_direct": config.mirror_direct,
        **_set({"discard_new_per_subject": config.discard_new_per_subject}),
        "sealed": config.sealed,
        "deny_delete": config.deny_delete,
        "deny_purge": config.deny_purge,
        "allow_rollup_hdrs": config.allow_rollup_hdrs,
        "consumer_limits": config.consumer_limits.as_json(),
        "allow_msg_ttl": config.allow_msg_ttl,
        **_set(
            {
                "subject_delete_marker_ttl": config.subject_delete_marker_ttl,
                "allow_msg_counter": config.allow_msg_counter,
                "allow_atomic": config.allow_atomic,
                "allow_msg_schedules": config.allow_msg_schedules,
                "persist_mode": config.persist_mode,
                "allow_batched": config.allow_batched,
                "metadata": dict(sorted(metadata.items())),
            }
        ),
    }


def _set(fields: Mapping[str, object]) -> dict[str, object]:
    """Those that are not empty, zero or false."""
    return {name: value for name, value in fields.items() if value}


def _objects(
    **fields: Placement | StreamSource | SubjectMapping | Republish | None,
) -> dict[str, object]:
    return {name: value.as_json() for name, value in fields.items() if value is not None}
