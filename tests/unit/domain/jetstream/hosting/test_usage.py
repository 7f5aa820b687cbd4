"""What all streams use together."""

from app.domain.jetstream.hosting.usage import EXACT, STALE_SECONDS
from tests.support.virtual_jetstream import VirtualJetStream


def test_few_streams(js: VirtualJetStream) -> None:
    """Their sum is always exact, by kind of storage."""
    js.stream()
    js.stream("M", storage="memory")
    usage = js.jetstream.catalogue.usage
    js.publish("s.a")
    first = usage.used_lately(in_memory=False)
    js.publish("s.a")
    assert usage.used_lately(in_memory=False) == 2 * first
    assert usage.used_lately(in_memory=True) == 0


def test_many_streams(js: VirtualJetStream) -> None:
    """Their sum may be some ms old, and no older."""
    for number in range(EXACT + 1):
        js.stream(f"N{number}")
    usage = js.jetstream.catalogue.usage
    stream = js.jetstream.catalogue.streams["N0"].stream
    before = usage.used_lately(in_memory=False)
    stream.store(b"n0.a", b"", b"x", b"")
    assert usage.used_lately(in_memory=False) == before == 0
    js.server.advance(2 * STALE_SECONDS)
    assert usage.used_lately(in_memory=False) > 0
