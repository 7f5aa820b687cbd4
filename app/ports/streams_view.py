"""Streams view: what monitoring may ask of JetStream.

As with the broker view nothing changes, nothing blocks, and long answers come in steps. The answers are
JSON objects, with the names that nats-server gives them.
"""

from typing import NamedTuple, Protocol

from ..domain.jetstream.figures import ConsumerFigures, Overview, StreamFigures
from ..domain.steps import Steps

__all__ = ["ConsumerFigures", "Overview", "StreamFigures", "StreamsDetail", "StreamsView"]


class StreamsDetail(NamedTuple):
    """What an answer has besides the figures; consumers imply streams."""

    account: bool = False
    streams: bool = False
    consumers: bool = False
    config: bool = False


class StreamsView(Protocol):
    """The view of one JetStream."""

    def figures(self) -> dict[str, object]:
        """What is used, and the figures of the API."""
        ...

    def config(self) -> dict[str, object]:
        """Sizes, directory and domain."""
        ...

    def totals(self) -> dict[str, object]:
        """Streams, consumers, messages and bytes."""
        ...

    def details(self, detail: StreamsDetail) -> Steps[list[dict[str, object]]]:
        """The account, with its streams and their consumers as far as asked for."""
        ...

    def overview(self, streams: int, consumers: int) -> Steps[Overview]:
        """All streams and consumers in a few figures each; at most these numbers of each are listed."""
        ...

    def stream(self, name: str) -> dict[str, object] | None:
        """A stream with its configuration, as in the details; None if it is not there."""
        ...

    def consumer(self, stream: str, name: str) -> dict[str, object] | None:
        """A consumer with its configuration, as in the details; None if it is not there."""
        ...

    def problem(self, *, server_only: bool = False) -> str:
        """Why it is not healthy; empty where it is. `server_only`: whatever its streams are."""
        ...
