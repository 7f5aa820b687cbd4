"""The calls about consumers."""

from collections import deque
from collections.abc import Generator

import pytest

from app.domain.jetstream.api.consumer_calls import ConsumerCalls
from app.domain.jetstream.api.requests import ApiRequest
from app.domain.jetstream.storage.seam import Document, StateLog
from app.domain.protocol.json_text import dump
from tests.support.virtual_jetstream import VirtualJetStream

LEVEL = b"NATS/1.0\r\nNats-Required-Api-Level: 5\r\n\r\n"
FOREVER = "2100-01-01T00:00:00Z"


def _body(stream: str = "S", **config: object) -> dict[str, object]:
    return {"stream_name": stream, "config": {"ack_policy": "explicit"} | config}


def test_forms_of_creation(js: VirtualJetStream) -> None:
    """A consumer is named by its subject, by its configuration, or by chance."""
    js.stream()
    assert js.ask("CONSUMER.CREATE.S.A", _body(durable_name="A"))["name"] == "A"
    assert js.ask("CONSUMER.CREATE.S.B.s.x", _body(filter_subject="s.x"))["name"] == "B"
    assert js.ask("CONSUMER.DURABLE.CREATE.S.D", _body(durable_name="D"))["name"] == "D"
    assert js.ask("CONSUMER.DURABLE.CREATE.S.D", _body(durable_name="D", name="x"))["name"] == "D"
    assert js.ask("CONSUMER.CREATE.S", _body(name="E"))["name"] == "E"
    by_chance = js.ask("CONSUMER.CREATE.S", _body())
    assert len(str(by_chance["name"])) == 8
    assert js.ask("CONSUMER.CREATE.S.F", _body(name="other"))["name"] == "F"
    config = by_chance["config"]
    assert isinstance(config, dict)
    assert config["metadata"]["_nats.req.level"] == "0"
    assert config["metadata"]["_nats.ver"] == "2.11.0"


@pytest.mark.parametrize(
    ("call", "document", "number"),
    [
        ("CREATE.NOPE", _body("NOPE"), 10059),
        ("CREATE.S", b"", 10056),
        ("CREATE.S", _body("T"), 10056),
        ("CREATE.S", {**_body(), "action": "x"}, 10025),
        ("CREATE.S", {**_body(), "x": 1}, 10025),
        ("CREATE.S", _body(durable_name="D"), 10020),
        ("CREATE.S.D", _body(durable_name="E"), 10017),
        ("CREATE.S.D.s.x", _body(filter_subject="s.y"), 10131),
        ("CREATE.S.D.s.x", _body(filter_subjects=["s.x"]), 10137),
        ("CREATE.S.a/b", _body(), 10127),
        ("DURABLE.CREATE.S.D", _body(), 10018),
        ("DURABLE.CREATE.S.D", _body(durable_name="E"), 10017),
        ("CREATE.S.D", {**_body(), "action": "update"}, 10149),
        ("CREATE.S.C", {**_body(durable_name="C", max_deliver=5), "action": "create"}, 10148),
        ("CREATE.S.C", _body(durable_name="C", deliver_policy="new"), 10012),
        ("CREATE.FEW.B", _body("FEW"), 10026),
        ("CREATE.W.B", _body("W"), 10099),
        ("CREATE.W.B", _body("W", filter_subject="w.x", ack_policy="all"), 10098),
        ("INFO.S.NOPE", b"", 10014),
        ("INFO.S.C", {"x": 1}, 10038),
        ("DELETE.S.NOPE", b"", 10014),
        ("NAMES.NOPE", b"", 10059),
        ("LIST.S", {"x": 1}, 10025),
        ("UNPIN.S.C", {"group": "g"}, 10160),
        ("UNPIN.S.C", b" ", 10025),
        ("UNPIN.S.C", {}, 10025),
        ("LEADER.STEPDOWN.S.C", b"", 10010),
        ("RESET.S.NEW", {"seq": 5}, 10204),
    ],
)
def test_refusals(js: VirtualJetStream, call: str, document: dict[str, object] | bytes, number: int) -> None:
    """What is wrong is answered with its number."""
    js.stream()
    js.stream("FEW", max_consumers=1)
    js.stream("W", retention="workqueue")
    js.consumer()
    js.consumer(name="NEW", deliver_policy="new")
    js.consumer("FEW", "A")
    js.consumer("W", "A", filter_subject="w.a")
    assert js.refusal(f"CONSUMER.{call}", document) == number


