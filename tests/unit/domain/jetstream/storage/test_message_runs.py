"""Runs of messages that are there as objects."""

from app.domain.jetstream.storage.message_runs import run_of
from app.domain.jetstream.storage.seam import StoredMessage


def test_with_headers_and_without() -> None:
    """Headers and payload are one body, and how much of it is headers is said."""
    one = StoredMessage(4, 10, b"a", b"", b"xy")
    two = StoredMessage(5, 11, b"b", b"HH", b"z")

    run = run_of([one, two], 100)
    plain = run_of([one], 100)

    assert run is not None
    assert (run.data, list(run.heads), list(run.sequences)) == (b"xyHHz", [0, 2], [4, 5])
    assert (run.subjects, list(run.times)) == ([b"a", b"b"], [10, 11])
    assert plain is not None
    assert (plain.data, list(plain.heads)) == (b"xy", [0])
    assert run_of([one], 1) is None
