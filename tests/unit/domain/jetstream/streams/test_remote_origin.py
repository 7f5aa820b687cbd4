"""Unit tests of what is said to an origin in another domain, and of what it answers."""

import json

import pytest

from app.domain.jetstream.streams.config import External, StreamSource, SubjectMapping
from app.domain.jetstream.streams.remote_origin import (
    Delivered,
    RemoteConsumer,
    RemoteStart,
    api_subject,
    deliver_subject,
    is_control,
    is_status,
    read_answer,
    read_reply,
    stable_name,
)

HUB = External("$JS.HUB.API", "")


def wanted(start: RemoteStart | None = None, level: int = 4, domain: str = "LEAF") -> RemoteConsumer:
    """A consumer of a mirror M."""
    return RemoteConsumer("MIRROR", "M", domain, "JS_MIRROR_x", "$JS.M.y", start or RemoteStart(), level)


def config_of(consumer: RemoteConsumer, source: StreamSource) -> dict[str, object]:
    """The configuration in the request."""
    config: dict[str, object] = json.loads(consumer.request(source)[1])["config"]
    return config


def test_the_request_of_a_mirror() -> None:
    """It is the one that nats-server makes, but for names."""
    subject, payload = wanted().request(StreamSource("TEST", external=HUB))

    assert "$JS.HUB.API.CONSUMER.CREATE.TEST" == subject
    assert {
        "stream_name": "TEST",
        "config": {
            "name": "JS_MIRROR_x",
            "deliver_policy": "all",
            "ack_policy": "none",
            "ack_wait": 79200000000000,
            "max_deliver": 1,
            "replay_policy": "instant",
            "flow_control": True,
            "deliver_subject": "$JS.M.y",
            "idle_heartbeat": 1000000000,
            "inactive_threshold": 10000000000,
            "num_replicas": 0,
            "direct": True,
            "sourcing": True,
            "metadata": {
                "_nats.mirror.acc": "$G",
                "_nats.mirror.domain": "LEAF",
                "_nats.mirror.stream": "M",
            },
        },
        "action": "",
    } == json.loads(payload)


def test_the_request_for_older_servers() -> None:
    """Without a level there is no word of sourcing; without a domain none of that."""
    config = config_of(wanted(level=0, domain=""), StreamSource("TEST", external=HUB))

    assert "sourcing" not in config
    assert {"_nats.mirror.acc": "$G", "_nats.mirror.stream": "M"} == config["metadata"]
    assert b"" == wanted(level=0).headers("")


@pytest.mark.parametrize(
    ("start", "fields"),
    [
        (RemoteStart(7), {"deliver_policy": "by_start_sequence", "opt_start_seq": 7}),
        (RemoteStart(7, 5), {"deliver_policy": "by_start_sequence", "opt_start_seq": 7}),
        (
            RemoteStart(0, 10**9),
            {"deliver_policy": "by_start_time", "opt_start_time": "1970-01-01T00:00:01Z"},
        ),
    ],
)
def test_where_to_begin(start: RemoteStart, fields: dict[str, object]) -> None:
    """At a sequence, or at a time, or at the first message."""
    config = config_of(wanted(start), StreamSource("TEST", external=HUB))

    assert fields == {name: value for name, value in config.items() if name in fields}
    assert len(fields) == len({"deliver_policy", "opt_start_seq", "opt_start_time"} & set(config))


def test_one_filter_is_in_the_subject() -> None:
    """Permissions may be for some subjects alone."""
    source = StreamSource("TEST", filter_subject="a.*", external=HUB)
    subject, _ = wanted().request(source)

    assert "$JS.HUB.API.CONSUMER.CREATE.TEST.JS_MIRROR_x.a.*" == subject
    assert "a.*" == config_of(wanted(), source)["filter_subject"]


def test_several_filters() -> None:
    """Those of all transforms are in the configuration."""
    transforms = (SubjectMapping("a", "b"), SubjectMapping("c", "d"))
    source = StreamSource("TEST", subject_transforms=transforms, external=HUB)

    assert "$JS.HUB.API.CONSUMER.CREATE.TEST" == wanted().request(source)[0]
    assert ["a", "c"] == config_of(wanted(), source)["filter_subjects"]


def test_the_headers_of_a_request() -> None:
    """The level, and the identity of the stream that was copied from."""
    assert b"NATS/1.0\r\nNats-Required-Api-Level: 4\r\nNats-Stream-Identity: abc\r\n\r\n" == wanted().headers(
        "abc"
    )


