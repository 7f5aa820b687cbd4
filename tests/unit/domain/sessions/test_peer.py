"""What the sessions of all peers share: errors for faults of the data plane, and what a third kind gets."""

from functools import partial

import pytest

from app.adapters.auth.authenticators import AllowAll
from app.domain.broker_needs import Membership
from app.domain.dataplane.seam import Fault, MakePlane
from app.domain.events import Link, ReadFailed
from app.domain.protocol.errors import (
    MaximumControlLine,
    MaximumPayload,
    OverlongSize,
    ParserError,
    ProtocolError,
    UnknownOperation,
)
from app.domain.sessions.peer import error_of
from tests.fakes.authenticator import ManualAuthenticator
from tests.fakes.dialer import ScriptedDialer
from tests.fakes.event_log import RecordingEventLog
from tests.fakes.leaf_session import LeafSession, accept_leaf
from tests.support.virtual_broker import BrokerSetup, VirtualBroker, VirtualClient
from tests.support.virtual_cluster import GREATER_ID, SETTINGS, info_line


@pytest.mark.parametrize(
    ("fault", "kind", "reason"),
    [
        (Fault.ARGUMENTS, ParserError, "processPub Parse Error: 'text'"),
        (Fault.SIZE, ParserError, "processPub Bad or Missing Size: 'text'"),
        (Fault.PAYLOAD, MaximumPayload, "text"),
        (
            Fault.TERMINATOR,
            UnknownOperation,
            "Parser ERROR, state=30, i=0: proto='\"text\"...'",
        ),
        (Fault.LINE, MaximumControlLine, ""),
    ],
)
def test_each_fault_has_its_error(fault: Fault, kind: type[ProtocolError], reason: str) -> None:
    """The sender reads gnatsd's error, and the log its sentence."""
    error = error_of(fault, b"text", "processPub")

    assert (kind, reason) == (type(error), error.reason)


@pytest.mark.parametrize(
    ("size", "kind"),
    [
        (b"999999999", MaximumPayload),
        (b"9999999999", OverlongSize),
        (b"9223372036854775807", OverlongSize),
        (b"9223372036854775808", ParserError),
        (b"18446744073709551615", ParserError),
        (b"18446744073709551616", OverlongSize),
        (4500 * b"9", ParserError),
    ],
)
def test_a_size_is_an_integer_of_64_bits(size: bytes, kind: type[ProtocolError]) -> None:
    """A size that is negative for gnatsd is no number, and one of many digits none for servers of today."""
    assert type(error_of(Fault.PAYLOAD, size, "processPub")) is kind


# --- a third kind of peer ----------------------------------------------------------------

CONNECT = b'CONNECT {"name":"leaf","user":"u","pass":"p"}\r\n'
VIOLATION = b"-ERR 'Authorization Violation'\r\n"
PONG = b"PONG\r\n"


class Scene:
    """A server of a cluster, and a leaf node with a session of its own kind."""

    def __init__(self, make_plane: MakePlane, gatekeeper: ManualAuthenticator | None = None) -> None:
        self.events = RecordingEventLog()
        self.server = VirtualBroker(
            make_plane,
            gatekeeper=gatekeeper,
            events=self.events,
            setup=BrokerSetup(membership=Membership(SETTINGS, AllowAll(), ScriptedDialer())),
        )
        wire = self.server.wire()
        connection = self.server.drive(wire, partial(accept_leaf, self.server.broker))
        self.leaf = VirtualClient(self.server, connection, wire)
        self.server.clients.append(self.leaf)

    @property
    def session(self) -> LeafSession:
        """That of the leaf node."""
        session = self.leaf.connection.session
        assert isinstance(session, LeafSession)
        return session

    def route(self) -> VirtualClient:
        """A server of the same cluster, that has introduced itself."""
        wire = self.server.wire()
        peer = VirtualClient(self.server, self.server.drive(wire, self.server.broker.accept_route), wire)
        self.server.clients.append(peer)
        peer.ask(info_line(GREATER_ID))
        return peer


