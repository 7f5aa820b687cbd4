"""Copying by consumers: here, and at nats-server where it is installed."""

import json
import signal
import time
from pathlib import Path

import pytest

from tests.support.jetstream_client import (
    Answers,
    Client,
    Step,
    call,
    comparable,
    connected,
    played_at_both,
    pub,
    stream,
)
from tests.support.patience import PATIENCE
from tests.support.server_process import CURRENT, ServerProcess

BY: dict[str, object] = {"name": "C", "deliver_subject": "deliver"}
SOURCE: dict[str, object] = {"name": "O", "consumer": BY}


def consumer(**fields: object) -> Step:
    """Make the consumer C of the stream O."""
    config = {"durable_name": "C", "ack_policy": "flow_control", "deliver_subject": "deliver"} | fields
    return call("CONSUMER.CREATE.O.C", stream_name="O", config=config)


def made(name: str, /, **fields: object) -> Step:
    """Make a stream; what it says but for its sources, which may have begun."""
    step = stream(name, **fields)

    def made_one(client: Client) -> object:
        answer = step(client)
        assert isinstance(answer, dict)
        return {key: value for key, value in answer.items() if key not in ("sources", "mirror")}

    return made_one


def refused(*sources: object) -> list[Step]:
    """A stream with these sources, which is accepted or refused, and goes again."""
    return [made("R", sources=sources), call("STREAM.DELETE.R")]


def until(name: str, messages: int) -> Step:
    """Wait for messages of a stream; what its source or mirror says then, but for times and lag."""

    def step(client: Client) -> object:
        end = time.monotonic() + PATIENCE
        while True:
            info = json.loads(client.ask(f"$JS.API.STREAM.INFO.{name}")[1])
            if info["state"]["messages"] == messages:
                break
            assert time.monotonic() < end, info
        found = [*info.get("sources", ()), *([info["mirror"]] if "mirror" in info else ())]
        return [(each["name"], each.get("error")) for each in found], info["state"]["last_seq"]

    return step


def error(name: str, number: int) -> Step:
    """Wait for the error of a source."""

    def step(client: Client) -> object:
        end = time.monotonic() + PATIENCE
        while True:
            info = json.loads(client.ask(f"$JS.API.STREAM.INFO.{name}")[1])
            found = (info.get("sources") or [info.get("mirror")])[0].get("error")
            if found and found["err_code"] == number:
                return found
            assert time.monotonic() < end, info

    return step


def settled(count: int) -> Step:
    """Wait until the consumer has the acks of all; what it says then."""

    def step(client: Client) -> object:
        end = time.monotonic() + PATIENCE
        while True:
            info = json.loads(client.ask("$JS.API.CONSUMER.INFO.O.C")[1])
            if info["ack_floor"]["stream_seq"] == count:
                break
            assert time.monotonic() < end, info
        for place in ("delivered", "ack_floor"):
            info[place].pop("last_active", None)
        return comparable(info)

    return step


def copy(name: str, sequence: int) -> Step:
    """A copied message, without what names the origin's creation."""

    def step(client: Client) -> object:
        message = json.loads(client.ask(f"$JS.API.STREAM.MSG.GET.{name}", json.dumps({"seq": sequence}))[1])
        headers, payload = client.ask(f"$JS.API.DIRECT.GET.{name}", json.dumps({"seq": sequence}))
        marks = [line for line in headers.split("\r\n") if line.startswith("Nats-Stream-Source")]
        return message["message"]["subject"], payload, [mark.rpartition(" ")[0] for mark in marks]

    return step