def test_subjects() -> None:
    """Prefixes may end with a dot; without one it is that of this account."""
    dotted = StreamSource("T", external=External("$JS.HUB.API.", "dlv."))

    assert "$JS.HUB.API.INFO" == api_subject(dotted, "INFO")
    assert "$JS.API.INFO" == api_subject(StreamSource("T"), "INFO")
    assert "dlv.M.x" == deliver_subject(dotted, "M", "x")
    assert "$JS.S.x" == deliver_subject(StreamSource("T", external=HUB), "S", "x")
    assert "$JS.S.x" == deliver_subject(StreamSource("T"), "S", "x")


def test_names_are_stable() -> None:
    """The same stream asks for the same consumer, another one for another."""
    assert stable_name("SRC", "a", "b") == stable_name("SRC", "a", "b")
    assert stable_name("SRC", "a", "b") != stable_name("SRC", "a", "c")
    assert stable_name("MIRROR", "a").startswith("JS_MIRROR_")


def test_an_answer() -> None:
    """The name, where it delivers, how much is to come, and which stream it is."""
    document = {"name": "C", "num_pending": 3, "config": {"deliver_subject": "d.x"}}
    headers = b"NATS/1.0\r\nNats-Stream-Identity: abc\r\n\r\n"

    assert (None, "C", "d.x", 3, "abc") == read_answer(headers, json.dumps(document).encode())


@pytest.mark.parametrize("identity", ["a b", "", 65 * "x", "ä"])
def test_an_identity_that_is_none(identity: str) -> None:
    """It cannot be a word in a header field."""
    headers = f"NATS/1.0\r\nNats-Stream-Identity: {identity}\r\n\r\n".encode()

    assert "" == read_answer(headers, b'{"name":"C","config":{"deliver_subject":"d"}}').identity


def test_a_refusal() -> None:
    """The error is the one that the other server gave."""
    error = {"code": 404, "err_code": 10059, "description": "stream not found"}
    answer = read_answer(b"", json.dumps({"error": error}).encode())

    assert answer.error is not None
    assert error == answer.error.as_json()


@pytest.mark.parametrize(
    "payload", [b"", b"x", b"[]", b'{"name":"C"}', b'{"name":7}', b'{"config":{"deliver_subject":"d"}}']
)
def test_an_answer_that_is_none(payload: bytes) -> None:
    """It counts as a refusal."""
    error = read_answer(b"", payload).error

    assert error is not None
    assert 10025 == error.number


@pytest.mark.parametrize(
    "reply",
    [b"$JS.ACK.S.C.1.5.2.99.7", b"$JS.ACK.HUB.hash.S.C.1.5.2.99.7", b"$JS.ACK.HUB.hash.S.C.1.5.2.99.7.rnd"],
)
def test_a_reply_subject(reply: bytes) -> None:
    """The shorter and the longer form say the same."""
    assert Delivered(b"S", b"C", 1, 5, 2, 99, 7) == read_reply(reply)


@pytest.mark.parametrize(
    "reply",
    [
        b"",
        b"_INBOX.x",
        b"$JS.ACK.S.C.1.5.2.99",
        b"$JS.ACK.S.C.1.5.2.99.x",
        b"$JS.FCX.S.C.1.5.2.99.7",
        b"$JS.ACK.S.C.1.5.2.99.7.8.9.10.11",
        b"$JS.ACK.S.C.1.5.2.99." + 30 * b"9",
        b"$JS.ACK.S.C.1.5.2.99.9223372036854775808",
    ],
)
def test_other_reply_subjects(reply: bytes) -> None:
    """What is no ack subject says nothing."""
    assert read_reply(reply) is None


def test_statuses() -> None:
    """A status has no payload; heartbeats and requests for a confirmation have 100."""
    beat, gone = b"NATS/1.0 100 Idle Heartbeat\r\n\r\n", b"NATS/1.0 409 Consumer Deleted\r\n\r\n"

    assert [True, True, False, False] == [
        is_status(beat, b""),
        is_status(gone, b""),
        is_status(beat, b"x"),
        is_status(b"NATS/1.0\r\nA: b\r\n\r\n", b""),
    ]
    assert [True, False] == [is_control(beat), is_control(gone)]
