"""Calls that are not served."""

import pytest

from tests.support.virtual_jetstream import VirtualJetStream


@pytest.mark.parametrize(
    "call", ["STREAM.LEADER.STEPDOWN.S", "STREAM.PEER.REMOVE.S", "CONSUMER.LEADER.STEPDOWN.S.C"]
)
def test_calls_for_clusters(js: VirtualJetStream, call: str) -> None:
    """They say that there is no cluster."""
    assert js.refusal(call) == 10010


@pytest.mark.parametrize(
    ("call", "body", "number"),
    [
        ("SNAPSHOT.S", b"", 10003),
        ("SNAPSHOT.S", b" {} ", 10003),
        ("SNAPSHOT.T", {"deliver_subject": "d"}, 10059),
        ("SNAPSHOT.S", b"[", 10025),
        ("SNAPSHOT.S", {"deliver_subject": "d", "nope": 1}, 10025),
        ("SNAPSHOT.S", {"deliver_subject": "d.*"}, 10015),
        ("SNAPSHOT.S", {"chunk_size": 1, "window_size": 1, "no_consumers": True, "jsck": True}, 10015),
        ("SNAPSHOT.S", {"deliver_subject": "d"}, 10064),
        ("RESTORE.S", b"", 10003),
        ("RESTORE.S", {"state": {}}, 10056),
        ("RESTORE.S", {"config": {"name": "T"}}, 10056),
        ("RESTORE.S", {"config": {"nope": 1}}, 10025),
        ("RESTORE.S", {"config": {"name": "S"}, "state": {"messages": 1}}, 10064),
    ],
)
def test_backups(js: VirtualJetStream, call: str, body: dict[str, object] | bytes, number: int) -> None:
    """A request with mistakes has the error of nats-server; one without is refused."""
    js.stream()
    assert js.refusal(f"STREAM.{call}", body) == number
