"""The interface of a stream to the server and to other streams."""

from collections.abc import Callable
from typing import Protocol

from ..outlet import Outlet
from ..storage.seam import StreamLog
from .answers import Answers
from .fast_places import FastBatchCount
from .readers import Reader


class Origin(Protocol):
    """A stream that others copy from."""

    @property
    def log(self) -> StreamLog:
        """Its messages."""
        ...

    @property
    def committed(self) -> int:
        """The highest sequence that is safe."""
        ...

    @property
    def identity(self) -> str:
        """Another one for each stream that was ever made under this name."""
        ...

    def add_feed(self, feed: Reader) -> None:
        """Let a copying stream hear of messages; it counts as interest, and not as a consumer."""
        ...

    def remove_feed(self, name: str) -> None:
        """It is gone."""
        ...

    def settled(self, name: str, sequence: int) -> None:
        """A reader needs this message no more."""
        ...


class ConsumerTerms(Protocol):
    """What a stream that copies has to know of a consumer's configuration."""

    @property
    def acks_by_flow(self) -> bool:
        """Whether answers to flow control acknowledge its messages."""
        ...


class OriginConsumer(Protocol):
    """A consumer by which another stream copies."""

    @property
    def config(self) -> ConsumerTerms:
        """Its configuration."""
        ...

    @property
    def num_pending(self) -> int:
        """Messages that were not delivered."""
        ...


Handler = Callable[[bytes, bytes, bytes, bytes], None]
"""Gets a message: subject, headers, payload, reply; in the last three empty is none."""


class StreamHost(Protocol):
    """The service, as a stream sees it."""

    @property
    def outlet(self) -> Outlet:
        """The way out."""
        ...

    @property
    def answers(self) -> Answers:
        """The answers of all streams."""
        ...

    @property
    def fast_batches(self) -> FastBatchCount:
        """How many there are, of all streams."""
        ...

    @property
    def domain(self) -> str:
        """It goes into acks; empty for none."""
        ...

    @property
    def has_account_limits(self) -> bool:
        """Whether `would_exceed` can be true."""
        ...

    def is_over_limit(self, *, in_memory: bool) -> bool:
        """Whether the server has more in this kind of storage than it may: error 10023."""
        ...

    def has_much_room(self, *, in_memory: bool) -> bool:
        """Whether neither of the two can come true within 50 ms."""
        ...

    def would_exceed(self, size: int, *, in_memory: bool) -> bool:
        """Whether this number of bytes more is too much for the account: error 10002."""
        ...

    def find_origin(self, name: str) -> Origin | None:
        """Another stream of this server; None if there is none."""
        ...

    def find_consumer(self, stream: str, name: str) -> OriginConsumer | None:
        """A consumer of a stream of this server; None if there is none."""
        ...

    def reset_consumer(self, stream: str, name: str) -> int:
        """Let a consumer deliver again what is not acknowledged; returns the sequence before that."""
        ...

    def listen(self, subject: bytes, handler: Handler) -> bytes:
        """Have messages to this subject handed over; returns what `leave` takes.

        Empty if the server is about to end: then nothing comes, and there is nothing to leave.
        """
        ...

    def leave(self, sid: bytes) -> None:
        """End that."""
        ...