SCENES: dict[str, list[Step]] = {
    "configurations": [
        stream("O"),
        *refused(SOURCE),
        *refused({"name": "O", "consumer": {}}),
        *refused({"name": "O", "consumer": {"name": "C"}}),
        *refused({"name": "O", "consumer": {"name": "a.b", "deliver_subject": "d"}}),
        *refused({"name": "O", "consumer": {"name": "C", "deliver_subject": "d.>"}}),
        *refused(SOURCE | {"opt_start_seq": 3}),
        *refused(SOURCE | {"filter_subject": "a"}),
        *refused(SOURCE | {"subject_transforms": [{"src": "o.*", "dest": "t.$1"}]}),
        *refused(SOURCE, {"name": "O"}),
        *refused(SOURCE, SOURCE),
        *refused(SOURCE, SOURCE | {"subject_transforms": [{"src": "o.*", "dest": "t.$1"}]}),
        *refused(SOURCE, {"name": "O", "consumer": {"name": "D", "deliver_subject": "e"}}),
        made("R", subjects=[], mirror=SOURCE),
        call("STREAM.DELETE.R"),
        made("R", subjects=[], mirror=SOURCE | {"filter_subject": "a"}),
        made("R", subjects=[], mirror=SOURCE | {"opt_start_seq": 3}),
        call("STREAM.DELETE.O"),
    ],
    "a source": [
        stream("O"),
        *[pub(f"o.{number}", f"{number}") for number in range(1, 6)],
        consumer(filter_subjects=["o.1", "o.3", "o.4", "o.9"]),
        made("T", subjects=[], sources=[SOURCE], allow_direct=True),
        until("T", 3),
        *[copy("T", number) for number in (1, 2, 3)],
        settled(4),
        *[pub("o.9", f"{number}") for number in range(3)],
        until("T", 6),
        settled(8),
        call("STREAM.DELETE.T"),
        call("STREAM.DELETE.O"),
    ],
    "a mirror of a work queue": [
        stream("O", retention="workqueue"),
        *[pub("o.1", f"{number}") for number in range(5)],
        consumer(),
        made("M", subjects=[], mirror=SOURCE, allow_direct=True),
        until("M", 5),
        settled(5),
        until("O", 0),
        pub("o.1", "last"),
        until("M", 6),
        copy("M", 6),
        call("STREAM.DELETE.M"),
        call("STREAM.DELETE.O"),
    ],
    "what is missing": [
        stream("O"),
        pub("o.1", "x"),
        made("T", subjects=[], sources=[SOURCE]),
        consumer(),
        until("T", 1),
        call("STREAM.DELETE.T"),
        call("CONSUMER.DELETE.O.C"),
        consumer(ack_policy="explicit"),
        made("T", subjects=[], sources=[SOURCE]),
        error("T", 10217),
        made("M", subjects=[], mirror=SOURCE),
        error("M", 10214),
    ],
}


@pytest.fixture(name="both", scope="module")
def _both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Answers, Answers]:
    """What our server answers; and nats-server, if it is there."""
    return played_at_both(SCENES, tmp_path_factory.mktemp("stores"))


@pytest.mark.parametrize("scene", SCENES)
def test_copies_by_consumers(both: tuple[Answers, Answers], scene: str) -> None:
    """Each step of a scene has the same answer."""
    ours, theirs = both

    assert theirs[scene] == ours[scene]


def test_copies_by_a_consumer_survive_a_kill(tmp_path: Path) -> None:
    """Each message of a work queue is copied once, whatever was confirmed before."""
    flags = (*CURRENT, "-js", "-sd", str(tmp_path))
    with connected(first := ServerProcess(*flags)) as client:
        for step in (
            stream("O", storage="file", retention="workqueue"),
            consumer(),
            made("T", subjects=[], storage="file", sources=[SOURCE], allow_direct=True),
            *[pub("o.1", f"{number}") for number in range(20)],
            until("T", 20),
        ):
            step(client)
        first.stop(signal.SIGKILL)
    with connected(ServerProcess(*flags)) as client:
        for number in range(20, 25):
            pub("o.1", f"{number}")(client)
        until("T", 25)(client)
        payloads = [client.ask("$JS.API.DIRECT.GET.T", json.dumps({"seq": each}))[1] for each in range(1, 26)]

    assert [str(number) for number in range(25)] == payloads
