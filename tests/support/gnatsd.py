"""A gnatsd 0.8.0 in a process of its own, where there is one."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.support.cluster_processes import ClusterProcess
from tests.support.server_process import START_SECONDS

_GNATSD = os.environ.get("GNATSD") or shutil.which("gnatsd")


@contextmanager
def running_gnatsd() -> Iterator[tuple[int, int]]:
    """Its ports: for clients, and for routes. The test is skipped where there is none."""
    if _GNATSD is None:
        pytest.skip("there is no gnatsd: set GNATSD to the path of its program")
    with ClusterProcess() as free:
        port, route_port = free.port, free.route_port
    flags = ("-a", "127.0.0.1", "-p", str(port), "--cluster", f"nats://127.0.0.1:{route_port}")
    process = subprocess.Popen([_GNATSD, *flags], stderr=subprocess.DEVNULL)
    try:
        yield port, route_port
    finally:
        process.kill()
        process.wait(START_SECONDS)
