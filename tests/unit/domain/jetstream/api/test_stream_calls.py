"""The calls about streams."""

from collections import deque
from collections.abc import Callable, Generator
from dataclasses import replace
from functools import partial

import pytest

from app.adapters.streams_memory.storage import MemoryStorage, MemoryStreamStorage
from app.domain.dataplane.seam import MakePlane
from app.domain.jetstream.api.requests import ApiRequest
from app.domain.jetstream.api.stream_calls import StreamCalls
from app.domain.jetstream.storage.seam import Document, Done, StorageFailure
from tests.support.virtual_jetstream import SETTINGS, VirtualJetStream


def test_create(js: VirtualJetStream) -> None:
    """The answer has configuration, state and times; the same again is the same stream."""
    answer = js.stream()
    again = js.stream()

    assert answer["type"] == "io.nats.jetstream.api.v1.stream_create_response"
    assert list(answer) == ["type", "config", "created", "state", "ts", "did_create"]
    config = answer["config"]
    assert isinstance(config, dict)
    assert config["max_msg_size"] == -1
    assert config["metadata"] == {
        "_nats.level": "1",
        "_nats.req.level": "0",
        "_nats.ver": "2.11.0",
    } or config["metadata"]["_nats.level"] == str(SETTINGS.api_level)
    assert (again["created"], again["did_create"]) == (answer["created"], True)


@pytest.mark.parametrize(
    ("subject", "document", "number"),
    [
        ("STREAM.CREATE.S", {"name": "S", "subjects": ["other"]}, 10058),
        ("STREAM.CREATE.T", {"name": "T", "subjects": ["s.*"]}, 10065),
        ("STREAM.CREATE.T", {"name": "X"}, 10056),
        ("STREAM.CREATE.T", b"", 10056),
        ("STREAM.CREATE.T", {"name": "T", "x": 1}, 10025),
        ("STREAM.CREATE.T", {"name": "T", "pedantic": True, "max_msgs": -5}, 10157),
        ("STREAM.CREATE.T/U", {"name": "T"}, 10128),
        ("STREAM.CREATE.T", {"name": "T", "num_replicas": 3}, 10074),
        ("STREAM.CREATE.T", {"name": "T", "max_bytes": 10**9}, 10047),
        ("STREAM.CREATE.T", {"name": "T", "max_bytes": 10**9, "storage": "memory"}, 10028),
        ("STREAM.UPDATE.NOPE", {"name": "NOPE"}, 10059),
        ("STREAM.UPDATE.S", {"name": "S", "subjects": ["u.x"]}, 10065),
        ("STREAM.UPDATE.S", {"name": "S", "storage": "memory"}, 10052),
        ("STREAM.INFO.NOPE", b"", 10059),
        ("STREAM.DELETE.NOPE", b"", 10059),
        ("STREAM.DELETE.S", {"x": 1}, 10038),
        ("STREAM.PURGE.NOPE", b"", 10059),
        ("STREAM.PURGE.S", {"seq": 1, "keep": 1}, 10003),
        ("STREAM.PURGE.NOSUCH", {"seq": 1, "keep": 1}, 10003),
        ("STREAM.NAMES", b"[]", 10025),
        ("STREAM.LEADER.STEPDOWN.S", b"", 10010),
        ("STREAM.SNAPSHOT.S", b"{}", 10003),
    ],
)
def test_refusals(
    make_plane: MakePlane, subject: str, document: dict[str, object] | bytes, number: int
) -> None:
    """What is wrong is answered with its number, and changes nothing."""
    js = VirtualJetStream(make_plane, settings=replace(SETTINGS, max_memory=10**6, max_storage=10**6))
    js.stream()
    js.stream("U")
    before = js.ask("STREAM.LIST")["streams"]

    assert js.refusal(subject, document) == number

    after = js.ask("STREAM.LIST")["streams"]
    assert _without_time(before) == _without_time(after)


def _without_time(infos: object) -> list[dict[str, object]]:
    assert isinstance(infos, list)
    return [{key: value for key, value in info.items() if key != "ts"} for info in infos]


def test_update(js: VirtualJetStream) -> None:
    """Other subjects are listened to, others no more, and readers see the new configuration."""
    js.stream(subjects=["a", "b"])
    config = js.ask("STREAM.UPDATE.S", {"name": "S", "subjects": ["b", "c"], "max_msgs": 1})["config"]

    assert isinstance(config, dict)
    assert (config["subjects"], config["max_msgs"]) == (["b", "c"], 1)
    assert b"503" in js.raw("a")
    assert [js.publish("b")["seq"], js.publish("c")["seq"]] == [1, 2]
    assert js.ask("STREAM.INFO.S")["state"]["messages"] == 1  # type: ignore[index]
    assert js.refusal("STREAM.CREATE.T", {"name": "T", "subjects": ["a"]}) == 0


