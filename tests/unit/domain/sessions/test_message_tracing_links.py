"""Message tracing over links to other servers, over both twins."""

import json
from dataclasses import replace

import pytest

from app.domain.dataplane.seam import MakePlane
from app.domain.limits import Limits
from app.domain.message_trace.event import NO_SUPPORT, NO_SUPPORT_ONLY, PUBLISH_DENIED
from app.domain.permissions.rules import Permissions, Rule, entry
from app.domain.sessions import message_tracing
from tests.fakes.single_user import SingleUser
from tests.support.virtual_broker import VirtualClient
from tests.support.virtual_cluster import GREATER_ID, RoutedBrokerOfToday
from tests.support.virtual_leaves import REMOTE, LeafBroker, VirtualLeaves

TO_T = b"Nats-Trace-Dest:t\r\n"
ONLY = TO_T + b"Nats-Trace-Only:1\r\n"
CONNECT = b'CONNECT {"verbose":false,"headers":true,"no_responders":true,"name":"c"}\r\n'


def block_of(fields: bytes) -> bytes:
    """The header block with these fields."""
    return b"NATS/1.0\r\n%b\r\n" % fields


def message(verb: bytes, fields: bytes, words: bytes = b"a") -> bytes:
    """A message with these fields; `words` come before its sizes."""
    block = block_of(fields)
    return b"%b %b %d %d\r\n%bhi\r\n" % (verb, words, len(block), len(block) + 2, block)


def hop_of(data: bytes) -> str:
    """The last way that a message there has noted."""
    return data.rpartition(b"Nats-Trace-Hop: ")[2].partition(b"\r\n")[0].decode()


def events_in(data: bytes) -> list[dict[str, object]]:
    """All events, in their order."""
    return [json.loads(line) for line in data.split(b"\r\n") if line.startswith(b'{"server"')]


def steps(event: dict[str, object]) -> list[list[object]]:
    """Type, kind, name, way and error of each."""
    events = event["events"]
    assert isinstance(events, list)
    return [[one.get(key) for key in ("type", "kind", "name", "hop", "error")] for one in events]


def trace(leaves: VirtualLeaves, reader: VirtualClient, number: int, fields: bytes) -> dict[str, object]:
    """What the servers report of a message of a client of that server: steps by the way to each."""
    leaves.client(number).send(message(b"HPUB", fields))
    found: dict[str, object] = {}
    for event in events_in(leaves.heard(reader)):
        request = event["request"]
        assert isinstance(request, dict)
        found[request["header"].get("Nats-Trace-Hop", [""])[0]] = (event.get("hops"), steps(event))
    return found


@pytest.mark.parametrize("fields", [TO_T, ONLY])
def test_a_way_over_several_servers(make_plane: MakePlane, fields: bytes) -> None:
    """Each server reports its part: a leaf node, its hub, and another server of the hub's cluster."""
    leaves = VirtualLeaves(make_plane)
    hub = leaves.add(cluster="c")
    other = leaves.add(cluster="c", routes=(hub,))
    leaf = leaves.add(hub)
    leaves.start()
    receivers = [leaves.client(number, b"SUB a 1") for number in (hub, other)]
    reader = leaves.client(other, b"SUB t 1")

    found = trace(leaves, reader, leaf, fields)

    out = ["eg", 0, None, None, None]
    assert {
        "": (1, [["in", 0, None, None, None], ["eg", 4, "server-1", "1", None]]),
        "1": (1, [["in", 4, "server-3", None, None], out, ["eg", 1, f"{other:022}", "1.1", None]]),
        "1.1": (None, [["in", 1, f"{hub:022}", None, None], out]),
    } == found
    delivered = b"".join(leaves.heard(receiver) for receiver in receivers)
    assert (2 if fields == TO_T else 0) == delivered.count(b"hi\r\n")
    assert ("1.1" if fields == TO_T else "") == hop_of(delivered)
    back = trace(leaves, reader, hub, fields)
    assert {"", "1"} == set(back)


