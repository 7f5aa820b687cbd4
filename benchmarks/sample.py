"""What one measurement of one server yields."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from benchmarks.cluster import Pair
from benchmarks.servers import RunningServer


@dataclass(frozen=True, slots=True)
class Sample:
    """The figures of one round, by name, and what the load generator took for them."""

    values: Mapping[str, float]
    load_share: float | None = None
    """CPU time of the generator, as a part of the time measured; near 1 it is the bottleneck."""
    load_cost: float | None = None
    """CPU time of the generator per message or request, in nanoseconds."""


class Probe(Protocol):
    """Measures one server, round after round. It may keep connections open in between.

    Both calls raise `benchmarks.client.RowFailed` or `OSError` when the server lets them down.
    """

    def warm_up(self, seconds: float) -> None:
        """Let the server get used to the load, and choose a load for samples of this many seconds."""
        ...

    def measure(self) -> Sample:
        """Take one sample."""
        ...


class Target(Protocol):
    """What a probe knows of the server that it measures."""

    @property
    def port(self) -> int:
        """Where it listens, on the loopback."""
        ...

    @property
    def websocket_port(self) -> int:
        """Where it serves websockets; 0 if it serves none."""
        ...

    @property
    def pid(self) -> int:
        """Its process."""
        ...

    def start_another(self) -> float:
        """Start one more of its kind, stop it; return the seconds to its first PONG."""
        ...

    def another(self, *flags: str) -> RunningServer:
        """Start one more of its kind, with these flags."""
        ...

    def join_two(self) -> AbstractContextManager[Pair]:
        """Start two more of its kind, in a cluster, until the block is left."""
        ...

    def link_to_peer(self, *, as_hub: bool) -> AbstractContextManager[Pair]:
        """Start one more of its kind, near, and one of the peer, far, with a leaf link in between."""
        ...

    def link_two(self, *, as_hub: bool) -> AbstractContextManager[Pair]:
        """Start two more of its kind, with a leaf link in between; the near one is the hub or the leaf."""
        ...


class OpenProbe(Protocol):
    """Makes a probe for a server, for as long as a ``with`` block lasts."""

    def __call__(self, server: Target, /) -> AbstractContextManager[Probe]:
        """Open it for this server."""
        ...
