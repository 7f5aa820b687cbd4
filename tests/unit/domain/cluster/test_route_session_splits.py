"""Routes and cuts: what a peer brings about does not depend on how its bytes arrive, and ends with it."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from app.domain.dataplane.seam import MakePlane
from tests.fakes.event_log import RecordingEventLog
from tests.support.broker_stats import BrokerStats, stats_of
from tests.support.traffic_strategies import bytewise, cuts, pieces
from tests.support.virtual_cluster import GREATER_ID, OWN_ID, RoutedBroker, connect_line, info_line

WORDS = st.sampled_from(
    [
        b"foo",
        b"foo.*",
        b">",
        b"a..b",
        b"q",
        b"RSID:1:1",
        b"RSID:2:1",
        b"QRSID:1:1",
        b"QRSID:x",
        b"1",
        b"-1",
        b"\xff",
    ]
)
MESSAGES = st.builds(
    lambda verb, words, payload, lie: (
        b"%b %b %d\r\n%b\r\n" % (verb, b" ".join(words), len(payload) + lie, payload)
    ),
    st.sampled_from([b"MSG", b"msg", b"PUB", b"RMSG"]),
    st.lists(WORDS, max_size=4),
    st.binary(max_size=20),
    st.sampled_from([0, 0, 0, 0, 1, -1, 10**12]),
)
LINES = st.builds(
    lambda verb, words, end: b"%b %b%b" % (verb, b" ".join(words), end),
    st.sampled_from([b"SUB", b"UNSUB", b"sub", b"PING", b"PONG", b"+OK", b"-ERR", b"RS+", b""]),
    st.lists(WORDS, max_size=4),
    st.sampled_from([b"\r\n", b"\n", b"\r\r\n", b" \t\r\n", b""]),
)
INTRODUCTIONS = st.builds(
    lambda server_id, ip, proto: info_line(server_id, ip=ip, proto=proto),
    st.sampled_from([GREATER_ID, OWN_ID, "other", ""]),
    st.sampled_from(["", "nats-route://192.0.2.9:6222/", "nats-route://127.0.0.1:1/", "x"]),
    st.sampled_from([0, 0, 1, 2]),
)
OTHERS = st.sampled_from([connect_line(GREATER_ID), connect_line("other"), b"INFO {}\r\n", b"CONNECT\r\n"])
TALK = st.lists(MESSAGES | LINES | INTRODUCTIONS | OTHERS | st.binary(max_size=5), max_size=12).map(b"".join)
OPENINGS = st.sampled_from([b"", info_line(GREATER_ID), connect_line(GREATER_ID) + info_line(GREATER_ID)])


@dataclass(frozen=True)
class Outcome:
    """All that can be known of a route from outside."""

    heard: bytes
    overheard: tuple[bytes, bytes]
    closed: bool
    remotes: tuple[str, ...]
    dialled: tuple[tuple[str, int], ...]
    stats: BrokerStats
    facts: tuple[str, ...]


def converse(make_plane: MakePlane, parts: list[bytes]) -> Outcome:
    """Let a peer send the parts, each as a read, and leave; a client and another server listen.

    Demands that nothing is left of the peer but what is known of its address.
    """
    events = RecordingEventLog(trace=False)
    server = RoutedBroker(make_plane, events=events)
    other, client = server.joined("other", 8222), server.connect(quiet=True)
    client.send(b"SUB foo 1\r\nSUB foo.* q 2\r\n")
    other.send(b"SUB >  RSID:1:1\r\nSUB > q QRSID:1:2\r\n")
    other.heard()
    peer = server.called()
    for part in parts:
        peer.send(part)
    client.send(b"PUB foo 2\r\nme\r\n")
    outcome = Outcome(
        peer.heard(),
        (client.heard(), other.heard()),
        peer.wire.closed,
        tuple(server.cluster.remotes),
        tuple(server.dialer.news()),
        stats_of(server.broker),
        tuple(text.partition("proto=")[0] for text in events.texts()),
    )
    peer.leave()
    server.cluster.stop()
    other.leave()
    client.leave()
    server.advance(10.0)
    assert ({}, {}, 0, 0) == (
        server.cluster.routes,
        server.cluster.remotes,
        server.subscriptions,
        server.clock.timers_outstanding,
    )
    return outcome


@given(opening=OPENINGS, talk=TALK, shares=cuts())
def test_any_talk(make_plane: MakePlane, opening: bytes, talk: bytes, shares: list[float]) -> None:
    """Whatever a peer says comes to the same in one piece, in a few, and in single bytes; nothing breaks."""
    data = opening + talk

    whole = converse(make_plane, [data])

    assert whole == converse(make_plane, pieces(data, shares))
    assert whole == converse(make_plane, bytewise(data))
