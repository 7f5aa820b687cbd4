"""How long a server takes to start again that has a stream of a million messages in files.

The start of a program in Python takes much of that; so one figure is the start with an empty store,
and the others are how much longer it takes with messages, after an orderly end and after ``kill -9``.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.client import dial
from benchmarks.configured import CONNECT_WITH_HEADERS
from benchmarks.consuming import fill
from benchmarks.sample import OpenProbe, Probe, Sample, Target
from benchmarks.streams import SUBJECT, StreamApi

MESSAGES = 1_000_000
SUBJECTS = 1000
STARTS = 3
"""Of each kind, of which the median counts."""

EMPTY = "empty"
CLEAN = "clean"
KILLED = "killed"


class Restarting:
    """Starts servers of one kind, one after the other, on two stores."""

    def __init__(self, server: Target, folder: Path) -> None:
        self._server = server
        self._stores = {name: ("-js", "-sd", str(folder / name)) for name in ("none", "full")}

    def warm_up(self, seconds: float) -> None:
        """Store the messages."""
        del seconds
        with self._server.another(*self._stores["full"]) as server:
            api = StreamApi(server.port)
            subjects = [SUBJECT + b".%d" % number for number in range(SUBJECTS)]
            api.make_stream(subjects=[f"{SUBJECT.decode()}.*"])
            with dial(server.port, CONNECT_WITH_HEADERS) as link:
                fill(api, link, MESSAGES, subjects)
            api.close()

    def measure(self) -> Sample:
        """Start it some times in each way."""
        times: dict[str, list[float]] = {EMPTY: [], CLEAN: [], KILLED: []}
        for _ in range(STARTS):
            times[EMPTY].append(self._start("none", kill=False))
            times[CLEAN].append(self._start("full", kill=True))
            times[KILLED].append(self._start("full", kill=False))
        empty, clean, killed = (median(times[name]) for name in (EMPTY, CLEAN, KILLED))
        return Sample({EMPTY: empty, CLEAN: max(0.0, clean - empty), KILLED: max(0.0, killed - empty)})

    def _start(self, store: str, *, kill: bool) -> float:
        with self._server.another(*self._stores[store]) as server:
            if kill:
                server.kill()
            return server.start_seconds


def restarting() -> OpenProbe:
    """A probe that starts servers with and without messages."""

    @contextmanager
    def open_probe(server: Target) -> Iterator[Probe]:
        with TemporaryDirectory(prefix="benchmark-stores-") as folder:
            yield Restarting(server, Path(folder))

    return open_probe
