"""JetStream as a whole: what comes in reaches its stream or consumer, and what is stored comes back."""

import json
from dataclasses import replace

import pytest

from app.adapters.streams_memory.storage import MemoryStorage
from app.domain.broker import FLUSH_SECONDS
from app.domain.dataplane.seam import MakePlane
from app.domain.events import ServerFailure
from app.domain.jetstream.events import StreamProblem, StreamRecovered
from app.domain.jetstream.storage.seam import StorageFailure, StoreProblem
from tests.fakes.stream_host import HeldStorages
from tests.support.virtual_jetstream import SETTINGS, VirtualJetStream

NEXT = "$JS.API.CONSUMER.MSG.NEXT.S.C"


def test_a_message_goes_round(js: VirtualJetStream) -> None:
    """What is published is acknowledged, delivered on request under its subject, and settled by an ack."""
    js.stream()
    js.consumer()
    assert js.publish("s.a", b"one") == {"stream": "S", "seq": 1}

    heard = js.raw(NEXT, b"1")
    line, payload, _ = heard.split(b"\r\n")
    words = line.split(b" ")
    assert (words[0], words[1], payload) == (b"MSG", b"s.a", b"one")
    assert words[3].startswith(b"$JS.ACK.S.C.1.1.1.")

    assert js.raw(words[3].decode(), b"+ACK").endswith(b" 0\r\n\r\n")
    info = js.ask("CONSUMER.INFO.S.C")
    assert info["ack_floor"]["stream_seq"] == 1  # type: ignore[index]


def test_long_acks(js: VirtualJetStream) -> None:
    """Acks of the longer form name domain and account before the stream."""
    js.stream()
    js.consumer()
    js.publish("s.a")
    ack = js.raw(NEXT, b"1").split(b"\r\n")[0].split(b" ")[3].decode()
    tokens = ack.split(".")
    long = ".".join(["$JS.ACK._.HASH", *tokens[2:]])
    assert js.raw(long, b"").endswith(b" 0\r\n\r\n")
    assert js.raw(f"{long}.random", b"")


@pytest.mark.parametrize(
    "subject",
    [NEXT, "$JS.ACK.S.C.1.1.1.1.0", "$JS.API.DIRECT.GET.S", "$JS.API.DIRECT.GET.T.s.a"],
)
def test_requests_for_what_is_not_there(js: VirtualJetStream, subject: str) -> None:
    """They are answered at once, as if nobody listened."""
    js.stream()
    heard = js.raw(subject, b"1")
    assert b"NATS/1.0 503\r\nNats-Subject: %b\r\n\r\n" % subject.encode() in heard


def test_messages_without_a_reply(js: VirtualJetStream) -> None:
    """Nothing happens: nobody waits for an answer."""
    for subject in (NEXT, "$JS.ACK.S.C.1.1.1.1.0", "$JS.API.DIRECT.GET.S", "$JS.API.INFO", "$JS.FC.S.C.x"):
        js.client.send(b"PUB %b 0\r\n\r\n" % subject.encode())
    js.client.send(b"PUB $JS.ACK.S.C 0\r\n\r\nPUB $JS.FC.S 0\r\n\r\n")
    js.server.advance(0.01)
    assert js.client.heard() == b""


def test_direct_get(js: VirtualJetStream) -> None:
    """A stream that allows it answers with the message itself."""
    js.stream(allow_direct=True)
    js.publish("s.a", b"one")
    for subject, payload in (("S", b'{"seq":1}'), ("S.s.a", b"")):
        heard = js.raw(f"$JS.API.DIRECT.GET.{subject}", payload)
        assert b"Nats-Sequence: 1\r\n" in heard
        assert heard.endswith(b"\r\n\r\none\r\n")


def test_direct_gets_of_the_last_message(js: VirtualJetStream) -> None:
    """A lone one is answered within its read; all that it cannot answer goes the way of others."""
    js.stream(allow_direct=True)
    js.stream("T")
    js.publish("s.a", b"one")
    js.publish("t.a", b"two")
    get = b"PUB $JS.API.DIRECT.GET.%b _I.1 %d\r\n%b\r\n"
    for words, payload, expected in (
        (b"S.s.a", b"", b"\r\n\r\none\r\n"),
        (b"S.s.b", b"", b"404 Message Not Found"),
        (b"S", b"", b"408 Empty Request"),
        (b"S.s.a", b"x", b"408 Malformed Request"),
        (b"T.t.a", b"", b"503"),
        (b"U.u.a", b"", b"503"),
    ):
        js.client.heard()
        js.client.send(get % (words, len(payload), payload))
        js.server.settle()
        assert expected in js.client.heard(), words
    js.client.send(b"PUB $JS.API.DIRECT.GET.S.s.a 0\r\n\r\n")
    js.server.settle()
    assert js.client.heard() == b""


