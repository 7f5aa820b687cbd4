"""Consumers whose messages flow control acknowledges: here, and at nats-server where it is installed."""

import json
import signal
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
    stream,
)
from tests.support.server_process import CURRENT, ServerProcess

DELIVER = "d"
MOST_BEATS = 4
"""Heartbeats that come before a message at most."""


def consumer(**fields: object) -> Step:
    """Make the consumer C of the stream Q."""
    given = {"durable_name": "C", "ack_policy": "flow_control", "deliver_subject": DELIVER}
    config = {key: value for key, value in (given | fields).items() if value is not None}
    pedantic = {"pedantic": True} if config.pop("pedantic", False) else {}
    body = json.dumps({"stream_name": "Q", "config": config, **pedantic})

    def step(client: Client) -> object:
        return comparable(json.loads(client.ask_for("$JS.API.CONSUMER.CREATE.Q.C", body)[1]))

    return step


def drop() -> Step:
    """Delete the consumer."""
    return lambda client: comparable(json.loads(client.ask_for("$JS.API.CONSUMER.DELETE.Q.C")[1]))


def refused(**fields: object) -> list[Step]:
    """A configuration that is accepted or refused; the consumer goes again."""
    return [consumer(**fields), drop()]


def info(client: Client) -> object:
    """What the consumer says, but for when it delivered."""
    document = json.loads(client.ask_for("$JS.API.CONSUMER.INFO.Q.C")[1])
    for place in ("delivered", "ack_floor"):
        document[place].pop("last_active", None)
    return comparable(document)


def heard(count: int) -> Step:
    """Messages that are delivered; some heartbeats are passed over."""

    def step(client: Client) -> object:
        found: list[object] = []
        beats = 0
        while len(found) < count and beats < MOST_BEATS:
            answer = client.hear("2")
            if "Idle Heartbeat" in answer[0]:
                beats += 1
            else:
                found.append(answer)
        return found

    return step


def done(number: int, sequence: int) -> Step:
    """Answer the request for flow control that was heard last."""
    return lambda client: client.answer(
        {"Nats-Last-Consumer": f"{number}", "Nats-Last-Stream": f"{sequence}"}
    )


def publish(count: int) -> list[Step]:
    """Store messages."""
    return [lambda client: client.ask_for("q.1", "x") for _ in range(count)]


def beat(client: Client) -> object:
    """The next heartbeat, but for what it is stalled by."""
    while "Idle Heartbeat" not in (answer := client.hear("2"))[0]:
        pass
    return answer[0].partition("Nats-Consumer-Stalled")[0]


def reset(client: Client) -> object:
    """Deliver again what is not acknowledged."""
    return comparable(json.loads(client.ask_for("$JS.API.CONSUMER.RESET.Q.C")[1]))


def listen(client: Client) -> None:
    """Subscribe to the deliver subject."""
    client.listen(DELIVER)


def acked(client: Client) -> object:
    """Acknowledge the last message by its reply, which means nothing."""
    return client.ask_for("$JS.ACK.Q.C.1.1.1.1.0")


SCENES: dict[str, list[Step]] = {
    "configurations": [
        stream("Q"),
        consumer(),
        info,
        drop(),
        *refused(deliver_subject=None),
        *refused(ack_wait=10**9),
        *refused(backoff=[10**9]),
        *refused(max_deliver=3),
        *refused(max_deliver=-1),
        *refused(max_ack_pending=-1),
        *refused(max_ack_pending=7, flow_control=False, idle_heartbeat=5 * 10**9),
        *refused(pedantic=True),
        *refused(pedantic=True, flow_control=True),
        *refused(pedantic=True, flow_control=True, idle_heartbeat=10**9),
        *refused(pedantic=True, flow_control=True, idle_heartbeat=10**9, max_deliver=1),
        call("STREAM.DELETE.Q"),
        stream("Q", retention="workqueue"),
        consumer(),
        drop(),
        call("STREAM.DELETE.Q"),
    ],
    "deliveries": [
        listen,
        stream("Q", retention="workqueue"),
        *publish(2),
        consumer(max_ack_pending=4),
        heard(3),
        info,
        acked,
        done(1, 1),
        info,
        heard(1),
        info,
        *publish(5),
        heard(4),
        info,
        done(5, 5),
        heard(2),
        info,
        heard(1),
        beat,
        done(0, 7),
        beat,
        info,
        reset,
        heard(2),
        info,
    ],
}


@pytest.fixture(name="both", scope="module")
def _both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Answers, Answers]:
    """What our server answers; and nats-server, if it is there."""
    return played_at_both(SCENES, tmp_path_factory.mktemp("stores"))


@pytest.mark.parametrize("scene", SCENES)
def test_consumers_acknowledged_by_flow_control(both: tuple[Answers, Answers], scene: str) -> None:
    """Each step of a scene has the same answer."""
    ours, theirs = both

    assert theirs[scene] == ours[scene]


def test_what_flow_control_acknowledged_survives_a_kill(tmp_path: Path) -> None:
    """Once the server had time to write it, only messages after it come again on request."""
    flags = (*CURRENT, "-js", "-sd", str(tmp_path))
    with connected(first := ServerProcess(*flags)) as client:
        for step in (
            listen,
            stream("Q", storage="file"),
            *publish(3),
            consumer(),
            heard(4),
            done(2, 2),
            beat,
            beat,
        ):
            step(client)
        before = info(client)
        first.stop(signal.SIGKILL)
    with connected(ServerProcess(*flags)) as client:
        listen(client)
        after = info(client)

    assert before == after
    assert isinstance(after, dict)
    assert {"consumer_seq": 2, "stream_seq": 2} == after["ack_floor"]
    assert 1 == after["num_ack_pending"]
