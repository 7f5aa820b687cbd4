"""What all streams use together."""

from app.domain.jetstream.hosting.usage import EXACT, FAR, STALE_SECONDS
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


def test_a_limit_that_is_far_away(js: VirtualJetStream) -> None:
    """Whether it is exceeded is found out again after some ms; one that is near is compared each time."""
    js.stream()
    usage = js.jetstream.catalogue.usage
    stream = js.jetstream.catalogue.streams["S"].stream
    assert not usage.is_over(FAR + 1, in_memory=False)
    stream.store(b"s.a", b"", b"x", b"")
    used = usage.used(in_memory=False)
    assert usage.is_over(used - 1, in_memory=False)
    assert not usage.is_over(used, in_memory=False)
    assert not usage.is_over(FAR + 1, in_memory=False)
    js.server.advance(2 * STALE_SECONDS)
    assert not usage.is_over(FAR + used + 1, in_memory=False)
    assert usage.is_over(0, in_memory=False)


def test_much_room(js: VirtualJetStream) -> None:
    """What is far below a limit will be so for some ms."""
    js.stream()
    usage = js.jetstream.catalogue.usage
    assert usage.is_far_below(FAR + 1, in_memory=False)
    js.publish("s.a")
    assert not usage.is_far_below(FAR + 1, in_memory=False)


def test_a_limit_for_many_streams(js: VirtualJetStream) -> None:
    """It is compared with a sum that may be some ms old."""
    for number in range(EXACT + 1):
        js.stream(f"N{number}")
    usage = js.jetstream.catalogue.usage
    js.publish("n0.a")
    assert not usage.is_over(2 * FAR, in_memory=False)
    js.server.advance(2 * STALE_SECONDS)
    assert usage.is_over(0, in_memory=False)