def test_requests_are_not_overtaken(js: VirtualJetStream) -> None:
    """A message that comes after a purge is there afterwards."""
    js.stream()
    purge = b"PUB $JS.API.STREAM.PURGE.S _I.1 0\r\n\r\n"
    js.client.send(purge)
    js.client.send(b"PUB s.a _I.2 1\r\nx\r\n")
    js.server.advance(0.01)

    assert js.jetstream.catalogue.find("S").stream.log.count == 1
    assert js.server.broker.plane.lone is js.jetstream.intake.wire.lone
    js.jetstream.router.queue_limit = 0
    js.client.send(purge)
    js.server.advance(0.01)
    assert js.server.broker.plane.lone is js.jetstream.intake.wire.lone


def test_flow_control(js: VirtualJetStream) -> None:
    """Replies to flow control reach their consumer."""
    js.stream()
    config = {
        "deliver_subject": "_I.push",
        "flow_control": True,
        "idle_heartbeat": 10**9,
        "durable_name": "C",
    }
    js.ask("CONSUMER.CREATE.S.C", {"stream_name": "S", "config": {**config, "ack_policy": "explicit"}})
    js.client.send(b"PUB $JS.FC.S.C.1 0\r\n\r\n")
    js.server.advance(0.01)
    assert "error" not in js.ask("CONSUMER.INFO.S.C")


def test_a_domain(make_plane: MakePlane) -> None:
    """With a domain the API answers under its prefix, too, and says so."""
    js = VirtualJetStream(make_plane, settings=replace(SETTINGS, domain="hub"))
    heard = js.raw("$JS.hub.API.INFO")
    assert json.loads(heard.split(b"\r\n")[1])["domain"] == "hub"
    js.stream(allow_direct=True)
    assert js.publish("s.a") == {"stream": "S", "domain": "hub", "seq": 1}
    for prefix in ("$JS.hub.API", "$JS.API"):
        assert b"Nats-Sequence: 1\r\n" in js.raw(f"{prefix}.DIRECT.GET.S.s.a")


def test_audits(js: VirtualJetStream) -> None:
    """Who subscribes to it hears of each call that changes something, or fails."""
    watcher = js.connect()
    watcher.send(b"SUB $JS.EVENT.ADVISORY.API 1\r\n")
    js.ask("INFO")
    js.stream()
    js.ask("STREAM.INFO.NOPE")
    js.server.advance(0.01)
    heard = watcher.heard()
    assert heard.count(b"MSG ") == 2
    assert b"STREAM.CREATE.S" in heard
    assert b"STREAM.INFO.NOPE" in heard


def test_too_many_requests(make_plane: MakePlane) -> None:
    """What does not fit into the queue is dropped, counted, and reported to who subscribes to that."""
    js = VirtualJetStream(make_plane, settings=replace(SETTINGS, request_queue_limit=2))
    watcher = js.connect()
    watcher.send(b"SUB $JS.EVENT.ADVISORY.API.LIMIT_REACHED 1\r\n")
    js.client.send(4 * b"PUB $JS.API.INFO _I.x 0\r\n\r\n")
    js.server.advance(0.01)
    assert js.client.heard().count(b"MSG ") == 2
    assert b'"dropped":2' in watcher.heard()


def test_restart(js: VirtualJetStream, make_plane: MakePlane) -> None:
    """Streams and consumers are there again, with what they know, and the log says so."""
    js.stream(max_msgs=10)
    js.stream("M", storage="memory")
    js.consumer()
    js.publish("s.a", b"one")
    js.jetstream.stop()

    again = js.restarted(make_plane)

    assert [event.stream for event in again.events.of(StreamRecovered)] == ["S"]
    assert again.ask("STREAM.NAMES")["streams"] == ["S"]
    assert again.ask("STREAM.INFO.S")["config"]["max_msgs"] == 10  # type: ignore[index]
    assert b"one" in again.raw(NEXT, b"1")
    assert again.publish("s.b") == {"stream": "S", "seq": 2}


