"""The options of a section ``jetstream``: streams, and where they are stored."""

from typing import Annotated, ClassVar

from pydantic import AfterValidator, BeforeValidator, Field

from ..foreign_keys import each
from .section import LARGEST_COUNT, YEAR, Count, Key, OptionError, Section, read_seconds

LARGEST_SIZE = 2**60

_SINGLE = "has no effect: it is for clusters of servers with JetStream"
_BUFFER = "has no effect: publishers wait in place of errors"
_ENCRYPTION = "is not supported: streams are not encrypted; use an encrypted file system"


def _always_strict(value: bool) -> bool:  # noqa: FBT001 - the value of an option
    if not value:
        raise OptionError("strict can only be true: fields that are not known are errors here")
    return value


def _sync_interval(value: object) -> object:
    return 0.0 if value == "always" else read_seconds(value)


Size = Annotated[int, Field(ge=-1, le=LARGEST_SIZE)]
"""Bytes; -1 is no limit."""

Limit = Annotated[int, Field(ge=-1, le=LARGEST_COUNT)]


class JetStreamLimitOptions(Section):
    """What clients may configure at most; no limit unless set."""

    idle: ClassVar = each(_SINGLE, "max_ha_assets") | each(
        "has no effect: batches have fixed limits", "batch"
    )

    max_ack_pending: Annotated[Limit, Key("Messages of one consumer without an ack; 0 means no limit.")] = 0
    max_request_batch: Annotated[Limit, Key("Messages that one pull may ask for; 0 means no limit.")] = 0
    duplicate_window: Annotated[
        float,
        BeforeValidator(read_seconds),
        Field(ge=0, le=YEAR),
        Key("Maximum duplicate window of a stream; 0 means no limit."),
    ] = 0.0


class JetStreamOptions(Section):
    """Streams, consumers, key-value and object stores. On with this section, unless `enabled` is false."""

    idle: ClassVar = each(
        _SINGLE,
        "unique_tag",
        "max_outstanding_catchup",
        "tpm",
        "extension_hint",
        "meta_compact",
        "meta_compact_size",
        "meta_compact_sync",
        "info_queue_limit",
        "max_concurrent_io",
    ) | each(_BUFFER, "max_buffered_size", "max_buffered_msgs")
    refused: ClassVar = each(
        _ENCRYPTION, "key", "cipher", "ek", "encryption_key", "prev_key", "prev_ek", "prev_encryption_key"
    )

    enabled: Annotated[bool, Key("Enable JetStream.", also=("enable",))] = True
    store_dir: Annotated[
        str | None,
        Key(
            "Directory for the files of streams; a directory `jetstream` is created in it.",
            also=("store", "storedir"),
        ),
    ] = None
    max_mem: Annotated[
        Size,
        Key(
            "Memory for streams; 0 means 75 % of the machine's, -1 no limit.",
            unit="bytes",
            also=("max_memory_store", "max_mem_store"),
        ),
    ] = 0
    max_file: Annotated[
        Size,
        Key(
            "Disk space for streams; 0 means 75 % of what is free, -1 no limit.",
            unit="bytes",
            also=("max_file_store",),
        ),
    ] = 0
    domain: Annotated[
        str | None,
        Field(pattern=r"^[^\s.*>]+$"),
        Key("JetStream domain of this server."),
    ] = None
    sync_interval: Annotated[
        float,
        BeforeValidator(_sync_interval),
        Field(ge=0, le=3600),
        Key(
            "Time between two syncs to the disk; 0 or `always` means before each acknowledgement.",
            also=("sync",),
        ),
    ] = 0.0
    request_queue_limit: Annotated[
        Count, Key("Maximum number of API requests that wait; more are dropped.")
    ] = 10_000
    strict: Annotated[
        bool, AfterValidator(_always_strict), Key("Refuse requests with unknown fields; can only be true.")
    ] = True
    limits: Annotated[JetStreamLimitOptions, Key("What clients may configure at most.")] = (
        JetStreamLimitOptions.unset()
    )


def read_jetstream(value: object) -> object:
    """The section, of which `true` or `enabled` has the defaults, and `false` or `disabled` is none."""
    if value in (True, "enabled", "enable", "on"):
        return {}
    if value in (False, "disabled", "disable", "off"):
        return None
    if isinstance(value, str):
        raise ValueError('must be true, "enabled", "disabled" or a map')  # noqa: TRY004 - as in `options`
    return value


JetStreamSection = Annotated[
    JetStreamOptions | None,
    BeforeValidator(read_jetstream),
    Key("Streams, consumers, key-value and object stores; `true` means with the defaults."),
]

StoreDirectory = Annotated[
    str | None, Key("Same as `jetstream.store_dir`, which overrides it.", also=("storedir",))
]
