"""Streams and consumers in figures: a server without streams imports no more than these records."""

import sys
from subprocess import run

from app.domain.jetstream.figures import Overview


def test_an_overview_of_nothing() -> None:
    """It counts nothing."""
    assert (0, ()) == (Overview((), (), 0, 0).total_streams, Overview((), (), 0, 0).streams)


def test_what_they_import() -> None:
    """The port that names them does not import what makes them."""
    program = "import sys, app.ports.streams_view; sys.exit('app.domain.jetstream.consumers' in sys.modules)"

    assert 0 == run([sys.executable, "-c", program], check=False).returncode