def test_what_cannot_be_recovered(js: VirtualJetStream, make_plane: MakePlane) -> None:
    """A stream or a consumer that is not understood is reported, and the others come back."""
    js.stream()
    js.stream("T")
    js.consumer()
    js.consumer(name="D")
    js.jetstream.stop()
    js.files.streams["T"].write({"config": {"retention": "x"}, "created": "0001-01-01T00:00:00Z"})
    js.files.streams["S"].write_consumer("C", {"config": {"ack_policy": "x"}})
    assert isinstance(js.files, MemoryStorage)
    js.files.problems = [StoreProblem("", "a file is damaged")]

    again = js.restarted(make_plane)

    assert [problem.stream for problem in again.jetstream.problems] == ["", "S", "T"]
    assert [event.text().split(":")[1] for event in again.events.of(StreamProblem)] == [
        " a file is damaged",
        " stream S",
        " stream T",
    ]
    assert again.ask("STREAM.NAMES")["streams"] == ["S"]
    assert again.ask("CONSUMER.NAMES.S")["consumers"] == ["D"]


def test_what_comes_up_later_is_logged(js: VirtualJetStream) -> None:
    """It is no problem of the start: it may be over before anybody asks."""
    js.files.on_problem(StoreProblem("S", "the disk is full"))

    assert [event.text() for event in js.events.of(StreamProblem)] == [
        "JetStream: stream S: the disk is full",
    ]
    assert js.jetstream.problems == []


def test_its_state(make_plane: MakePlane) -> None:
    """It runs from its begin to its stop, or to the end of the server."""
    js = VirtualJetStream(make_plane, begin=False)
    states = [js.jetstream.is_running]
    js.jetstream.begin()
    states.append(js.jetstream.is_running)
    js.jetstream.stop()
    states += [js.jetstream.is_running, js.jetstream.is_begun]
    assert states == [False, True, False, False]


def test_other_limits(js: VirtualJetStream) -> None:
    """They hold for the next message, stream and consumer; what is there stays as it is."""
    js.stream(duplicate_window=60 * 10**9, storage="memory")
    js.consumer(max_ack_pending=50)
    js.publish("s.a")
    other = replace(
        js.jetstream.settings,
        max_memory=1,
        max_storage=5_000,
        max_ack_pending=10,
        duplicate_window=10**9,
        request_queue_limit=5,
    )
    js.jetstream.apply(other)

    assert "error" in js.publish("s.b")
    assert js.ask("CONSUMER.INFO.S.C")["config"]["max_ack_pending"] == 50  # type: ignore[index]
    assert js.refusal("STREAM.CREATE.T", {"name": "T", "duplicate_window": 60 * 10**9})
    assert "error" not in js.stream("U", duplicate_window=10**9)
    assert js.refusal("CONSUMER.CREATE.S.D", _consumer(max_ack_pending=11))
    assert not js.refusal("CONSUMER.CREATE.S.D", _consumer(max_ack_pending=10))
    assert (other, 5) == (js.jetstream.settings, js.jetstream.router.queue_limit)
    js.jetstream.apply(replace(other, max_memory=-1))
    assert js.publish("s.b")["seq"] == 2


def _consumer(**fields: object) -> dict[str, object]:
    """A request for a consumer."""
    config = {"durable_name": "D", "ack_policy": "explicit", **fields}
    return {"stream_name": "S", "config": config}


def test_acks_in_a_row(js: VirtualJetStream) -> None:
    """Plain ones without replies settle messages; those for what is not there mean nothing."""
    js.stream()
    js.consumer()
    js.consumer(name="N", ack_policy="none")
    for _ in range(3):
        js.publish("s.a")
    js.raw(NEXT, b"3")
    for consumer, sequence in (("C", 1), ("C", 2), ("N", 3), ("X", 3)):
        js.client.send(b"PUB $JS.ACK.S.%b.1.%d.%d.1.0 0\r\n\r\n" % (consumer.encode(), sequence, sequence))
    info = js.ask("CONSUMER.INFO.S.C")
    assert (info["num_ack_pending"], info["ack_floor"]["stream_seq"]) == (1, 2)  # type: ignore[index]


def test_requests_end_before_the_server_does(js: VirtualJetStream) -> None:
    """Who waits for messages is answered once, while it is connected."""
    js.stream()
    js.consumer()
    js.raw(NEXT, b'{"batch":5,"expires":30000000000}')
    assert len(list(js.jetstream.end_requests())) == 1
    js.server.settle()
    heard = js.client.heard()
    assert b"NATS/1.0 409 Server Shutdown\r\nNats-Pending-Messages: 5\r\nNats-Pending-Bytes: 0\r\n" in heard
    assert not js.ask("CONSUMER.INFO.S.C")["num_waiting"]
    js.jetstream.stop()
    assert not list(js.jetstream.end_requests())


