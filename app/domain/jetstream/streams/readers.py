"""Readers: consumers, as their stream sees them."""

from collections.abc import Sequence
from typing import Protocol


class Reader(Protocol):
    """A consumer, as its stream knows it. It is called for messages that its filters match.

    After a change of its filters it calls `Stream.filters_changed`.
    """

    name: str

    @property
    def filters(self) -> Sequence[bytes]:
        """Subjects that it wants; none for all."""
        ...

    def wants(self, subject: bytes) -> bool:
        """Whether its filters match the subject."""
        ...

    def needs(self, sequence: int) -> bool:
        """Whether it may still deliver this message: it wants it, and has not settled it."""
        ...

    def stored(self, sequence: int, subject: bytes) -> None:
        """A message is there, and safe. Called in order of sequences; not for those that went before."""
        ...

    def removed(self, sequence: int, subject: bytes) -> None:
        """A message that was reported to it was removed: update counts, unsettled messages and the floor."""
        ...

    def purged(self, first: int) -> None:
        """Many messages went at once: count again, up to `Stream.committed`. Nothing below `first` is there.

        `stored` will be called for what comes after `Stream.committed`.
        """
        ...

    def deleted(self) -> None:
        """The stream is gone, and so is the consumer."""
        ...
