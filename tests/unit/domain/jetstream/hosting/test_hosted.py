"""A stream as a server hosts it."""

from tests.support.virtual_jetstream import VirtualJetStream


def test_what_it_has(js: VirtualJetStream) -> None:
    """It has a subscription for each subject, and its consumers by name."""
    js.stream(subjects=["a", "b.*"])
    js.consumer()
    hosted = js.jetstream.catalogue.streams["S"]
    assert (hosted.name, sorted(hosted.sids), list(hosted.consumers)) == ("S", ["a", "b.*"], ["C"])
