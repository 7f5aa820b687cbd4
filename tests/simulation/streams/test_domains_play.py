"""Mirrors and sources of another domain, with losses by chance (ADR 0074)."""

import pytest

from app.domain.dataplane import PYTHON, choose
from app.domain.jetstream.streams.remote_feed import RemoteFeed
from app.domain.jetstream.streams.remote_origin import RemoteStart
from tests.simulation.streams.domains_play import DomainsPlay
from tests.simulation.streams.play import BrokenPromise

PLANE = choose(PYTHON)[1]


@pytest.mark.parametrize("seed", [*range(12), 195])
def test_copies_agree_with_their_origin(seed: int) -> None:
    """All that is there is copied once, in order, whatever went wrong on the way."""
    play = DomainsPlay(PLANE, seed).run()

    assert play.all


def test_a_gap_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A feed that begins again one message too late loses some, and the checks find it."""
    start = RemoteFeed._start  # noqa: SLF001 - this is where the mutant is made

    def too_late(feed: RemoteFeed) -> RemoteStart:
        found = start(feed)
        return found._replace(sequence=found.sequence + 1) if found.sequence else found

    monkeypatch.setattr(RemoteFeed, "_start", too_late)

    assert any(map(_is_broken, range(12)))


def _is_broken(seed: int) -> bool:
    try:
        DomainsPlay(PLANE, seed).run()
    except BrokenPromise:
        return True
    return False