@pytest.fixture(name="scene")
def _scene(make_plane: MakePlane) -> Scene:
    return Scene(make_plane)


@pytest.mark.parametrize("size", [None, 1], ids=["whole", "bytewise"])
def test_a_third_session_has_all_that_peers_share(scene: Scene, size: int | None) -> None:
    """It subscribes, publishes, unsubscribes and pings, with nothing but admission and INFO of its own."""
    lines = b"SUB a 1\r\nPUB a 1\r\nx\r\nUNSUB 1\r\nPUB a 1\r\ny\r\nINFO {}\r\n+OK\r\nPING\r\nPONG\r\n"

    heard = scene.leaf.ask(CONNECT + lines, size)

    assert b"MSG a 1 1\r\nx\r\n" + PONG == heard
    assert ("leaf", [b"{}"]) == (scene.session.name, scene.session.infos)
    assert Link("lid", 1, "192.0.2.1:4000") == scene.leaf.connection.link


def test_it_is_admitted_like_the_others(make_plane: MakePlane) -> None:
    """Nothing but CONNECT comes before the verdict, and a link that ends withdraws its login."""
    gatekeeper = ManualAuthenticator()
    scenes = [Scene(make_plane, gatekeeper) for _ in range(4)]

    hasty = scenes[0].leaf.ask(b"PING\r\n")
    for scene in scenes[1:]:
        scene.leaf.send(CONNECT + b"PING\r\n")
    gatekeeper.admit()
    gatekeeper.refuse()
    scenes[3].leaf.leave()

    assert VIOLATION == hasty
    assert [PONG, VIOLATION] == [scene.leaf.heard() for scene in scenes[1:3]]
    assert 1 == gatekeeper.cancelled


def test_it_is_refused_like_the_others(scene: Scene) -> None:
    """A malformed line ends it, and a message of a form that only servers send is judged as theirs."""
    heard = scene.leaf.ask(b"MSG a 1 x\r\n")

    assert b"-ERR 'Parser Error'\r\n" == heard
    assert ["processMsgArgs Bad or Missing Size: 'a 1 x'"] == [
        event.reason for event in scene.events.of(ReadFailed)
    ]


def test_a_member_of_a_queue_group_counts_once(scene: Scene) -> None:
    """A peer that names no weight is one member of its group, for this server and for others."""
    route = scene.route()

    scene.leaf.send(b"SUB a q 1\r\n")
    (member,) = scene.session.subscriptions.values()

    assert 1 == scene.session.weight(member.sid)
    assert route.heard().startswith(b"SUB a q QRSID:")


def test_the_cluster_hears_of_what_it_listens_to(scene: Scene) -> None:
    """Its clients are known to this server alone, so other servers hear of them as of clients here."""
    route = scene.route()

    scene.leaf.send(b"SUB a 1\r\n")
    added = route.heard()
    route.send(b"MSG a RSID:1:1 2\r\nhi\r\n")
    got = scene.leaf.heard()
    scene.leaf.leave()

    assert b"SUB a  RSID:1:1\r\n" == added
    assert b"MSG a 1 2\r\nhi\r\n" == got
    assert b"UNSUB RSID:1:1\r\n" == route.heard()


def test_it_hears_of_messages_once(scene: Scene) -> None:
    """A server gets a message once, however many of its subscriptions cover the subject."""
    scene.leaf.send(b"SUB a 1\r\nSUB > 2\r\n")

    scene.server.connect(quiet=True).send(b"PUB a 0\r\n\r\n")

    assert 1 == scene.leaf.heard().count(b"MSG")


def test_lines_that_come_too_early(scene: Scene) -> None:
    """While lines are screened a kind of peer may refuse them; if it does not say which, all are."""
    before = scene.leaf.ask(b"PING\r\n")
    scene.session.screened = True

    assert PONG == before
    assert b"-ERR 'Parser Error'\r\n" == scene.leaf.ask(b"PING\r\n")