def test_update(js: VirtualJetStream) -> None:
    """A consumer is changed by the call that makes it; the same again changes nothing."""
    js.stream()
    for subject in ("s.a", "s.b", "s.b"):
        js.publish(subject)
    created = js.consumer()["created"]
    assert js.consumer()["created"] == created
    assert js.consumer(max_deliver=2)["num_pending"] == 3
    answer = js.consumer(filter_subject="s.b", max_deliver=3)
    assert (answer["created"], answer["num_pending"]) == (created, 2)
    assert js.ask("CONSUMER.INFO.S.C")["config"]["max_deliver"] == 3  # type: ignore[index]
    js.publish("s.a")
    js.publish("s.b")
    assert js.ask("CONSUMER.INFO.S.C")["num_pending"] == 3


def test_update_in_a_work_queue(js: VirtualJetStream) -> None:
    """Its filter may not become one of another consumer."""
    js.stream("W", retention="workqueue")
    js.consumer("W", "A", filter_subject="w.a")
    js.consumer("W", "B", filter_subject="w.b")
    body = {
        "stream_name": "W",
        "config": {"durable_name": "B", "ack_policy": "explicit", "filter_subject": "w.a"},
    }
    assert js.refusal("CONSUMER.CREATE.W.B", body) == 10100


def test_info_and_lists(js: VirtualJetStream) -> None:
    """They come sorted, in pages; in lists without what is said of this server."""
    js.stream()
    assert js.ask("CONSUMER.NAMES.S")["consumers"] == []
    for name in "BAC":
        js.consumer(name=name)
    assert js.ask("CONSUMER.NAMES.S", {"offset": 1})["consumers"] == ["B", "C"]
    listed = js.ask("CONSUMER.LIST.S")
    assert [info["name"] for info in listed["consumers"]] == ["A", "B", "C"]  # type: ignore[attr-defined]
    assert "_nats.ver" not in listed["consumers"][0]["config"]["metadata"]  # type: ignore[index]


def test_a_list_of_what_goes_meanwhile(js: VirtualJetStream) -> None:
    """A list is made in steps, and a consumer that is deleted meanwhile is left out."""
    js.stream()
    for number in range(20):
        js.consumer(name=f"N{number:02}")
    hosted = js.jetstream.catalogue.streams["S"]
    request = ApiRequest(b"$JS.API.CONSUMER.LIST.S", b"", b"", b"r")
    request.begin("consumer_list", ("S",), lambda *_: None)
    steps = ConsumerCalls(js.jetstream.catalogue, js.jetstream.consumers).infos(request)
    next(steps)
    js.jetstream.consumers.delete(hosted, hosted.consumers["N19"], lambda _failure: None)
    answers: list[dict[str, object]] = []

    def follow() -> Generator[None, None, None]:
        answers.append((yield from steps))

    deque(follow(), maxlen=0)
    assert len(answers[0]["consumers"]) == 19  # type: ignore[arg-type]


def test_delete(js: VirtualJetStream) -> None:
    """Who waits is answered, and requests for it reach nobody."""
    js.stream()
    js.consumer()
    js.client.send(b"PUB $JS.API.CONSUMER.MSG.NEXT.S.C _I.w 1\r\n1\r\n")
    js.client.send(b"PUB $JS.API.CONSUMER.DELETE.S.C _I.d 0\r\n\r\n")
    js.server.advance(0.01)
    heard = js.client.heard()
    assert b"409 Consumer Deleted" in heard
    assert b'"success":true' in heard
    assert js.refusal("CONSUMER.INFO.S.C") == 10014


def test_the_level_that_a_pause_needs(js: VirtualJetStream) -> None:
    """It is there as long as the configuration has a pause, and other metadata stay."""
    js.stream()
    js.consumer(metadata={"a": "b"})
    levels = []
    for body in ({"pause_until": FOREVER}, {"pause_until": "2001-01-01T00:00:00Z"}, {}):
        js.ask("CONSUMER.PAUSE.S.C", body)
        config = js.ask("CONSUMER.INFO.S.C")["config"]
        assert isinstance(config, dict)
        levels.append((config["metadata"]["_nats.req.level"], config["metadata"]["a"]))

    assert levels == [("1", "b"), ("1", "b"), ("0", "b")]


