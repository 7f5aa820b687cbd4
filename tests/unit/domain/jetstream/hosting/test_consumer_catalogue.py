"""Consumers of a server; their calls are tested by those of the API."""

import json

import pytest

from app.domain.dataplane.seam import MakePlane
from app.domain.jetstream.errors import JetStreamError
from tests.fakes.stream_host import HeldStorages
from tests.support.virtual_jetstream import VirtualJetStream


def test_finding_by_tokens(js: VirtualJetStream) -> None:
    """A consumer is found by the tokens of its subjects, as long as it is there."""
    js.stream()
    js.consumer()
    consumers = js.jetstream.consumers
    assert consumers.at(b"S", b"C") is consumers.find(js.jetstream.catalogue.find("S"), "C")
    js.ask("STREAM.DELETE.S")
    assert consumers.at(b"S", b"C") is None


def test_a_creation_twice(make_plane: MakePlane) -> None:
    """The same again is not answered before the first one is safe."""
    files = HeldStorages()
    js = VirtualJetStream(make_plane, files=files)
    create = b'PUB $JS.API.STREAM.CREATE.S _I.%d 12\r\n{"name":"S"}\r\n'
    files.begin_held = True
    js.client.send(create % 1)
    js.client.send(create % 2)
    early = js.client.heard()
    for _ in range(2):
        files.held.log.let_go()
        js.server.advance(0.01)

    assert early == b""
    assert js.client.heard().count(b'"did_create":true') == 2


def test_a_deletion_waits_for_the_creation(make_plane: MakePlane) -> None:
    """Both requests are answered in their order, and there are advisories of both."""
    files = HeldStorages()
    js = VirtualJetStream(make_plane, files=files)
    js.stream()
    watcher = js.connect()
    watcher.ask(b"SUB $JS.EVENT.ADVISORY.CONSUMER.> 9\r\n")
    files.held.log.holds = True
    document = json.dumps({"stream_name": "S", "config": {"durable_name": "C"}})
    assert b"" == js.raw("$JS.API.CONSUMER.CREATE.S.C", document.encode())
    assert b"" == js.raw("$JS.API.CONSUMER.DELETE.S.C")
    for _ in range(2):
        files.held.log.let_go()
        js.server.advance(0.01)

    heard = js.client.heard()
    assert 0 < heard.find(b"consumer_create_response") < heard.find(b'"success":true')
    advisories = watcher.heard()
    assert (1, 1) == (advisories.count(b".CREATED."), advisories.count(b".DELETED."))


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


FIELDS = {"durable_name": "C", "deliver_subject": "_I.push", "idle_heartbeat": 10**8}
CHANGES: dict[str, tuple[dict[str, object], str, dict[str, object]]] = {
    "reset": (FIELDS, "RESET.S.C", {"seq": 1}),
    "update": (
        {**FIELDS, "deliver_subject": "old"},
        "CREATE.S.C",
        {"stream_name": "S", "config": FIELDS},
    ),
    "end of a pause": ({**FIELDS, "pause_until": "2100-01-01T00:00:00Z"}, "PAUSE.S.C", {}),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_a_change_lets_come_follows_its_answer(make_plane: MakePlane, change: str) -> None:
    """A reset, another deliver subject and the end of a pause are answered before messages and heartbeats."""
    fields, call, document = CHANGES[change]
    files = HeldStorages()
    js = VirtualJetStream(make_plane, files=files)
    js.stream()
    js.publish("s.a", b"one")
    js.raw("$JS.API.CONSUMER.CREATE.S.C", json.dumps({"stream_name": "S", "config": fields}).encode())
    files.held.log.holds = True

    early = js.raw(f"$JS.API.CONSUMER.{call}", json.dumps(document).encode())
    js.server.advance(1)
    early += js.client.heard()
    files.held.log.let_go()
    js.server.advance(0.01)
    first, second, *_ = js.client.heard().replace(b"HMSG ", b"MSG ").split(b"MSG ")[1:]

    assert early == b""
    assert b'"type":"io.nats.jetstream.api.v1.consumer_' in first
    assert second.startswith(b"s.a ")


def held(make_plane: MakePlane) -> tuple[VirtualJetStream, HeldStorages]:
    """A stream with a consumer, on a disk that waits from now on."""
    files = HeldStorages()
    js = VirtualJetStream(make_plane, files=files)
    js.stream()
    js.consumer()
    files.held.log.holds = True
    return js, files


def test_a_consumer_that_is_being_changed(make_plane: MakePlane) -> None:
    """Another change is refused where it could not wait, and it does not end for lack of use meanwhile."""
    js, files = held(make_plane)
    hosted = js.jetstream.catalogue.find("S")
    consumer = hosted.consumers["C"]
    outcomes: list[object] = []
    js.jetstream.consumers.pause(hosted, consumer, 2**62, outcomes.append)
    with pytest.raises(JetStreamError, match="being changed; try again") as refusal:
        js.jetstream.consumers.delete(hosted, consumer, outcomes.append)
    consumer.on_inactive()
    files.held.log.let_go()

    assert (refusal.value.number, outcomes, consumer.is_paused) == (10012, [None], True)
    assert hosted.consumers == {"C": consumer}
    consumer.on_inactive()
    assert hosted.consumers == {}


def test_a_change_of_a_consumer_whose_stream_goes(make_plane: MakePlane) -> None:
    """It is answered, and changes nothing; nor is a creation that is under way announced."""
    js, files = held(make_plane)
    watcher = js.connect()
    watcher.ask(b"SUB $JS.EVENT.ADVISORY.CONSUMER.> 9\r\n")
    js.raw("$JS.API.CONSUMER.PAUSE.S.C", b'{"pause_until":"2100-01-01T00:00:00Z"}')
    js.raw("$JS.API.CONSUMER.CREATE.S.D", b'{"stream_name":"S","config":{"durable_name":"D"}}')
    log = files.held.log
    assert js.ask("STREAM.DELETE.S") == {
        "type": "io.nats.jetstream.api.v1.stream_delete_response",
        "success": True,
    }
    log.let_go()
    js.server.advance(0.01)

    heard = js.client.heard()
    assert heard.count(b"consumer_pause_response") == heard.count(b"consumer_create_response") == 1
    assert watcher.heard() == b""
