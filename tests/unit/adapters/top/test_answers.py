"""What servers of ten years say, read for the board."""

import json

import pytest

from app.adapters.top.answers import (
    ClientAnswer,
    InvalidAnswer,
    ServerAnswer,
    TrafficTotals,
    read_clients,
    read_server,
)

VARZ = {
    "server_id": "LxF7E8Kra9loTEeNDPbyfH",
    "version": "0.8.0",
    "uptime": "3m20s",
    "cpu": 8.5,
    "mem": 7471104,
    "in_msgs": 1,
    "out_msgs": 2,
    "in_bytes": 3,
    "out_bytes": 4,
    "slow_consumers": 5,
}
ENTRY = {
    "cid": 7,
    "ip": "192.0.2.1",
    "port": 4711,
    "last_activity": "2026-11-25T09:57:17.557717664Z",
    "uptime": "3s",
    "pending_bytes": 12,
    "in_msgs": 1,
    "out_msgs": 2,
    "in_bytes": 3,
    "out_bytes": 4,
    "subscriptions": 1,
    "name": "billing",
    "lang": "go",
    "version": "1.1.0",
    "subscriptions_list": ["a.>"],
}


def encoded(document: object) -> bytes:
    """An answer's body."""
    return json.dumps(document).encode()


def test_a_server() -> None:
    """All that the board shows of a server is taken from its answer."""
    expected = ServerAnswer(
        "LxF7E8Kra9loTEeNDPbyfH", "", "0.8.0", "3m20s", 8.5, 7471104, 5, TrafficTotals(1, 2, 3, 4)
    )

    assert expected == read_server(encoded(VARZ))


@pytest.mark.parametrize(("given", "shown"), [("edge-1", "edge-1"), (VARZ["server_id"], "")])
def test_a_name_that_is_none(given: str, shown: str) -> None:
    """A server that has no name of its own gives its id for one, which need not be shown twice."""
    assert shown == read_server(encoded({**VARZ, "server_name": given})).name


def test_a_whole_number_for_a_share() -> None:
    """A processor that is idle is reported as 0 and not as 0.0."""
    assert 0.0 == read_server(encoded({**VARZ, "cpu": 0})).cpu


def test_a_client() -> None:
    """All that the board shows of a client is taken from its entry."""
    expected = ClientAnswer(
        cid=7,
        ip="192.0.2.1",
        port=4711,
        name="billing",
        subs=1,
        pending=12,
        traffic=TrafficTotals(1, 2, 3, 4),
        lang="go",
        version="1.1.0",
        uptime="3s",
        last_activity="2026-11-25T09:57:17.557717664Z",
        subjects=("a.>",),
    )

    assert (expected,) == read_clients(encoded({"connections": [ENTRY]}))


@pytest.mark.parametrize("value", [None, [], {}, "x", True, 1.5])
@pytest.mark.parametrize("field", ENTRY)
def test_a_field_of_another_type(field: str, value: object) -> None:
    """A field that is not what it should be spoils neither its entry nor the answer."""
    [client] = read_clients(encoded({"connections": [{**ENTRY, field: value}]}))

    assert isinstance(client.cid, int)
    assert isinstance(client.name, str)


def test_what_is_missing() -> None:
    """An entry without a field counts as having nothing of it."""
    [client] = read_clients(b'{"connections":[{"cid":1}]}')

    assert (1, "", 0, TrafficTotals(), ()) == (
        client.cid,
        client.name,
        client.pending,
        client.traffic,
        client.subjects,
    )


@pytest.mark.parametrize("body", [b"{}", b'{"connections":null}', b'{"connections":[1,"x",null]}'])
def test_no_clients(body: bytes) -> None:
    """Where there is no list of entries there are no clients."""
    assert () == read_clients(body)


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff", b"[" * 100_000])
def test_no_json(body: bytes) -> None:
    """What is no JSON is no monitoring port, as the error asks to check."""
    with pytest.raises(InvalidAnswer, match="/varz is not JSON: is this the monitoring port"):
        read_server(body)


@pytest.mark.parametrize("body", [b"[]", b"1", b"null"])
def test_no_object(body: bytes) -> None:
    """JSON of another shape is an error of one line."""
    with pytest.raises(InvalidAnswer, match=r"^/connz is not a JSON object$"):
        read_clients(body)


def test_something_else_that_speaks_json() -> None:
    """A JSON object without a server_id is another service."""
    with pytest.raises(InvalidAnswer, match="has no server_id"):
        read_server(b'{"status":"ok"}')
