"""Places of messages in fast batches, in their reply subjects."""

import pytest

from app.domain.jetstream.streams.fast_places import (
    APPEND,
    COMMIT,
    COMMIT_EOB,
    PING,
    START,
    FastPlace,
    frame_of,
    place_of,
)


@pytest.mark.parametrize(
    ("reply", "place"),
    [
        ("_I.x.u1.5.fail.1.0.$FI", FastPlace(b"u1", 5, gap_ok=False, number=1, operation=START)),
        ("p.u1.5.ok.7.1.$FI", FastPlace(b"u1", 5, gap_ok=True, number=7, operation=APPEND)),
        ("p.u1.5.ok.1.2.$FI", FastPlace(b"u1", 5, gap_ok=True, number=1, operation=COMMIT)),
        ("p.u1.5.ok.2.03.$FI", FastPlace(b"u1", 5, gap_ok=True, number=2, operation=COMMIT_EOB)),
        ("p.u1.5.ok.1.4.$FI", FastPlace(b"u1", 5, gap_ok=True, number=1, operation=PING)),
        ("p.u1.0.ok.1.4.$FI", FastPlace(b"u1", 10, gap_ok=True, number=1, operation=PING)),
        ("p.u1.x.ok.1.4.$FI", FastPlace(b"u1", 10, gap_ok=True, number=1, operation=PING)),
        ("p..70000.ok.1.4.$FI", FastPlace(b"", 65535, gap_ok=True, number=1, operation=PING)),
        (f"p.u.5.ok.{2**64 - 2}.2.$FI", FastPlace(b"u", 5, gap_ok=True, number=2**64 - 2, operation=COMMIT)),
    ],
)
def test_places(reply: str, place: FastPlace) -> None:
    """What the publisher may wish is what is there."""
    assert place == place_of(reply.encode())


@pytest.mark.parametrize(
    "reply",
    [
        ".$FI",
        "u1.5.fail.1.0.$FI",
        "p.u1.5.fail.1.5.$FI",
        "p.u1.5.fail.1.-1.$FI",
        "p.u1.5.fail.1..$FI",
        "p.u1.5.fail.0.4.$FI",
        "p.u1.5.fail.x.4.$FI",
        f"p.u1.5.fail.{2**64 - 1}.4.$FI",
        f"p.u1.5.fail.{'0' * 5000}1.4.$FI",
        "p.u1.5.fail.2.0.$FI",
        "p.u1.5.fail.1.1.$FI",
        "p.u1.5.fail.1.3.$FI",
        "p.u1.5.maybe.1.0.$FI",
    ],
)
def test_what_is_no_place(reply: str) -> None:
    """Too few words, unknown words, and numbers at which an operation cannot be."""
    assert place_of(reply.encode()) is None


def test_the_replies_of_other_messages() -> None:
    """They differ in the number alone."""
    assert (b"p.u1.5.ok.", b".1.$FI") == frame_of(b"p.u1.5.ok.7.0.$FI")
