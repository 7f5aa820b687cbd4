"""Measuring: all servers in turns, round after round, so that the machine's moods hit them alike."""

import statistics
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from benchmarks.client import RowFailed
from benchmarks.cluster import Pair, joined
from benchmarks.leaves import linked, linked_to_peer
from benchmarks.rows import Row
from benchmarks.sample import Probe, Sample
from benchmarks.servers import Contender, RunningServer

T = TypeVar("T")


@dataclass(slots=True)
class Result:
    """What one row yielded: samples by server, or why there are none."""

    row: Row
    samples: dict[str, list[Sample]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)

    def median(self, server: str, figure: str) -> float | None:
        """The figure's median over the rounds; None if the server failed the row."""
        values = [sample.values[figure] for sample in self.samples.get(server, ())]
        return statistics.median(values) if values and server not in self.failures else None

    def spread(self, server: str, figure: str) -> float | None:
        """(max - min) / median over the rounds."""
        values = [sample.values[figure] for sample in self.samples.get(server, ())]
        middle = statistics.median(values) if values else 0.0
        return (max(values) - min(values)) / middle if middle else None

    def load_share(self, server: str) -> float:
        """How busy the load generator was, as a part of the time; 0.0 where it was not measured."""
        shares = [sample.load_share or 0.0 for sample in self.samples.get(server, ())]
        return statistics.median(shares) if shares else 0.0


class _Measured(RunningServer):
    """A running server, as probes see it."""

    @property
    def websocket_port(self) -> int:
        """Where it serves websockets; 0 if it serves none."""
        return self.contender.websocket_port

    def start_another(self) -> float:
        """Start one more of its kind, stop it; return the seconds to its first PONG."""
        with RunningServer(self.contender) as another:
            return another.start_seconds

    def another(self, *flags: str) -> RunningServer:
        """Start one more of its kind, with these flags."""
        return RunningServer(self.contender, *flags)

    def join_two(self) -> AbstractContextManager[Pair]:
        """Start two more of its kind, in a cluster."""
        return joined(self.contender)

    def link_to_peer(self, *, as_hub: bool) -> AbstractContextManager[Pair]:
        """Start one more of its kind, near, and one of the peer, far, with a leaf link in between."""
        return linked_to_peer(self.contender, as_hub=as_hub)

    def link_two(self, *, as_hub: bool) -> AbstractContextManager[Pair]:
        """Start two more of its kind, with a leaf link in between; the near one is the hub or the leaf."""
        return linked(self.contender, self.contender, as_hub=as_hub)


def measure_row(row: Row, contenders: tuple[Contender, ...], rounds: int, seconds: float) -> Result:
    """Measure one row at fresh servers. A server that fails it is left out of further rounds."""
    result = Result(row)
    with ExitStack() as stack:
        probes: dict[str, Probe] = {}
        for contender in contenders:
            server = stack.enter_context(_Measured(row.prepare(contender)))
            opened = partial(stack.enter_context, row.probe(server))
            probe = _guarded(result, contender.name, opened)
            if probe is not None:
                probes[contender.name] = probe
        for name, probe in probes.items():
            _guarded(result, name, partial(probe.warm_up, seconds))
        for _ in range(1 if row.once else rounds):
            for name, probe in probes.items():
                if name not in result.failures:
                    sample = _guarded(result, name, probe.measure)
                    if sample is not None:
                        result.samples.setdefault(name, []).append(sample)
    return result


def _guarded(result: Result, server: str, call: Callable[[], T]) -> T | None:
    try:
        return call()
    except (RowFailed, OSError) as error:
        result.failures[server] = str(error)
        return None