def test_pause(js: VirtualJetStream) -> None:
    """A paused consumer delivers nothing until that time, or until it is resumed."""
    js.stream()
    js.consumer()
    js.publish("s.a")
    paused = js.ask("CONSUMER.PAUSE.S.C", {"pause_until": FOREVER})
    assert (paused["paused"], paused["pause_until"]) == (True, FOREVER)
    assert int(str(paused["pause_remaining"])) > 0
    assert b"s.a" not in js.raw("$JS.API.CONSUMER.MSG.NEXT.S.C", b'{"no_wait":true}')
    assert js.ask("CONSUMER.PAUSE.S.C") == {
        "type": "io.nats.jetstream.api.v1.consumer_pause_response",
        "paused": False,
        "pause_until": "0001-01-01T00:00:00Z",
    }
    assert b"s.a" in js.raw("$JS.API.CONSUMER.MSG.NEXT.S.C", b"1")


def test_reset(js: VirtualJetStream) -> None:
    """Deliveries begin again; one that is not there has no answer."""
    js.stream()
    js.consumer()
    js.publish("s.a")
    js.raw("$JS.API.CONSUMER.MSG.NEXT.S.C", b"1")
    answer = js.ask("CONSUMER.RESET.S.C", {"seq": 1})
    assert (answer["reset_seq"], answer["num_pending"]) == (1, 1)
    assert js.ask("CONSUMER.RESET.S.C", {"seq": 1, "group": "g"})["reset_seq"] == 1
    assert js.ask("CONSUMER.RESET.S.NOPE") == js.ask("CONSUMER.RESET.NOPE.C") == {}


def test_unpin(js: VirtualJetStream) -> None:
    """A group's pin is taken away, and both are reported with the account."""
    watcher = js.connect()
    watcher.send(b"SUB $JS.EVENT.ADVISORY.CONSUMER.PINNED.S.C 1\r\n")
    js.stream()
    js.consumer(priority_groups=["g"], priority_policy="pinned_client")
    js.publish("s.a")
    js.raw("$JS.API.CONSUMER.MSG.NEXT.S.C", b'{"batch":1,"group":"g","expires":1000000000}')
    assert js.ask("CONSUMER.UNPIN.S.C", {"group": "g"}) == {
        "type": "io.nats.jetstream.api.v1.consumer_unpin_response"
    }
    js.server.advance(0.01)
    assert b'"account":"$G"' in watcher.heard()


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"group":"a b"}', 10162),
        (b'{"group":"xxxxxxxxxxxxxxxxx"}', 10162),
        (b'{"group":"h","x":1}', 10160),
        (b'{"group":""}', 10025),
        (b"{}", 10025),
        (b"", 10025),
    ],
)
def test_unpin_says_what_is_wrong(js: VirtualJetStream, body: bytes, code: int) -> None:
    """The name of the group is checked before it is looked for; unknown fields do not matter."""
    js.stream()
    js.consumer(priority_groups=["g"], priority_policy="pinned_client")
    answer = js.raw("$JS.API.CONSUMER.UNPIN.S.C", body)
    assert b'"err_code":%d' % code in answer


def test_nobody_uses_it(js: VirtualJetStream) -> None:
    """An ephemeral consumer that nobody uses is deleted after its threshold, and reported."""
    watcher = js.connect()
    watcher.send(b"SUB $JS.EVENT.ADVISORY.CONSUMER.> 1\r\n")
    js.stream()
    js.ask("CONSUMER.CREATE.S.E", _body(inactive_threshold=10**9))
    js.server.advance(10)
    assert js.ask("CONSUMER.NAMES.S")["consumers"] == []
    heard = watcher.heard()
    assert b'"action":"create"' in heard
    assert b'"action":"delete"' in heard


def test_reports(js: VirtualJetStream) -> None:
    """What a consumer reports is published for those who subscribe to it."""
    watcher = js.connect()
    watcher.send(b"SUB $JS.EVENT.ADVISORY.CONSUMER.MSG_NAKED.S.C 1\r\n")
    js.stream()
    js.consumer()
    js.publish("s.a")
    ack = js.raw("$JS.API.CONSUMER.MSG.NEXT.S.C", b"1").split(b" ")[3]
    js.client.send(b"PUB %b 4\r\n-NAK\r\n" % ack)
    js.server.advance(0.01)
    assert b"io.nats.jetstream.advisory.v1.nak" in watcher.heard()