def test_limits_that_consumers_exceed(js: VirtualJetStream) -> None:
    """A new limit that a consumer does not keep is refused, and names it."""
    js.stream()
    js.consumer(max_ack_pending=50, inactive_threshold=10**10)
    base = {"name": "S", "subjects": ["s.>"]}
    assert js.refusal("STREAM.UPDATE.S", {**base, "consumer_limits": {"max_ack_pending": 10}}) == 10069
    assert js.refusal("STREAM.UPDATE.S", {**base, "consumer_limits": {"inactive_threshold": 10**9}}) == 10069
    assert js.refusal("STREAM.UPDATE.S", {**base, "consumer_limits": {"max_ack_pending": 50}}) == 0


def test_delete(js: VirtualJetStream) -> None:
    """A stream is gone with its consumers, and its subjects are nobody's."""
    js.stream()
    js.consumer()
    assert js.ask("STREAM.DELETE.S")["success"] is True
    assert js.refusal("STREAM.INFO.S") == 10059
    assert b"503" in js.raw("s.a")
    assert b"503" in js.raw("$JS.API.CONSUMER.MSG.NEXT.S.C")
    assert js.stream()["did_create"] is True
    assert js.ask("CONSUMER.NAMES.S")["consumers"] == []


def test_info(js: VirtualJetStream) -> None:
    """Subjects and removed sequences come on request."""
    js.stream()
    for subject in ("s.a", "s.b", "s.a"):
        js.publish(subject)
    js.ask("STREAM.MSG.DELETE.S", {"seq": 2})

    info = js.ask("STREAM.INFO.S", {"subjects_filter": ">", "deleted_details": True})

    state = info["state"]
    assert isinstance(state, dict)
    assert (info["total"], info["limit"], state["subjects"], state["deleted"]) == (
        1,
        100_000,
        {"s.a": 2},
        [2],
    )
    assert info["cluster"] == {"leader": "here"}


def test_info_from_an_offset(js: VirtualJetStream) -> None:
    """The offset is that of the request where the filter has subjects, and 0 where it has none."""
    js.stream()
    js.publish("s.a")

    found = [js.ask("STREAM.INFO.S", {"subjects_filter": each, "offset": 7}) for each in (">", "nosuch")]

    assert [(1, 7), (0, 0)] == [(info["total"], info["offset"]) for info in found]


def test_mirrors_and_sources(js: VirtualJetStream) -> None:
    """What is copied is said by the info, and a stream that comes later is found."""
    js.stream("M", subjects=[], mirror={"name": "O"})
    js.stream("Z", subjects=["z"], sources=[{"name": "O"}])
    js.stream("O")
    js.publish("o.a")
    js.server.advance(2)

    mirror, sources = js.ask("STREAM.INFO.M"), js.ask("STREAM.INFO.Z")
    assert mirror["mirror"]["name"] == "O"  # type: ignore[index]
    assert [source["name"] for source in sources["sources"]] == ["O"]  # type: ignore[attr-defined]
    assert mirror["state"]["messages"] == sources["state"]["messages"] == 1  # type: ignore[index]
    js.ask("STREAM.UPDATE.Z", {"name": "Z", "subjects": ["z"]})
    js.ask("STREAM.UPDATE.M", {"name": "M", "mirror": {"name": "O"}})
    assert "sources" not in js.ask("STREAM.INFO.Z")


def test_names_and_lists(js: VirtualJetStream) -> None:
    """They come sorted, in pages, and those alone that listen to a subject."""
    assert js.ask("STREAM.NAMES")["streams"] is None
    assert js.ask("STREAM.LIST")["streams"] == []
    for name in "CAB":
        js.stream(name)

    assert js.ask("STREAM.NAMES", {"offset": 1}) == {
        "type": "io.nats.jetstream.api.v1.stream_names_response",
        "total": 3,
        "offset": 1,
        "limit": 1024,
        "streams": ["B", "C"],
    }
    assert js.ask("STREAM.NAMES", {"subject": "*.x"})["streams"] == ["A", "B", "C"]
    assert js.ask("STREAM.NAMES", {"subject": "b.>"})["streams"] == ["B"]
    assert js.ask("STREAM.NAMES", {"offset": 9})["offset"] == 3
    listed = js.ask("STREAM.LIST", {"offset": -1})
    assert [info["config"]["name"] for info in listed["streams"]] == ["A", "B", "C"]  # type: ignore[attr-defined]
    assert "_nats.level" not in listed["streams"][0]["config"]["metadata"]  # type: ignore[index]


