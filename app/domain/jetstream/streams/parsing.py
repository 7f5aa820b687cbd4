"""Reads a stream's configuration from its JSON form."""

from collections.abc import Mapping

from ..errors import JetStreamError
from ..json_faults import no_choice
from ..json_values import Fields
from .config import (
    ASYNC,
    DISCARD_NEW,
    DISCARD_OLD,
    FILE,
    INTEREST,
    LIMITS,
    MEMORY,
    WORKQUEUE,
    ConsumerLimits,
    External,
    Placement,
    Republish,
    SourceConsumer,
    StreamConfig,
    StreamSource,
    SubjectMapping,
)

_INT32 = range(-(2**31), 2**31)


def parse_stream_config(document: Mapping[str, object]) -> StreamConfig:
    """The configuration as it was asked for; `rules.checked` completes it. Raises `JetStreamError` 10025.

    A field `pedantic` is left to the caller.
    """
    fields = Fields(document)
    fields.flag("pedantic")
    config = StreamConfig(
        name=fields.text("name"),
        description=fields.text("description"),
        subjects=fields.texts("subjects"),
        retention=_one_of(fields, "retention", LIMITS, INTEREST, WORKQUEUE),
        max_consumers=fields.integer("max_consumers"),
        max_msgs=fields.integer("max_msgs"),
        max_bytes=fields.integer("max_bytes"),
        max_age=fields.duration("max_age"),
        max_msgs_per_subject=fields.integer("max_msgs_per_subject"),
        max_msg_size=_short(fields, "max_msg_size"),
        discard=_one_of(fields, "discard", DISCARD_OLD, DISCARD_NEW),
        storage=_one_of(fields, "storage", FILE, MEMORY),
        num_replicas=fields.integer("num_replicas"),
        no_ack=fields.flag("no_ack"),
        duplicate_window=fields.duration("duplicate_window"),
        placement=_placement(fields.fields("placement")),
        mirror=_mirror(fields.fields("mirror")),
        sources=_sources(fields.list("sources")),
        compression=_one_of(fields, "compression", "none", "s2"),
        first_seq=fields.sequence("first_seq"),
        subject_transform=_mapping(fields.fields("subject_transform")),
        republish=_republish(fields.fields("republish")),
        allow_direct=fields.flag("allow_direct"),
        mirror_direct=fields.flag("mirror_direct"),
        discard_new_per_subject=fields.flag("discard_new_per_subject"),
        sealed=fields.flag("sealed"),
        deny_delete=fields.flag("deny_delete"),
        deny_purge=fields.flag("deny_purge"),
        allow_rollup_hdrs=fields.flag("allow_rollup_hdrs"),
        consumer_limits=_consumer_limits(fields.fields("consumer_limits")),
        allow_msg_ttl=fields.flag("allow_msg_ttl"),
        subject_delete_marker_ttl=fields.duration("subject_delete_marker_ttl"),
        allow_msg_counter=fields.flag("allow_msg_counter"),
        allow_atomic=fields.flag("allow_atomic"),
        allow_msg_schedules=fields.flag("allow_msg_schedules"),
        persist_mode=_persist_mode(fields),
        allow_batched=fields.flag("allow_batched"),
        metadata=fields.text_map("metadata") or {},
    )
    fields.finish()
    return config


def _one_of(fields: Fields, name: str, default: str, *others: str) -> str:
    """A word of a short list."""
    if not fields.has(name):
        return default
    value = fields.text(name)
    if value not in (default, *others):
        raise JetStreamError(10025, _no_word(name, value))
    return value


def _no_word(name: str, value: str) -> str:
    return "unknown compression algorithm" if name == "compression" else no_choice(value)


def _persist_mode(fields: Fields) -> str:
    """`default` is the same as no mode."""
    mode = _one_of(fields, "persist_mode", "", "default", ASYNC)
    return "" if mode == "default" else mode


def _short(fields: Fields, name: str) -> int:
    value = fields.integer(name)
    if value not in _INT32:
        raise JetStreamError(10025, f"json: the number of field {name} has more than 32 bits")
    return value


def _mapping(fields: Fields | None) -> SubjectMapping | None:
    if fields is None:
        return None
    mapping = SubjectMapping(fields.text("src"), fields.text("dest"))
    fields.finish()
    return mapping


def _republish(fields: Fields | None) -> Republish | None:
    if fields is None:
        return None
    republish = Republish(fields.text("src"), fields.text("dest"), fields.flag("headers_only"))
    fields.finish()
    return republish


def _placement(fields: Fields | None) -> Placement | None:
    if fields is None:
        return None
    placement = Placement(fields.text("cluster"), fields.texts("tags"), fields.text("preferred"))
    fields.finish()
    return placement


def _consumer_limits(fields: Fields | None) -> ConsumerLimits:
    if fields is None:
        return ConsumerLimits()
    limits = ConsumerLimits(fields.duration("inactive_threshold"), fields.integer("max_ack_pending"))
    fields.finish()
    return limits


def _external(fields: Fields | None) -> External | None:
    if fields is None:
        return None
    external = External(fields.text("api"), fields.text("deliver"))
    fields.finish()
    return external


def _consumer(fields: Fields | None) -> SourceConsumer | None:
    if fields is None:
        return None
    consumer = SourceConsumer(fields.text("name"), fields.text("deliver_subject"))
    fields.finish()
    return consumer


def _mirror(fields: Fields | None) -> StreamSource | None:
    return None if fields is None else _source(fields)


def _sources(values: list[object]) -> tuple[StreamSource, ...]:
    return tuple(_source(Fields(value, "sources")) for value in values)


def _source(fields: Fields) -> StreamSource:
    source = StreamSource(
        name=fields.text("name"),
        opt_start_seq=fields.sequence("opt_start_seq"),
        opt_start_time=fields.time("opt_start_time"),
        filter_subject=fields.text("filter_subject"),
        subject_transforms=tuple(
            mapping
            for value in fields.list("subject_transforms")
            if (mapping := _mapping(Fields(value, "subject_transforms"))) is not None
        ),
        external=_external(fields.fields("external")),
        consumer=_consumer(fields.fields("consumer")),
    )
    fields.finish()
    return source
