"""Consumers of a server; their calls are tested by those of the API."""

import json

from app.adapters.streams_memory.storage import MemoryStorage
from app.domain.dataplane.seam import MakePlane
from app.domain.jetstream.storage.seam import Document
from tests.fakes.stream_host import HeldStorage
from tests.support.virtual_jetstream import VirtualJetStream


class HeldStorages(MemoryStorage):
    """The storage of a server that has one stream."""

    def create(self, name: str, document: Document, *, first: int = 1, relaxed: bool = False) -> HeldStorage:  # noqa: ARG002 - the signature of a storage
        """Make it."""
        self.held = HeldStorage(first)
        self.held.write(document)
        self._streams[name] = self.held
        return self.held


def test_finding_by_tokens(js: VirtualJetStream) -> None:
    """A consumer is found by the tokens of its subjects, as long as it is there."""
    js.stream()
    js.consumer()
    consumers = js.jetstream.consumers
    assert consumers.at(b"S", b"C") is consumers.find(js.jetstream.catalogue.find("S"), "C")
    js.ask("STREAM.DELETE.S")
    assert consumers.at(b"S", b"C") is None


def test_the_first_message_comes_after_the_answer(make_plane: MakePlane) -> None:
    """What is stored already, and what comes while its creation is made safe, waits for that."""
    files = HeldStorages()
    js = VirtualJetStream(make_plane, files=files)
    js.stream()
    js.publish("s.a", b"one")
    files.held.log.holds = True
    config = {"name": "C", "deliver_subject": "_I.push"}
    document = json.dumps({"stream_name": "S", "config": config})
    assert b"" == js.raw("$JS.API.CONSUMER.CREATE.S.C", document.encode())
    js.client.send(b"PUB s.b 3\r\ntwo\r\n")
    js.server.advance(1)
    assert b"" == js.client.heard()

    files.held.log.let_go()
    js.server.advance(0.01)
    files.held.log.let_go()
    js.server.advance(0.01)

    answer, *messages = js.client.heard().split(b"MSG ")[1:]
    assert b'"push_bound":true' in answer.replace(b" ", b"")
    assert [b"s.a", b"s.b"] == [each.split(b" ")[0] for each in messages]
