"""The configuration of a server with JetStream."""

from ..value_object import value_object

API_LEVEL = 4
"""The level of the API whose features are all here: TTLs of messages, pauses and priority groups since 1,
counters, atomic batches and schedules since 2.

Level 4 has batches without acks for each message (jetstream-api.md, section 1).
"""


@value_object
class JetStreamSettings:
    """Sizes in bytes, -1 for no limit; other limits are 0 for none."""

    server_name: str = ""
    server_id: str = ""
    version: str = ""
    """That of INFO."""
    domain: str = ""
    store_dir: str = ""
    """Empty where all is kept in memory."""
    max_memory: int = -1
    max_storage: int = -1
    sync_interval: float = 0.0
    """Seconds; 0: before each acknowledgement."""
    request_queue_limit: int = 10_000
    max_ack_pending: int = 0
    max_request_batch: int = 0
    duplicate_window: int = 0
    """Nanoseconds."""
    api_level: int = API_LEVEL
