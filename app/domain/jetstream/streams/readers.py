"""What a stream knows of its consumers."""

from typing import Protocol


class Reader(Protocol):
    """A consumer, as its stream knows it."""

    name: str

    def wants(self, subject: bytes) -> bool:
        """Whether its filters match the subject."""
        ...

    def needs(self, sequence: int) -> bool:
        """Whether it may still deliver this message: it wants it, and has not settled it."""
        ...

    def stored(self, sequence: int, subject: bytes) -> None:
        """A message is there, and safe. Called in order of sequences."""
        ...

    def removed(self, sequence: int, subject: bytes) -> None:
        """A message went. `num_pending`, unacknowledged messages and the floor take note."""
        ...

    def purged(self, first: int) -> None:
        """Many messages went at once: count again. Nothing below `first` is there."""
        ...

    def deleted(self) -> None:
        """The stream is gone, and so is the consumer."""
        ...