def traced_route(make_plane: MakePlane, *, traces: bool = True) -> tuple[bytes, bytes]:
    """What another server, and a reader of events, get of a message and of one that is only traced."""
    server = RoutedBrokerOfToday(make_plane)
    route = server.joined(GREATER_ID, headers=True, traces=traces)
    route.send(b"SUB a RSID:1:1\r\n")
    reader, publisher = server.connect(), server.connect()
    reader.send(CONNECT + b"SUB t 1\r\n")
    publisher.send(CONNECT + b"SUB re 1\r\n")
    route.heard()
    publisher.send(message(b"HPUB", TO_T, b"a re") + message(b"HPUB", ONLY, b"a re"))
    server.settle()
    assert (not traces) == (b" 503\r\n" in publisher.heard())
    return route.heard(), reader.heard()


def test_servers_that_trace(make_plane: MakePlane) -> None:
    """Another server of the cluster gets what is only traced, too, with the way there."""
    sent, heard = traced_route(make_plane)

    assert 2 == sent.count(b"hi\r\n") == sent.count(b"Nats-Trace-Hop: 1\r\n\r\n")
    assert 2 * [["eg", 1, GREATER_ID, "1", None]] == [steps(event)[1] for event in events_in(heard)]


def test_servers_that_do_not(make_plane: MakePlane) -> None:
    """One that does not say that it traces does not get it, and a request without others is answered."""
    sent, heard = traced_route(make_plane, traces=False)

    assert 1 == sent.count(b"hi\r\n")
    assert [NO_SUPPORT, NO_SUPPORT_ONLY] == [steps(event)[1][4] for event in events_in(heard)]


@pytest.mark.parametrize("way", [b"2", b"x" * 1000, b"1.1.1.1"])
def test_a_way_that_another_server_says(make_plane: MakePlane, way: bytes) -> None:
    """It goes on with a way that servers write; anything else is taken for none."""
    server = LeafBroker(make_plane)
    one, two = server.joined("one", protocol=3), server.joined("two", protocol=3)
    two.send(b"LS+ a\r\n")
    two.heard()

    one.send(message(b"HMSG", TO_T + b"Nats-Trace-Hop: %b\r\n" % way))

    assert ("1" if b"x" in way else f"{way.decode()}.1") == hop_of(two.heard())
    assert not one.is_over


def test_links_of_older_servers(make_plane: MakePlane) -> None:
    """Those that speak an older protocol are not expected to trace; what they send is traced."""
    server = LeafBroker(make_plane, REMOTE)
    peers = [server.joined(protocol=2), server.reached(proto=2), server.joined("new", protocol=3)]

    assert [False, False, True] == [peer.session.traces for peer in peers]
    assert all(peer.connection.inlet.traces for peer in peers)


def test_several_queue_groups_at_a_link(make_plane: MakePlane) -> None:
    """They are one receiver: the link, with one way."""
    server = LeafBroker(make_plane)
    peer = server.joined(protocol=3)
    peer.send(b"LS+ a p 1\r\nLS+ a q 1\r\nLS+ a\r\n")
    reader = server.current()
    reader.send(b"SUB t 1\r\n")
    peer.heard()

    server.current().send(message(b"HPUB", TO_T))
    server.settle()

    assert peer.heard().startswith(b"HMSG a | p q ")
    (event,) = events_in(reader.heard())
    assert ["eg", 4, "leaf", "1", None] == steps(event)[1]
    assert 2 == len(steps(event))


def test_a_large_message(make_plane: MakePlane) -> None:
    """The way is left out where the message would be larger than links take; steps are bounded."""
    fields = TO_T + b"X:%b\r\n" % (800 * b"x")
    server = LeafBroker(make_plane, limits=replace(Limits(), max_payload=len(block_of(fields)) + 2))
    peer = server.joined(protocol=3)
    peer.send(b"LS+ a\r\n")
    peer.heard()

    server.current().send(message(b"HPUB", fields))

    assert peer.heard().endswith(message(b"HMSG", fields))