def test_names_by_chance_are_new(js: VirtualJetStream, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that is taken is not given again."""
    js.stream()
    names = iter(["same", "same", "other"])
    monkeypatch.setattr(js.jetstream.outlet, "random_name", lambda _length: next(names))
    assert js.ask("CONSUMER.CREATE.S", _body())["name"] == "same"
    assert js.ask("CONSUMER.CREATE.S", _body())["name"] == "other"


def _direct(stream: str = "S", **config: object) -> dict[str, object]:
    """What another server asks for."""
    given = {
        "ack_policy": "none",
        "deliver_subject": "d.x",
        "flow_control": True,
        "idle_heartbeat": 10**9,
        "direct": True,
    }
    return {"stream_name": stream, "config": given | config}


def test_a_consumer_of_another_server(js: VirtualJetStream) -> None:
    """It is in no list and no count, but it is found by its name, and delivers as others do."""
    js.stream(max_consumers=1)
    js.consumer()
    js.publish("s.a")
    js.client.send(b"SUB d.x 7\r\n")
    made = js.raw("$JS.API.CONSUMER.CREATE.S", dump(_direct(name="M")))
    js.server.advance(1)

    identity = js.jetstream.catalogue.find("S").stream.identity.encode()
    assert b"\r\nNats-Stream-Identity: %b\r\n" % identity in made
    assert b"MSG s.a 7 $JS.ACK.S.M.1.1.1." in made + js.client.heard()
    assert ["C"] == js.ask("CONSUMER.NAMES.S")["consumers"]
    assert "M" == js.ask("CONSUMER.INFO.S.M")["name"]
    state = js.ask("STREAM.INFO.S")["state"]
    assert isinstance(state, dict)
    assert 1 == state["consumer_count"]
    assert 10012 == js.refusal("CONSUMER.CREATE.S.M", _body(deliver_subject="d.x"))
    assert js.ask("CONSUMER.DELETE.S.M")["success"]
    assert 10014 == js.refusal("CONSUMER.INFO.S.M")


def test_a_consumer_that_copies_gets_a_name_of_its_own(js: VirtualJetStream) -> None:
    """The same name may be asked for while the last consumer is still there."""
    js.stream()
    wanted = _direct(name="M", sourcing=True)
    names = [str(js.ask("CONSUMER.CREATE.S", wanted, LEVEL)["name"]) for _ in range(2)]

    assert [len("M-") + 8] * 2 == [len(name) for name in names]
    assert 2 == len(set(names))


def test_a_consumer_of_another_stream(js: VirtualJetStream) -> None:
    """Who knows a stream by its identity hears if it is another one."""
    js.stream()
    identity = js.jetstream.catalogue.find("S").stream.identity
    ours, other = (f"NATS/1.0\r\nNats-Stream-Identity: {each}\r\n\r\n" for each in (identity, "other"))

    assert 10225 == js.refusal("CONSUMER.CREATE.S", _direct(), other.encode())
    assert 0 == js.refusal("CONSUMER.CREATE.S", _direct(), ours.encode())


def test_streams_that_are_not_copied_by_other_servers(js: VirtualJetStream) -> None:
    """What goes when it was delivered could be lost on the way."""
    js.stream("W", retention="workqueue")
    js.stream("I", retention="interest")

    assert [10012, 10012] == [js.refusal(f"CONSUMER.CREATE.{each}", _direct(each)) for each in "WI"]


def test_the_end_of_a_stream_that_is_copied(js: VirtualJetStream) -> None:
    """The consumers of other servers go with it."""
    js.stream()
    js.ask("CONSUMER.CREATE.S", _direct(name="M"))
    js.ask("STREAM.DELETE.S")

    assert js.jetstream.consumers.at(b"S", b"M") is None


def test_a_consumer_of_another_server_is_not_stored(
    js: VirtualJetStream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its server asks for another one when this one has started again."""
    js.stream()
    storage = js.jetstream.catalogue.find("S").storage
    written: list[bool] = []
    write = storage.write_consumer

    def note(name: str, document: Document, *, in_memory: bool = False) -> StateLog:
        written.append(in_memory)
        return write(name, document, in_memory=in_memory)

    monkeypatch.setattr(storage, "write_consumer", note)
    js.ask("CONSUMER.CREATE.S", _direct())
    js.consumer()

    assert [True, False] == written


def test_a_consumer_of_a_server_that_has_gone(js: VirtualJetStream) -> None:
    """It goes when nobody has listened to it for its time."""
    js.stream()
    js.ask("CONSUMER.CREATE.S", _direct(name="M", inactive_threshold=10**9))
    js.server.advance(5)

    assert 10014 == js.refusal("CONSUMER.INFO.S.M")
