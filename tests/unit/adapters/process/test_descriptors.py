"""How many descriptors a process may have."""

import resource

import pytest

from app.adapters.process.descriptors import PLENTY, allow_many_descriptors, are_descriptors_plenty


def test_the_soft_limit_becomes_the_hard_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """All that the system allows is asked for."""
    limits = {resource.RLIMIT_NOFILE: (1024, 4096)}
    monkeypatch.setattr(resource, "getrlimit", limits.__getitem__)
    monkeypatch.setattr(resource, "setrlimit", limits.__setitem__)

    allow_many_descriptors()

    assert {resource.RLIMIT_NOFILE: (4096, 4096)} == limits


@pytest.mark.parametrize(
    ("soft", "plenty"), [(1024, False), (PLENTY - 1, False), (PLENTY, True), (resource.RLIM_INFINITY, True)]
)
def test_what_is_plenty(monkeypatch: pytest.MonkeyPatch, soft: int, *, plenty: bool) -> None:
    """The soft limit counts, and none at all is plenty."""
    monkeypatch.setattr(resource, "getrlimit", lambda _what: (soft, PLENTY))

    assert are_descriptors_plenty() is plenty
