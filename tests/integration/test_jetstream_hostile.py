"""Hostile use of streams, beside a witness that must not notice (docs/jetstream.md has the table).

With ``PYNATSD_FULL_SIZE=1`` the counts are those of the table; else they are a hundredth.
"""

import json
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import fields
from itertools import product
from pathlib import Path
from typing import ClassVar

import pytest

from app.domain.jetstream.consumers.config import ConsumerConfig
from app.domain.jetstream.streams.config import StreamConfig
from tests.support.server_process import CURRENT, ServerProcess
from tests.support.stream_client import StreamClient, StreamWitness, message

pytestmark = pytest.mark.timeout(1800 if os.environ.get("PYNATSD_FULL_SIZE") == "1" else 300)

FACTOR = 100 if os.environ.get("PYNATSD_FULL_SIZE") == "1" else 1

JSON = Mapping[str, object]


class PatientServer(ServerProcess):
    """It may start and stop on a machine that does much else; each stream takes some syncs at its end."""

    start_seconds: ClassVar[float] = 120.0
    stop_seconds: ClassVar[float] = 120.0


class Scene:
    """A server, a client that misbehaves, and a witness."""

    def __init__(self, server: ServerProcess) -> None:
        self.server = server
        self._others: list[StreamClient] = []
        self.connect()

    def connect(self) -> None:
        """Have a client and a witness."""
        self.witness = StreamWitness(self.server.port)
        self.client = StreamClient(self.server.port)

    def expect_unharmed(self) -> None:
        """The witness works, and nothing in the server failed."""
        self.witness.expect_unharmed()
        assert "Internal error" not in self.server.log
        assert "Traceback" not in self.server.log

    def another(self) -> StreamClient:
        """One more client."""
        self._others.append(StreamClient(self.server.port))
        return self._others[-1]

    def close(self) -> None:
        """End the connections."""
        self.witness.close()
        self.client.close()
        while self._others:
            self._others.pop().close()


def flags(directory: Path) -> list[str]:
    """Of a server whose messages may be large."""
    file = directory / "server.conf"
    file.write_text("max_payload: 16MB\nmax_pending: 256MB\nping_interval: 3600\n")
    return [*CURRENT, "-c", str(file), "-js", "-sd", str(directory / "store")]


@pytest.fixture(scope="module", name="server")
def _server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with PatientServer(*flags(tmp_path_factory.mktemp("hostile"))) as server:
        yield server


@pytest.fixture(name="scene")
def _scene(server: ServerProcess) -> Iterator[Scene]:
    """The server, without streams of the test before."""
    with StreamClient(server.port) as cleaner:
        while names := cleaner.api("STREAM.NAMES")["streams"]:
            for name in names:
                assert not cleaner.refusal(f"STREAM.DELETE.{name}")
    with closing(Scene(server)) as scene:
        yield scene
        scene.expect_unharmed()


# --- JSON of every wrong type ---------------------------------------------------------------

WRONG: list[object] = [
    *(None, True, -1, 0, 1.5, 1e300, 2**63, 2**64, -(2**70), "", "x", "\ud800", "a.b c\r\n", "x" * 300),
    *([], [None], [[]], ["x"], {}, {"a": {}}, {"name": 1}, {"src": [], "dest": {}}),
    "0001-01-01T00:00:00Z",
    "9999-99-99T99:99:99Z",
]