def test_steps_are_bounded(make_plane: MakePlane, monkeypatch: pytest.MonkeyPatch) -> None:
    """Links above the limit get the message with its way, and are not in the event."""
    monkeypatch.setattr(message_tracing, "MOST_STEPS", 1)
    server = LeafBroker(make_plane)
    peer, reader = server.joined(protocol=3), server.current()
    peer.send(b"LS+ a\r\n")
    reader.send(b"SUB t 1\r\n")
    peer.heard()

    server.current().send(message(b"HPUB", TO_T))
    server.settle()

    assert "1" == hop_of(peer.heard())
    (event,) = events_in(reader.heard())
    assert (1, 1) == (event["hops"], len(steps(event)))


def test_rights_of_a_leaf_node(make_plane: MakePlane) -> None:
    """Events go only where it may publish: else its message goes nowhere, and the link goes on."""
    rules = Permissions(publish=Rule((entry("a"), entry("t"))))
    server = LeafBroker(make_plane, gatekeeper=SingleUser("u", "s", rules))
    peer = server.joined(protocol=3, **{"user": "u", "pass": "s"})
    reader = server.connect()
    reader.send(b'CONNECT {"verbose":false,"headers":true,"user":"u","pass":"s"}\r\n')
    reader.send(b"SUB > 1\r\n")
    reader.heard()

    peer.send(message(b"HMSG", b"Nats-Trace-Dest:no\r\n"))
    server.settle()
    assert b"" == reader.heard()
    assert not peer.is_over

    peer.send(message(b"HMSG", TO_T))
    server.settle()
    assert b'"kind":4' in reader.heard()
    peer.send(message(b"HMSG", TO_T, b"no"))
    server.settle()
    assert b"" == reader.heard()
    assert peer.is_over


def test_what_a_hub_must_not_send(make_plane: MakePlane) -> None:
    """It is dropped, and the event has no receivers; the hub hears nothing of it."""
    server = LeafBroker(make_plane, replace(REMOTE, deny_imports=("no",)))
    peer, reader = server.reached(proto=3), server.current()
    reader.send(b"SUB t 1\r\nSUB no 1\r\n")
    reader.heard()

    peer.send(message(b"HMSG", TO_T, b"no"))
    server.settle()

    (event,) = events_in(reader.heard())
    assert [["in", 4, "hub", None, None]] == steps(event)
    assert not peer.is_over


def test_links_without_traces(make_plane: MakePlane) -> None:
    """A server that does not trace says so in its INFO, and takes a traced message for any other."""
    server = LeafBroker(make_plane)
    server.broker.tracing = None
    peer = server.called()
    assert b'"proto":1' in peer.heard()
    peer.session.trace_denied(b"t")
    assert b"" == peer.heard()


def test_what_a_leaf_node_must_not_get(make_plane: MakePlane) -> None:
    """The event says that its rules keep the message from it, and the way is counted, as in nats-server."""
    rules = Permissions(subscribe=Rule((), (entry("a"),)))
    server = LeafBroker(make_plane, gatekeeper=SingleUser("u", "s", rules))
    peer, reader = server.joined(protocol=3, **{"user": "u", "pass": "s"}), server.connect()
    reader.send(b'CONNECT {"verbose":false,"headers":true,"user":"u","pass":"s"}\r\nSUB t 1\r\n')
    peer.send(b"LS+ *\r\n")
    peer.heard()

    reader.send(message(b"HPUB", TO_T))
    server.settle()

    (event,) = events_in(reader.heard())
    assert ["eg", 4, "leaf", "1", PUBLISH_DENIED] == steps(event)[1]
    assert 1 == event["hops"]
    assert b"MSG a" not in peer.heard()


def test_what_is_not_traced_goes_on(make_plane: MakePlane) -> None:
    """A message whose trace is disabled here goes to other servers without a way."""
    server = LeafBroker(make_plane)
    peer = server.joined(protocol=3)
    peer.send(b"LS+ a\r\n")
    peer.heard()

    server.current().send(message(b"HPUB", TO_T + b"Nats-Trace-Origin-Account: A\r\n"))

    heard = peer.heard()
    assert b"Nats-Trace-Dest: trace disabled\r\n\r\nhi" in heard
    assert b"Hop" not in heard
