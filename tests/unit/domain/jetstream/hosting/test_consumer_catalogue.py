"""Consumers of a server; their calls are tested by those of the API."""

from tests.support.virtual_jetstream import VirtualJetStream


def test_finding_by_tokens(js: VirtualJetStream) -> None:
    """A consumer is found by the tokens of its subjects, as long as it is there."""
    js.stream()
    js.consumer()
    consumers = js.jetstream.consumers
    assert consumers.at(b"S", b"C") is consumers.find(js.jetstream.catalogue.find("S"), "C")
    js.ask("STREAM.DELETE.S")
    assert consumers.at(b"S", b"C") is None