BODIES: list[tuple[str, JSON, tuple[str, ...]]] = [
    ("STREAM.CREATE.T", {"name": "T", "subjects": ["t"]}, tuple(f.name for f in fields(StreamConfig))),
    ("STREAM.UPDATE.S", {"name": "S", "subjects": ["s.>"]}, tuple(f.name for f in fields(StreamConfig))),
    ("STREAM.INFO.S", {}, ("deleted_details", "subjects_filter", "offset")),
    ("STREAM.NAMES", {}, ("subject", "offset")),
    ("STREAM.LIST", {}, ("subject", "offset")),
    ("STREAM.PURGE.S", {}, ("filter", "seq", "keep")),
    ("STREAM.MSG.GET.S", {"seq": 1}, ("seq", "last_by_subj", "next_by_subj", "start_time", "batch")),
    ("STREAM.MSG.DELETE.S", {"seq": 99}, ("seq", "no_erase")),
    ("CONSUMER.CREATE.S", {"stream_name": "S"}, ("stream_name", "config", "action", "pedantic")),
    ("CONSUMER.NAMES.S", {}, ("offset",)),
    ("CONSUMER.LIST.S", {}, ("offset",)),
    ("CONSUMER.PAUSE.S.C", {}, ("pause_until",)),
    ("CONSUMER.RESET.S.C", {}, ("seq",)),
    ("CONSUMER.UNPIN.S.C", {}, ("group",)),
]
"""Calls, bodies that they take, and their fields."""

NESTED = {
    "mirror": ("name", "opt_start_seq", "opt_start_time", "filter_subject", "subject_transforms", "external"),
    "republish": ("src", "dest", "headers_only"),
    "subject_transform": ("src", "dest"),
    "placement": ("cluster", "tags", "preferred"),
    "consumer_limits": ("inactive_threshold", "max_ack_pending"),
}


def wrong_bodies() -> Iterator[tuple[str, object]]:
    """Calls with one field of a wrong type or value, or with a body that is no object."""
    for (call, body, names), value in product(BODIES, WRONG):
        yield call, value
        for name in names:
            yield call, {**body, name: value}
    for (block, names), value in product(NESTED.items(), WRONG):
        for name in names:
            yield "STREAM.CREATE.T", {"name": "T", block: {name: value}}
            yield "STREAM.CREATE.T", {"name": "T", "sources": [{"name": "S", name: value}, value]}
    for field, value in product(fields(ConsumerConfig), WRONG):
        for call in ("CONSUMER.CREATE.S", "CONSUMER.CREATE.S.D", "CONSUMER.DURABLE.CREATE.S.D"):
            durable = {"durable_name": "D"} if call != "CONSUMER.CREATE.S" else {}
            yield call, {"stream_name": "S", "config": {**durable, field.name: value}}


def test_json_of_every_wrong_type(scene: Scene) -> None:
    """Every body has one answer, most of them an error; none is a defect, and the stream is as it was."""
    client = scene.client
    assert not client.refusal("STREAM.CREATE.S", {"name": "S", "subjects": ["s.>"]})
    consumer = {"stream_name": "S", "config": {"durable_name": "C", "ack_policy": "explicit"}}
    assert not client.refusal("CONSUMER.DURABLE.CREATE.S.C", consumer)
    refused = 0
    for number, (call, body) in enumerate(wrong_bodies()):
        error = client.refusal(call, json.dumps(body).encode())
        assert error != 10051, (call, body)
        refused += error > 0
        if not error and call == "STREAM.CREATE.T":
            assert not client.refusal("STREAM.DELETE.T")
        if number % 500 == 0:
            scene.witness.expect_unharmed()
    assert refused > 2000
    assert not client.refusal("STREAM.INFO.S")


@pytest.mark.parametrize(
    "field", ["batch", "expires", "no_wait", "max_bytes", "idle_heartbeat", "id", "priority"]
)
def test_pulls_of_every_wrong_type(scene: Scene, field: str) -> None:
    """A pull has a status, messages, or it waits; a direct get has a status."""
    client = scene.client
    document = {"name": "S", "subjects": ["s"], "allow_direct": True}
    assert not client.refusal("STREAM.CREATE.S", document)
    consumer = {"stream_name": "S", "config": {"durable_name": "C", "ack_policy": "explicit"}}
    assert not client.refusal("CONSUMER.DURABLE.CREATE.S.C", consumer)
    for value in WRONG:
        body = json.dumps({field: value}).encode()
        client.publish("$JS.API.CONSUMER.MSG.NEXT.S.C", body, f"{client.inbox}.pull")
        client.publish("$JS.API.CONSUMER.MSG.NEXT.S.C", json.dumps(value).encode(), f"{client.inbox}.pull")
        head, _ = client.request("$JS.API.DIRECT.GET.S", body)
        assert head.startswith(b"NATS/1.0 4")
    client.fence()
    assert client.api("CONSUMER.INFO.S.C")["num_pending"] == 0


