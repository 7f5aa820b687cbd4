"""The catalogue, as streams know it; its calls are tested by those of the API."""

import pytest

from app.domain.jetstream.errors import JetStreamError
from tests.support.virtual_jetstream import VirtualJetStream


def test_finding(js: VirtualJetStream) -> None:
    """A stream is found by its name, and is an origin for others."""
    js.stream()
    catalogue = js.jetstream.catalogue
    assert catalogue.find_origin("S") is catalogue.find("S").stream
    assert catalogue.find_origin("T") is None
    with pytest.raises(JetStreamError, match="stream not found"):
        catalogue.find("T")


def test_limits(js: VirtualJetStream) -> None:
    """Without limits nothing is too much."""
    catalogue = js.jetstream.catalogue
    assert not catalogue.is_over_limit(in_memory=True)
    assert not catalogue.would_exceed(10**18, in_memory=False)
