"""One soak: start the server, put load on it, take samples, end all of it."""

import json
import multiprocessing
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from soak.environment import HOST, Environment
from soak.figures import Sample
from soak.load import play
from soak.probe import LatencyProbe
from soak.route_peer import ROOT

_START_SECONDS = 30.0
_STOP_SECONDS = 20.0
_LOAD_STOP_SECONDS = 60.0
_MOST_SAMPLES = 300
_LAST_WORDS = 2000

Say = Callable[[Sample], None]


class SoakFailed(Exception):
    """The server, the probe or the load did not last; the text says which."""


@dataclass(slots=True)
class Soak:
    """What was seen."""

    samples: list[Sample] = field(default_factory=list)
    counts: Mapping[str, int] = field(default_factory=dict)
    """What the load did, by its name."""


def run(seconds: float, data_plane: str, seed: int, say: Say) -> Soak:
    """Soak a server for this many seconds; `say` gets each sample as it is taken. Raises `SoakFailed`."""
    soak = Soak()
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        environment = Environment.write(Path(folder))
        with (
            _server(environment, data_plane) as process,
            _probe(environment) as probe,
            _load(environment, seed) as load,
        ):
            began = time.monotonic()
            for moment in _moments(began, seconds):
                if process.poll() is not None:
                    raise SoakFailed(f"the server ended with status {process.returncode}")
                if probe.failure:
                    raise SoakFailed(probe.failure)
                if load.poll():  # it has ended by itself
                    raise SoakFailed(load.recv()[1])
                soak.samples.append(_sample(moment - began, process.pid, environment.ports.monitoring, probe))
                say(soak.samples[-1])
            load.send("stop")
            if not load.poll(_LOAD_STOP_SECONDS):
                raise SoakFailed(f"the load did not end within {_LOAD_STOP_SECONDS:g} s")
            soak.counts, failure = load.recv()
            if failure:
                raise SoakFailed(failure)
    return soak


def _moments(began: float, seconds: float) -> Iterator[float]:
    """The times at which to take a sample, each once it has come."""
    every = max(0.5, seconds / _MOST_SAMPLES)
    due = began
    while due - began < seconds:
        due += every
        time.sleep(max(0.0, due - time.monotonic()))
        yield time.monotonic()


def _sample(seconds: float, pid: int, port: int, probe: LatencyProbe) -> Sample:
    process = psutil.Process(pid)
    return Sample(
        seconds,
        process.memory_info().rss / 2**20,
        _plans(port),
        process.num_fds(),
        process.num_threads(),
        _tasks(port),
        probe.take_worst(),
    )


def _page(port: int, name: str) -> str:
    """A page of monitoring. Raises `SoakFailed`."""
    try:
        with urllib.request.urlopen(f"http://{HOST}:{port}/{name}", timeout=30) as answer:
            return str(answer.read().decode())
    except OSError as error:
        raise SoakFailed(f"monitoring does not answer: {error}") from error


def _plans(port: int) -> float:
    """MiB that the server's plan cache takes, by its own estimate."""
    return int(json.loads(_page(port, "subsz"))["plan_cache_bytes"]) / 2**20


def _tasks(port: int) -> int:
    """Tasks of the server's loop, as its page of stacks counts them."""
    text = _page(port, "stacksz")
    more = re.search(r"^and (\d+) more tasks$", text, re.MULTILINE)
    return len(re.findall(r"^task ", text, re.MULTILINE)) + (int(more[1]) if more else 0)


@contextmanager
def _server(environment: Environment, data_plane: str) -> Iterator["subprocess.Popen[bytes]"]:
    """The server that is measured. Raises `SoakFailed` when it is not ready in time."""
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "app.entrypoints.server", "-c", environment.config],
            cwd=ROOT,
            env={**os.environ, "DATA_PLANE": data_plane},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        try:
            _await_ready(process, environment.ports.monitoring)
            yield process
        except SoakFailed as error:
            log.seek(0)
            last = log.read()[-_LAST_WORDS:].decode(errors="replace")
            raise SoakFailed(f"{error}\nthe end of its log:\n{last}") from error
        finally:
            process.terminate()
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _await_ready(process: "subprocess.Popen[bytes]", port: int) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"http://{HOST}:{port}/healthz", timeout=5):
                return
        except OSError:
            time.sleep(0.05)
    raise SoakFailed("the server does not start")


@contextmanager
def _probe(environment: Environment) -> Iterator[LatencyProbe]:
    try:
        probe = LatencyProbe(environment.ports.clients)
    except OSError as error:
        raise SoakFailed(f"the probe cannot connect: {error}") from error
    probe.start()
    try:
        yield probe
    finally:
        probe.stop()


@contextmanager
def _load(
    environment: Environment, seed: int
) -> Iterator["multiprocessing.connection.Connection[str, tuple[dict[str, int], str]]"]:
    """The load's process; yields the end of the pipe that stops it."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=play, args=(environment, seed, theirs))
    process.start()
    theirs.close()
    try:
        yield ours
    finally:
        ours.close()
        process.join(_LOAD_STOP_SECONDS)
        if process.is_alive():
            process.kill()
            process.join()
