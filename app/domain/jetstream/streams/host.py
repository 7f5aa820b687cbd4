"""What a stream knows of the server and of other streams."""

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