def test_a_long_list(js: VirtualJetStream) -> None:
    """A list is made in steps, and has a page's length; what was deleted meanwhile is left out."""
    for number in range(300):
        js.stream(f"N{number:03}")
    listed = js.ask("STREAM.LIST")
    assert (listed["total"], listed["limit"], len(listed["streams"])) == (300, 256, 256)  # type: ignore[arg-type]


def test_a_list_of_what_goes_meanwhile(js: VirtualJetStream) -> None:
    """What was deleted while a list is made is left out."""
    for number in range(40):
        js.stream(f"N{number:02}")
    calls = StreamCalls(js.jetstream.catalogue)
    steps = calls.infos(ApiRequest(b"$JS.API.STREAM.LIST", b"", b"", b"r"))
    next(steps)
    for name in list(js.jetstream.catalogue.streams):
        js.jetstream.catalogue.delete(name, lambda _failure: None)

    assert 0 < len(_result(steps)["streams"]) < 40  # type: ignore[arg-type]


def _result(steps: Generator[None, None, dict[str, object]]) -> dict[str, object]:
    """What it returns at its end."""
    results: list[dict[str, object]] = []

    def follow() -> Generator[None, None, None]:
        results.append((yield from steps))

    deque(follow(), maxlen=0)
    return results[0]


def test_purge(js: VirtualJetStream) -> None:
    """All, or by filter, up to a sequence, or but the newest."""
    js.stream()
    for number in range(10):
        js.publish(f"s.{number % 2}")
    assert js.ask("STREAM.PURGE.S", {"filter": "s.1", "keep": 1})["purged"] == 4
    assert js.ask("STREAM.PURGE.S", {"seq": 4})["purged"] == 2
    assert js.ask("STREAM.PURGE.S")["purged"] == 4
    assert js.publish("s.a")["seq"] == 11


class _FailingStorage(MemoryStorage):
    """Memory whose commits fail on command, and that may refuse new streams."""

    def __init__(self) -> None:
        super().__init__()
        self.failing: StorageFailure | None = None
        self.refusing: OSError | None = None

    def create(
        self, name: str, document: Document, *, first: int = 1, relaxed: bool = False
    ) -> MemoryStreamStorage:
        """Make a stream, or refuse it."""
        if self.refusing is not None:
            raise self.refusing
        made = super().create(name, document, first=first, relaxed=relaxed)

        def commit(done: Done, *, only_messages: bool = False) -> None:
            del only_messages
            done(self.failing)

        made.log.commit = commit  # type: ignore[method-assign]
        for owner, kind in (
            (made, "propose"),
            (made, "propose_consumer"),
            (made, "propose_deletion"),
            (made, "delete"),
            (made.log, "propose_removal"),
            (made.log, "propose_removal_before"),
        ):
            setattr(owner, kind, partial(self._unless_failing, getattr(owner, kind)))
        return made

    def _unless_failing(self, propose: Callable[..., None], *given: object, **named: object) -> None:
        if self.failing is None:
            propose(*given, **named)
            return
        done = given[-1]
        assert callable(done)
        done(self.failing)


def test_a_disk_that_fails(make_plane: MakePlane) -> None:
    """What is not safe is not acknowledged: each call says that the disk is full."""
    storage = _FailingStorage()
    js = VirtualJetStream(make_plane, files=storage)
    js.stream("OK")
    js.consumer("OK", "C")
    js.publish("ok.a")
    storage.failing = StorageFailure.FULL
    body = {"stream_name": "OK", "config": {"durable_name": "D", "ack_policy": "explicit"}}

    numbers = [
        js.refusal("STREAM.CREATE.S", {"name": "S"}),
        js.refusal("STREAM.UPDATE.OK", {"name": "OK", "subjects": ["ok.>"], "max_msgs": 5}),
        js.refusal("STREAM.PURGE.OK", {"seq": 1}),
        js.refusal("STREAM.MSG.DELETE.OK", {"seq": 1}),
        js.refusal("CONSUMER.CREATE.OK.D", body),
        js.refusal("CONSUMER.PAUSE.OK.C", {"pause_until": "2100-01-01T00:00:00Z"}),
        js.refusal("CONSUMER.RESET.OK.C"),
        js.refusal("CONSUMER.DELETE.OK.C"),
        js.refusal("STREAM.DELETE.OK"),
    ]

    assert numbers == [10049, 10069, 10110, 10057, 10012, 10012, 10012, 10012, 10050]