@pytest.mark.parametrize("failure", [None, StorageFailure.FULL])
def test_what_is_stored_is_answered_before_the_end(
    make_plane: MakePlane, failure: StorageFailure | None
) -> None:
    """A server that stops sends the acknowledgements that wait for the disk, and only then closes."""
    files = HeldStorages()
    js = VirtualJetStream(make_plane, files=files)
    js.stream()
    files.held.log.holds = True
    js.client.send(b'PUB s.a _I.a 1\r\nx\r\nPUB $JS.API.STREAM.MSG.DELETE.S _I.b 9\r\n{"seq":1}\r\n')
    done: list[bool] = []
    js.server.broker.shutdown(lambda: done.append(True))
    js.server.advance(1.0)
    before = (list(done), js.client.wire.closed, js.client.heard())
    files.held.log.let_go(failure)
    js.server.advance(1.0)
    heard = js.client.heard()

    assert before == ([], False, b"")
    assert done == [True]
    assert (js.client.wire.closed, js.client.wire.aborted) == (True, False)
    assert (b'"seq":1}' in heard) is (failure is None)
    assert (b'"err_code":10077' in heard) is (failure is not None)


NEW = (
    {"sources": [{"name": "O", "external": {"api": "$JS.hub.API", "deliver": ""}}]},
    {"sources": [{"name": "O"}]},
    {"sources": [{"name": "O", "consumer": {"name": "C", "deliver_subject": "d"}}]},
    {"subjects": ["s.>", "t"]},
)


@pytest.mark.parametrize("new", NEW)
@pytest.mark.parametrize("is_over", [False, True])
def test_an_update_that_is_written_at_the_end_begins_nothing(
    make_plane: MakePlane, new: dict[str, object], *, is_over: bool
) -> None:
    """The server that starts next does what it says."""
    files = HeldStorages()
    js = VirtualJetStream(make_plane, files=files)
    js.stream("O", storage="memory")
    config = {"durable_name": "C", "ack_policy": "flow_control", "deliver_subject": "d"}
    js.ask("CONSUMER.CREATE.O.C", {"stream_name": "O", "config": config})
    js.stream()
    files.held.log.holds = True
    js.ask("STREAM.UPDATE.S", {"name": "S", "subjects": ["s.>"], **new})
    if is_over:
        js.server.broker.shutdown(lambda: None)
        js.server.advance(FLUSH_SECONDS + 0.1)
    js.jetstream.stop()
    files.held.log.let_go()
    js.server.advance(60.0)

    assert js.jetstream.catalogue.streams["S"].stream.feeds.sources_json() == []
    assert [] == [each for each in js.events.events if isinstance(each, ServerFailure)]
    document = files.held.document["config"]
    assert isinstance(document, dict)
    assert new.get("subjects", ["s.>"]) == document["subjects"]
    assert ("sources" in new) is bool(document.get("sources"))


def test_a_feed_that_would_begin_while_the_server_ends(js: VirtualJetStream) -> None:
    """It begins nothing."""
    js.stream("O")
    config = {"durable_name": "C", "ack_policy": "flow_control", "deliver_subject": "d"}
    js.ask("CONSUMER.CREATE.O.C", {"stream_name": "O", "config": config})
    js.server.broker.shutdown(lambda: None)
    handed: list[object] = []
    assert b"" == js.jetstream.catalogue.listen(b"d", lambda *message: handed.append(message))
    js.server.advance(FLUSH_SECONDS + 0.1)

    assert b"" == js.jetstream.catalogue.listen(b"d", lambda *message: handed.append(message))


def test_the_end_comes_though_the_disk_hangs(make_plane: MakePlane) -> None:
    """After the time that is given to clients that do not read, in the same way."""
    files = HeldStorages()
    js = VirtualJetStream(make_plane, files=files)
    js.stream()
    files.held.log.holds = True
    js.client.send(b"PUB s.a _I.a 1\r\nx\r\n")
    done: list[bool] = []
    js.server.broker.shutdown(lambda: done.append(True))
    js.server.advance(FLUSH_SECONDS + 0.1)

    assert done == [True]
    assert js.client.wire.closed
    js.server.broker.shutdown(lambda: done.append(True))
    assert done == [True, True]
