"""A few figures of each stream and consumer, for monitoring. Times in nanoseconds since the epoch."""

from ..value_object import value_object


@value_object
class StreamFigures:
    """A stream."""

    name: str
    subjects: tuple[str, ...]
    """What it stores; empty for a mirror, and for one that has sources alone."""
    retention: str
    in_memory: bool
    messages: int
    size: int
    """Bytes of its messages."""
    first_time: int
    """When the oldest message was stored; 0 if there is none."""
    last: int
    """The highest sequence ever: its growth is the rate."""
    consumers: int
    failure: str
    """Why nothing is stored; empty where it is."""


@value_object
class ConsumerFigures:
    """A consumer."""

    stream: str
    name: str
    is_push: bool
    is_paused: bool
    lag: int
    """Messages that match and were not delivered."""
    unacknowledged: int
    redelivered: int
    """Messages that were delivered more than once, and are not settled."""
    waiting: int
    """Pull requests that wait; some of them may have lost their subscription."""
    delivered: int
    """Deliveries ever, also repeated ones: its growth is the rate."""
    delivered_at: int
    """When the last one was; 0 for never."""
    acked_at: int


@value_object
class Overview:
    """All of them, as far as there is room."""

    streams: tuple[StreamFigures, ...]
    consumers: tuple[ConsumerFigures, ...]
    total_streams: int
    total_consumers: int