@pytest.mark.parametrize("failure", [StorageFailure.FULL, StorageFailure.BROKEN])
def test_what_is_refused_is_not_done(make_plane: MakePlane, failure: StorageFailure) -> None:
    """Neither now nor later: all is as it was, and may be changed when there is room."""
    storage = _FailingStorage()
    js = VirtualJetStream(make_plane, files=storage)
    js.stream("OK")
    js.consumer("OK", "C", max_deliver=5)
    for number in range(4):
        js.publish(f"ok.{number}")
    for _ in range(2):
        js.raw("$JS.API.CONSUMER.MSG.NEXT.OK.C")
    stored = storage.streams["OK"]

    def seen() -> list[object]:
        info, consumer = js.ask("STREAM.INFO.OK"), js.ask("CONSUMER.INFO.OK.C")
        for each in (info, consumer):
            each.pop("ts")
        return [info, consumer, stored.document, dict(stored.consumers)]

    before = seen()
    storage.failing = failure
    other: dict[str, object] = {
        "stream_name": "OK",
        "config": {"durable_name": "C", "ack_policy": "explicit", "max_deliver": 9},
    }
    changes: list[tuple[str, dict[str, object]]] = [
        ("STREAM.MSG.DELETE.OK", {"seq": 2}),
        ("STREAM.PURGE.OK", {"filter": "ok.1"}),
        ("STREAM.PURGE.OK", {}),
        ("STREAM.UPDATE.OK", {"name": "OK", "subjects": ["new.>"], "max_msgs": 1}),
        ("CONSUMER.CREATE.OK.C", other),
        ("CONSUMER.PAUSE.OK.C", {"pause_until": "2100-01-01T00:00:00Z"}),
        ("CONSUMER.RESET.OK.C", {}),
        ("CONSUMER.DELETE.OK.C", {}),
        ("STREAM.DELETE.OK", {}),
    ]
    for subject, document in changes:
        assert js.refusal(subject, document or b"")
        assert seen() == before, subject
    storage.failing = None

    assert js.stream("NEW").get("error") is None
    assert js.ask("STREAM.DELETE.NEW")["success"]
    assert [js.refusal(subject, document or b"") for subject, document in changes] == [0] * 9


@pytest.mark.parametrize("failure", [StorageFailure.FULL, StorageFailure.BROKEN])
def test_what_cannot_be_stored_is_not_made(make_plane: MakePlane, failure: StorageFailure) -> None:
    """A stream and a consumer whose creation is refused are not there, and may be made later."""
    storage = _FailingStorage()
    js = VirtualJetStream(make_plane, files=storage)
    js.stream("OK")
    watcher = js.connect()
    watcher.ask(b"SUB $JS.EVENT.ADVISORY.*.*.> 9\r\n")
    storage.failing = failure

    assert js.refusal("STREAM.CREATE.S", {"name": "S", "subjects": ["s"]}) == 10049
    body = {"stream_name": "OK", "config": {"durable_name": "D", "deliver_subject": "_I.d"}}
    assert js.refusal("CONSUMER.CREATE.OK.D", body) == 10012
    assert watcher.heard() == b""
    assert js.ask("STREAM.NAMES")["streams"] == ["OK"]
    assert js.ask("CONSUMER.NAMES.OK")["consumers"] == []
    assert b" 503\r\n" in js.raw("s")
    storage.failing = None
    assert "error" not in js.stream()
    assert "error" not in js.ask("CONSUMER.CREATE.OK.D", body)


def test_a_directory_that_cannot_be_made(make_plane: MakePlane) -> None:
    """A stream that cannot be stored is refused with the reason of the system."""
    storage = _FailingStorage()
    storage.refusing = OSError(28, "No space left on device")
    js = VirtualJetStream(make_plane, files=storage)
    error = js.stream()["error"]
    assert isinstance(error, dict)
    assert (error["err_code"], error["description"]) == (
        10049,
        "stream can not be stored: No space left on device",
    )


def test_a_stream_that_goes_before_its_answer(js: VirtualJetStream) -> None:
    """A stream that was deleted before it was safe is answered as not found."""
    js.client.send(
        b'PUB $JS.API.STREAM.CREATE.S _I.c 12\r\n{"name":"S"}\r\nPUB $JS.API.STREAM.DELETE.S _I.d 0\r\n\r\n'
    )
    js.server.advance(0.01)
    heard = js.client.heard()
    assert b'"success":true' in heard
    assert b'"err_code":10059' in heard


def test_an_update_of_no_name(js: VirtualJetStream) -> None:
    """It is refused for its name, not because that is not the one of the subject."""
    js.stream()
    assert js.refusal("STREAM.UPDATE.S", {}) == 10052
    assert js.refusal("STREAM.UPDATE.S", {"name": "T"}) == 10056
    assert js.refusal("STREAM.UPDATE.S", {"bogus": 1}) == 10025