LARGE = 10 * 10**6

LARGE_BODIES = {
    "a text": b'{"name":"S","description":"%b"}' % (b"x" * LARGE),
    "objects": b'{"name":"S","subjects":[%b{}]}' % (b"{}," * (LARGE // 3)),
    "brackets": b"[" * LARGE,
    "digits": b'{"name":"S","max_msgs":%b}' % (b"9" * LARGE),
    "the same key": b'{%b"name":"S"}' % (b'"name":"T",' * (LARGE // 11)),
    "no JSON": bytes(LARGE),
}


@pytest.mark.parametrize("kind", LARGE_BODIES)
@pytest.mark.parametrize("size", [10**6, LARGE])
def test_json_of_ten_megabytes(scene: Scene, kind: str, size: int) -> None:
    """Ten megabytes are refused unread; one that is read costs little."""
    body = LARGE_BODIES[kind]
    body = body if size == LARGE else body[: size // 2] + body[-size // 2 :]
    for call in ("STREAM.CREATE.S", "CONSUMER.CREATE.WITNESS", "STREAM.MSG.GET.WITNESS"):
        assert scene.client.refusal(call, body) in (0, 10003, 10025, 10052)
        scene.witness.expect_unharmed()
    client = scene.client
    assert not client.refusal("STREAM.CREATE.P", {"name": "P", "subjects": ["p"]})
    consumer = {"stream_name": "P", "config": {"durable_name": "C"}}
    assert not client.refusal("CONSUMER.DURABLE.CREATE.P.C", consumer)
    client.publish("$JS.API.CONSUMER.MSG.NEXT.P.C", body, f"{client.inbox}.pull")
    assert scene.client.request("$JS.API.DIRECT.GET.WITNESS", body)[0].startswith(b"NATS/1.0 ")


def test_lists_that_are_long(scene: Scene) -> None:
    """A megabyte of subjects, filters, sources and transforms is refused, or taken, in short time."""
    client = scene.client
    subjects = [f"a{number}.b" for number in range(80_000)]
    assert client.refusal("STREAM.CREATE.S", {"name": "S", "subjects": subjects}) == 10052
    assert client.refusal("STREAM.CREATE.S", {"name": "S", "subjects": subjects[:10_000]}) == 0
    apart = [f"*.{number}" for number in range(10_000)]
    assert client.refusal("STREAM.CREATE.T", {"name": "T", "subjects": apart, "no_ack": True}) == 10052
    sources: list[dict[str, object]] = [{"name": f"O{number}"} for number in range(50_000)]
    assert client.refusal("STREAM.CREATE.T", {"name": "T", "sources": sources}) == 10052
    pairs = [{"src": f"a{number}.b", "dest": "b"} for number in range(20_000)]
    one = {"name": "O", "subject_transforms": pairs}
    assert client.refusal("STREAM.CREATE.T", {"name": "T", "sources": [one]}) == 10145
    client.send(b"".join(message(subject, b"x") for subject in subjects[:9999]))
    client.request(subjects[9999], b"x")
    for filters in (subjects[:20_000], [f"a{number}.*" for number in range(20_000)]):
        config: JSON = {"filter_subjects": filters, "ack_policy": "explicit"}
        document = {"stream_name": "S", "config": config}
        answer = client.api("CONSUMER.CREATE.S", document)
        assert answer.get("num_pending", 10_000) == 10_000
        scene.witness.expect_unharmed()


def test_requests_that_wait(scene: Scene) -> None:
    """Requests that come faster than they are served are dropped beyond their limits."""
    client = scene.client
    call = message(
        "$JS.API.STREAM.CREATE.S", b'{"name":"S","description":"%b"}' % (b"x" * 900_000), f"{client.inbox}.x"
    )
    scene.client.send(call * 200)
    answers = [json.loads(payload) for payload in scene.client.fence()]
    assert all(answer["error"]["err_code"] == 10052 for answer in answers)
    assert scene.client.refusal("STREAM.INFO.WITNESS") == 0


# --- many -------------------------------------------------------------------------------------


def test_ten_thousand_streams(tmp_path: Path) -> None:
    """They are made, listed in pages, used, and there after a restart."""
    count, config = 100 * FACTOR, flags(tmp_path)
    with PatientServer(*config) as server, closing(Scene(server)) as scene:
        _make_streams(scene, count)
    with PatientServer(*config) as server, StreamClient(server.port) as survivor:
        assert survivor.api("INFO")["streams"] == count + 1 - count // 10
        assert survivor.api("STREAM.INFO.S0")["state"]["messages"] == 1
        assert not survivor.refusal("STREAM.DELETE.WITNESS")
        with closing(Scene(server)) as scene:
            scene.expect_unharmed()


def _make_streams(scene: Scene, count: int) -> None:
    client = scene.client
    for number in range(count):
        storage = "memory" if number % 10 == 9 else "file"
        document = {"name": f"S{number}", "subjects": [f"s.{number}"], "storage": storage}
        assert not client.refusal(f"STREAM.CREATE.S{number}", document)
        if number % 500 == 0:
            scene.witness.expect_unharmed()
    for number in range(count):
        client.publish(f"s.{number}", b"x", f"{client.inbox}.ack")
    client.fence()
    found: list[str] = []
    while len(found) < count + 1:
        found += client.api("STREAM.NAMES", {"offset": len(found)})["streams"]
    assert len(set(found)) == count + 1
    listed = client.api("STREAM.LIST")
    assert [len(listed["streams"]), listed["total"]] == [min(256, count + 1), count + 1]
    assert client.api("INFO")["streams"] == count + 1
    scene.expect_unharmed()


def test_hundred_thousand_consumers(scene: Scene) -> None:
    """Of one stream: each is made, has its messages, and is listed."""
    client, count = scene.client, 1000 * FACTOR
    assert not client.refusal("STREAM.CREATE.S", {"name": "S", "subjects": ["s.*"]})
    for number in range(count):
        config = {"durable_name": f"C{number}", "ack_policy": "explicit", "filter_subject": f"s.{number}"}
        document = json.dumps({"stream_name": "S", "config": config}).encode()
        client.publish(f"$JS.API.CONSUMER.DURABLE.CREATE.S.C{number}", document, f"{client.inbox}.made")
        if number % 500 == 499:
            made = client.fence()
            while len(made) < 500:
                found = client.read()
                assert found is not None
                made.append(found[2])
            assert not [each for each in made if b'"error"' in each]
            scene.witness.expect_unharmed()
    client.publish(f"s.{count - 1}", b"x")
    client.fence()
    client.publish(f"$JS.API.CONSUMER.MSG.NEXT.S.C{count - 1}", b"1", f"{client.inbox}.pulled")
    delivered = client.read()
    assert delivered is not None
    assert delivered[0] == f"s.{count - 1}"
    assert client.api("STREAM.INFO.S")["state"]["consumer_count"] == count
    names = client.api("CONSUMER.NAMES.S", {"offset": count - 10})
    assert len(names["consumers"]) == 10


def test_a_million_pulls(scene: Scene) -> None:
    """As many wait as the consumer allows, the others are refused; each waiting one can have a message."""
    client, count = scene.client, 10_000 * FACTOR
    assert not client.refusal("STREAM.CREATE.S", {"name": "S", "subjects": ["s"]})
    for name, waiting in (("FEW", 0), ("MANY", count)):
        config = {"durable_name": name, "ack_policy": "explicit", "max_waiting": waiting}
        assert not client.refusal(f"CONSUMER.DURABLE.CREATE.S.{name}", {"stream_name": "S", "config": config})
    for name, refused in (("FEW", count - 512), ("MANY", 0)):
        answers = 0
        for number in range(0, count, 1000):
            pulls = range(number, number + 1000)
            call = f"$JS.API.CONSUMER.MSG.NEXT.S.{name}"
            body = b'{"batch":1,"expires":600000000000}'
            client.send(b"".join(message(call, body, f"{client.inbox}.p{n}") for n in pulls))
            answers += len(client.fence())
        while answers < refused:
            answers += client.read() is not None
        assert answers == refused
        scene.witness.expect_unharmed()
    assert client.api("CONSUMER.INFO.S.MANY")["num_waiting"] == count
    assert client.api("CONSUMER.INFO.S.FEW")["num_waiting"] == 512
    client.publish("s", b"x")
    got = [client.read(), client.read()]
    assert [each[::2] for each in got if each is not None] == [("s", b"x"), ("s", b"x")]


# --- acks that lie, and consumers that nobody reads ------------------------------------------

LIES = (
    "$JS.ACK.S.C.1.999.999.1.0",  # of the future
    "$JS.ACK.S.C.1.18446744073709551615.1.1.0",
    "$JS.ACK.S.C.1.99999999999999999999999.1.1.0",
    "$JS.ACK.S.C.1.-1.1.1.0",
    "$JS.ACK.S.C.1.0.0.1.0",
    "$JS.ACK.S.C.1.x.1.1.0",
    "$JS.ACK.S.C.....",
    "$JS.ACK.S.C.1.1.1.1",
    "$JS.ACK.S.C.1.1.1.1.0.0",
    "$JS.ACK.S.NONE.1.1.1.1.0",  # foreign
    "$JS.ACK.NONE.C.1.1.1.1.0",
    "$JS.ACK._.HASH.S.C.1.999.999.1.0",
    "$JS.ACK.S",
    "$JS.FC.S.C.none",
    "$JS.FC.S",
)
PAYLOADS = (
    b"",
    b"+ACK",
    b"-NAK",
    b"-NAK {",
    b"-NAK -5s",
    b"+WPI",
    b"+TERM x",
    b"+NXT {",
    b"\xff",
    b"+" * 1000,
)


def test_acks_that_lie(scene: Scene) -> None:
    """Acks for what was not delivered, that come twice, or that are malformed move nothing."""
    client = scene.client
    assert not client.refusal("STREAM.CREATE.S", {"name": "S", "subjects": ["s"]})
    config = {"durable_name": "C", "ack_policy": "explicit", "ack_wait": 600 * 10**9}
    assert not client.refusal("CONSUMER.DURABLE.CREATE.S.C", {"stream_name": "S", "config": config})
    for _ in range(10):
        client.publish("s", b"x")
    client.publish("$JS.API.CONSUMER.MSG.NEXT.S.C", b"5", f"{client.inbox}.pulled")
    for _ in range(5):
        assert client.read() is not None
    before = client.api("CONSUMER.INFO.S.C")
    for subject, payload in product(LIES, PAYLOADS):
        client.publish(subject, payload)
        client.publish(subject, payload, f"{client.inbox}.lie")
    client.fence()
    client.fence()
    after = client.api("CONSUMER.INFO.S.C")
    for each in (before, after):  # an ack is noted even if it means nothing
        each["ack_floor"].pop("last_active", None)
    for field in ("delivered", "ack_floor", "num_ack_pending", "num_redelivered", "num_pending"):
        assert after[field] == before[field], field
    for _ in range(2):  # twice
        assert client.request("$JS.ACK.S.C.1.1.1.1.0", b"+ACK") == (b"", b"")
        assert client.request("$JS.ACK.S.C.1.1.1.1.0", b"-NAK") == (b"", b"")
    settled = client.api("CONSUMER.INFO.S.C")
    assert (settled["ack_floor"]["stream_seq"], settled["num_ack_pending"]) == (1, 4)


@pytest.mark.parametrize("pushes", [True, False])
def test_consumers_that_nobody_reads(scene: Scene, pushes: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """A client that takes messages and never reads holds itself up; other consumers of the stream go on."""
    client = scene.client
    assert not client.refusal("STREAM.CREATE.S", {"name": "S", "subjects": ["s"], "storage": "memory"})
    deaf = scene.another()
    deaf.link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    config: dict[str, object] = {"durable_name": "DEAF", "ack_policy": "none"}
    if pushes:
        config |= {"deliver_subject": f"{deaf.inbox}.x"}
    assert not client.refusal("CONSUMER.DURABLE.CREATE.S.DEAF", {"stream_name": "S", "config": config})
    if not pushes:
        deaf.publish("$JS.API.CONSUMER.MSG.NEXT.S.DEAF", b"1000000", f"{deaf.inbox}.x")
        deaf.fence()
    config = {"durable_name": "C", "ack_policy": "explicit"}
    assert not client.refusal("CONSUMER.DURABLE.CREATE.S.C", {"stream_name": "S", "config": config})
    payload = bytes(100_000)
    for number in range(300):
        stored = json.loads(client.request("s", payload)[1])
        assert stored["seq"] == number + 1
        if number % 50 == 0:
            scene.witness.expect_unharmed()
    client.publish("$JS.API.CONSUMER.MSG.NEXT.S.C", b"300", f"{client.inbox}.pulled")
    for _ in range(300):
        found = client.read()
        assert found is not None
        assert (found[0], len(found[2])) == ("s", 100_000)


# --- clocks that jump -----------------------------------------------------------------------------

JUMPING = """
import os, time
_time, _time_ns, _place = time.time, time.time_ns, os.environ["CLOCK_OFFSET"]
def _offset():
    with open(_place) as file:
        return float(file.read() or 0)
time.time = lambda: _time() + _offset()
time.time_ns = lambda: _time_ns() + round(_offset() * 1e9)
"""


def test_clocks_that_jump(tmp_path: Path) -> None:
    """Times in a stream never decrease, and nothing expires early, is sent twice or lost meanwhile."""
    config = flags(tmp_path)
    (tmp_path / "sitecustomize.py").write_text(JUMPING)
    offset = tmp_path / "offset"
    offset.write_text("0")
    root = str(Path(__file__).parents[2])
    env = {"PYTHONPATH": f"{tmp_path}{os.pathsep}{root}", "CLOCK_OFFSET": str(offset)}
    with PatientServer(*config, env=env) as server, closing(Scene(server)) as scene:
        client = scene.client
        document = {"name": "S", "subjects": ["s"], "max_age": 3600 * 10**9}
        assert not client.refusal("STREAM.CREATE.S", document)
        consumer = {"durable_name": "C", "ack_policy": "explicit", "ack_wait": 600 * 10**9}
        assert not client.refusal("CONSUMER.DURABLE.CREATE.S.C", {"stream_name": "S", "config": consumer})
        times: list[str] = []
        for number, jump in enumerate((0, 1800, -1800, -86400 * 365, 0)):
            offset.write_text(str(jump))
            stored = json.loads(client.request("s", b"%d" % number)[1])
            times.append(client.api("STREAM.MSG.GET.S", {"seq": stored["seq"]})["message"]["time"])
            client.publish("$JS.API.CONSUMER.MSG.NEXT.S.C", b"1", f"{client.inbox}.pulled")
            delivered = client.read()
            assert delivered is not None
            assert delivered[::2] == ("s", b"%d" % number)
            scene.witness.expect_unharmed()
        assert times == sorted(times)
        info = client.api("CONSUMER.INFO.S.C")
        assert (info["num_ack_pending"], info["num_redelivered"]) == (5, 0)
        assert client.api("STREAM.INFO.S")["state"]["messages"] == 5
        scene.expect_unharmed()
    offset.write_text("-86400")
    with PatientServer(*config, env=env) as again, StreamClient(again.port) as survivor:
        assert survivor.api("STREAM.INFO.S")["state"]["messages"] == 5
        assert json.loads(survivor.request("s", b"more")[1])["seq"] == 6
        assert survivor.api("STREAM.MSG.GET.S", {"seq": 6})["message"]["time"] >= times[-1]
