"""The JSON of a trace event."""

import pytest

from app.domain.message_trace.event import NO_SUPPORT, TraceEvent, TraceKind
from app.domain.message_trace.request import TraceRequest
from app.domain.protocol.encode import ServerInfo

TIME = "2001-09-09T01:46:40Z"
INFO = ServerInfo(
    "ID", "2.12.0", "py", "h", 1, auth_required=False, tls_required=False, tls_verify=False, max_payload=9
)


def test_fields_and_their_order() -> None:
    """Fields come in nats-server's order, and empty ones are left out."""
    event = TraceEvent(TraceRequest(b"t", only=False, header={"b": ["<"], "A": ["1"]}), 7, lambda: 10**18)

    event.came_in(TraceKind.LEAF, 1, "", b"a", "no")
    event.for_client(2, "n", b">", b"q")
    event.went_out(TraceKind.ROUTE, 3, "r", event.next_hop(), NO_SUPPORT)

    assert 3 == event.count
    text = (
        '{"server":{"name":"ID","host":"h","id":"ID","ver":"2.12.0","jetstream":false,"flags":0,"seq":5,'
        f'"time":"{TIME}"}},"request":{{"header":{{"A":["1"],"b":["\\u003c"]}},"msgsize":7}},"hops":1,"events":['
        f'{{"type":"in","ts":"{TIME}","kind":4,"cid":1,"acc":"$G","subj":"a","error":"no"}},'
        f'{{"type":"eg","ts":"{TIME}","kind":0,"cid":2,"name":"n","sub":"\\u003e","queue":"q"}},'
        f'{{"type":"eg","ts":"{TIME}","kind":1,"cid":3,"name":"r","hop":"1","error":"{NO_SUPPORT}"}}]}}'
    )
    assert text == event.text(INFO, 5).decode()


@pytest.mark.parametrize(
    ("kind", "ways"),
    [
        (TraceKind.LEAF, ["2.1.1", "2.1.2"]),
        (TraceKind.ROUTE, ["2.1.1", "2.1.2"]),
        (TraceKind.CLIENT, ["1", "2"]),
    ],
)
def test_hops(kind: TraceKind, ways: list[str]) -> None:
    """The way to a further server begins with that to this one, which a client cannot say."""
    event = TraceEvent(TraceRequest(b"t", only=False, header={"Nats-Trace-Hop": ["2.1"]}), 7, lambda: 0)

    event.came_in(kind, 1, "n", b"a")

    assert ways == [event.next_hop(), event.next_hop()]


def test_steps_of_streams() -> None:
    """Their fields come in nats-server's order; the event is complete when all are, and all is delivered."""
    event = TraceEvent(TraceRequest(b"t", only=True, header={}), 0, lambda: 10**18)
    sent: list[bytes] = []
    first, second = (event.to_stream(name, only=name == "A") for name in "AB")
    assert first.only
    assert not second.only

    first.end()
    event.delivered(lambda: sent.append(event.text(INFO, 1)))
    second.passed(b"b", is_wanted=False)
    before = list(sent)
    second.end("no")

    assert [] == before
    (text,) = sent
    steps = (
        f'{{"type":"js","ts":"{TIME}","stream":"A"}},'
        f'{{"type":"js","ts":"{TIME}","stream":"B","subject":"b","nointerest":true,"error":"no"}}'
    )
    assert text.decode().endswith(f'"events":[{steps}]}}')
