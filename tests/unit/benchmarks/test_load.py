"""Loads, and what they take of a server."""

import os
import time

from benchmarks.load import nanoseconds_of


def test_the_processor_time_of_a_process() -> None:
    """It is that of the process with this number, in nanoseconds."""
    before = time.process_time_ns()
    measured = nanoseconds_of(os.getpid())

    assert before <= measured <= time.process_time_ns()
