"""A message for a queue member that has left: another member of its group gets it, once."""

import pytest

from app.domain.dataplane.seam import MakePlane
from app.domain.interest.tombstones import TOMBSTONE_SECONDS
from app.domain.permissions.rules import Permissions, Rule, entry
from app.domain.security.credentials import Identity
from app.domain.sessions.client import ClientSession
from app.domain.sessions.closing import REMOVED_AT_ONCE
from tests.support.virtual_broker import VirtualClient
from tests.support.virtual_cluster import GREATER_ID, SMALLER_ID, RoutedBroker, VirtualPeer


class Scene:
    """A server with a member that leaves, and the peer that goes on sending to it."""

    def __init__(self, server: RoutedBroker) -> None:
        self.server = server
        self.peer = server.joined(SMALLER_ID)
        self.member = server.connect(quiet=True)
        self.member.send(b"SUB foo.* grp 7\r\n")

    def leave(self) -> None:
        """The member gives up its subscription."""
        self.member.send(b"UNSUB 7\r\n")

    def send(self, sid: bytes = b"", subject: bytes = b"foo.a", count: int = 1) -> None:
        """The peer sends messages to the member, or to another sid."""
        sid = sid or b"QRSID:%d:7" % self.member.connection.cid
        self.peer.send(count * (b"MSG %b %b re.ply 2\r\n\r\n\r\n" % (subject, sid)))

    def distant(self, server_id: str, sid: bytes = b"QRSID:3:4", *, ours: bool = True) -> VirtualPeer:
        """Another server, with a member of the group; `ours`: it understands the mark."""
        port = 7300 + len(self.server.clients)
        if ours:
            peer = self.server.joined(server_id, port, sends_on=True)
        else:
            peer = self.server.joined(server_id, port)
        peer.send(b"SUB foo.a grp %b\r\n" % sid)
        peer.heard()
        self.peer.heard()
        return peer

    def local(self, subject: bytes = b"foo.>", queue: bytes = b"grp") -> VirtualClient:
        """Another client, with a member of a group, by default of the same one."""
        client = self.server.connect(quiet=True)
        client.send(b"SUB %b %b 8\r\n" % (subject, queue))
        self.peer.heard()
        return client


def message(sid: bytes, subject: bytes = b"foo.a") -> bytes:
    """What a receiver hears."""
    return b"MSG %b %b re.ply 2\r\n\r\n\r\n" % (subject, sid)


@pytest.fixture(name="server")
def _server(make_plane: MakePlane) -> RoutedBroker:
    """A server without configured routes."""
    return RoutedBroker(make_plane)


@pytest.fixture(name="scene")
def _scene(server: RoutedBroker) -> Scene:
    return Scene(server)


def test_another_member_here_gets_it(scene: Scene) -> None:
    """After an UNSUB; those of other groups and of other subjects do not, nor do other servers."""
    other, stays = scene.local(queue=b"other"), scene.local()
    elsewhere, distant = scene.local(b"bar"), scene.distant(GREATER_ID, ours=False)
    scene.leave()
    distant.heard()

    scene.send(count=3)

    assert 3 * message(b"8") == stays.heard()
    heard = [scene.member.heard(), other.heard(), elsewhere.heard(), distant.heard()]
    assert 4 * [b""] == heard


def test_after_the_last_message_it_asked_for(scene: Scene) -> None:
    """A member that has reached its limit has left."""
    stays = scene.local()
    scene.member.send(b"UNSUB 7 2\r\n")

    scene.send(count=5)

    assert (2 * message(b"7"), 3 * message(b"8")) == (scene.member.heard(), stays.heard())


@pytest.mark.parametrize("count", [0, REMOVED_AT_ONCE + 1], ids=["few", "many"])
def test_a_member_whose_connection_ended(scene: Scene, count: int) -> None:
    """Whatever else it listened to, and before the server has removed all of that."""
    stays = scene.local()
    scene.member.send(b"".join(b"SUB x.%d y%d\r\n" % (number, number) for number in range(count)))
    sid = b"QRSID:%d:7" % scene.member.connection.cid

    scene.member.wire.lose()
    scene.peer.wire.feed(message(sid), None)
    scene.peer.wire.pump(None)
    scene.server.settle()

    assert message(b"8") == stays.heard()


def test_all_members_have_their_share(scene: Scene) -> None:
    """One is drawn for each message."""
    members = [scene.local() for _ in range(3)]
    scene.leave()

    scene.send(count=60)

    counts = [member.heard().count(b"MSG") for member in members]
    assert 60 == sum(counts)
    assert min(counts) > 5


def test_the_subject_counts(scene: Scene) -> None:
    """The sid of a member is used on several subjects, for which others may stand in."""
    narrow = scene.local(b"foo.a")
    scene.leave()

    scene.send(subject=b"foo.a")
    scene.send(subject=b"foo.b")
    wide = scene.local(b"foo.b")
    scene.send(subject=b"foo.b")

    assert (message(b"8"), message(b"8", b"foo.b")) == (narrow.heard(), wide.heard())


def test_one_elsewhere_gets_it_where_nobody_is_left(scene: Scene) -> None:
    """It is marked for a server that understands that."""
    distant = scene.distant(GREATER_ID)
    scene.leave()
    distant.heard()
    scene.peer.heard()

    scene.send()

    assert (message(b"QRSID:!3:4"), b"") == (distant.heard(), scene.peer.heard())


def test_gnatsd_gets_it_as_from_the_publisher(scene: Scene) -> None:
    """It sends nothing on, and knows no mark."""
    distant = scene.distant(GREATER_ID, ours=False)
    scene.leave()
    distant.heard()

    scene.send()

    assert message(b"QRSID:3:4") == distant.heard()


def test_a_server_that_makes_itself_known_late(scene: Scene) -> None:
    """A peer may announce interest before its INFO; the mark counts as soon as the INFO has come."""
    distant = scene.distant(GREATER_ID, ours=False)
    scene.leave()
    distant.heard()
    scene.send()
    before = distant.heard()

    scene.server.broker.interest.marks(distant.session.origin)
    scene.send()

    assert (message(b"QRSID:3:4"), message(b"QRSID:!3:4")) == (before, distant.heard())


def test_it_may_go_back(scene: Scene) -> None:
    """To the server it came from, if that has a member."""
    scene.peer.send(b"SUB foo.a grp QRSID:5:6\r\n")
    scene.leave()
    scene.peer.heard()

    scene.send()

    assert message(b"QRSID:5:6") == scene.peer.heard()


def test_it_never_goes_on_twice(scene: Scene) -> None:
    """What was sent on reaches a member here, or nobody."""
    distant = scene.distant(GREATER_ID)
    stays = scene.local()
    sid = b"QRSID:!%d:7" % scene.member.connection.cid

    scene.send(sid)
    to_the_member = scene.member.heard()
    scene.leave()
    scene.send(sid)
    to_another = stays.heard()
    stays.send(b"UNSUB 8\r\n")
    distant.heard()
    scene.peer.heard()
    scene.send(sid)

    assert (message(b"7"), message(b"8")) == (to_the_member, to_another)
    assert (b"", b"") == (distant.heard(), scene.peer.heard())


def test_a_mark_for_nobody(scene: Scene) -> None:
    """One that never was is delivered to nobody, marked or not, and harms nobody."""
    stays = scene.local()

    for sid in (b"QRSID:!9:9", b"QRSID:9:9", b"QRSID:!", b"QRSID:!!1:1"):
        scene.send(sid)

    assert (b"", b"") == (stays.heard(), scene.member.heard())


def test_silent_servers_are_passed_over(scene: Scene) -> None:
    """As long as others have a member."""
    silent, other = scene.distant(GREATER_ID), scene.distant("X" * 22, b"QRSID:1:1")
    scene.server.cluster.interest.suspect(silent.session.origin)
    scene.leave()
    silent.heard()
    other.heard()

    scene.send(count=9)

    assert (b"", 9) == (silent.heard(), other.heard().count(b"MSG"))


def test_the_silent_one_gets_it_where_there_is_no_other(scene: Scene) -> None:
    """It may answer yet."""
    silent = scene.distant(GREATER_ID)
    scene.server.cluster.interest.suspect(silent.session.origin)
    scene.leave()
    silent.heard()

    scene.send()

    assert message(b"QRSID:!3:4") == silent.heard()


def test_members_with_a_limit_are_passed_over(scene: Scene) -> None:
    """Elsewhere they may have had their last message already."""
    limited, other = scene.distant(GREATER_ID), scene.distant("X" * 22, b"QRSID:1:1")
    limited.send(b"UNSUB QRSID:3:4 5\r\n")
    scene.leave()
    limited.heard()
    other.heard()

    scene.send(count=9)

    assert (b"", 9) == (limited.heard(), other.heard().count(b"MSG"))


def test_a_route_that_ended_gets_nothing(scene: Scene) -> None:
    """What was known of its server is forgotten."""
    distant = scene.distant(GREATER_ID)
    scene.leave()
    scene.send()
    distant.heard()

    distant.leave()
    scene.send()
    again = scene.distant(GREATER_ID, ours=False)
    scene.send()

    assert (b"", message(b"QRSID:3:4")) == (distant.heard(), again.heard())


def test_a_new_member_with_the_sid_of_an_old_one(scene: Scene) -> None:
    """It gets what is meant for its group and its subject; the rest goes to the old one's group."""
    stays = scene.local()
    scene.leave()
    scene.member.send(b"SUB foo.b grp 7\r\n")

    scene.send(subject=b"foo.b")
    scene.send(subject=b"foo.a")

    assert (message(b"7", b"foo.b"), message(b"8")) == (scene.member.heard(), stays.heard())


def test_after_a_while_the_old_one_is_forgotten(scene: Scene) -> None:
    """Then its sid names nobody, or the new one."""
    stays = scene.local()
    scene.leave()
    scene.server.advance(TOMBSTONE_SECONDS)
    scene.peer.heard()

    scene.send()

    assert b"" == stays.heard()


def test_many_groups(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """More subjects than plans are remembered for make no difference."""
    monkeypatch.setattr("app.domain.interest.failover.SHARED_PLANS", 2)
    stays = scene.local()
    scene.leave()

    for subject in (b"foo.a", b"foo.b", b"foo.c", b"foo.a"):
        scene.send(subject=subject)

    assert 4 == stays.heard().count(b"MSG")


def test_a_member_that_must_not_get_it(scene: Scene) -> None:
    """Another member gets what the filter of the one that was drawn drops, and only that."""
    bound, free = scene.server.connect(), scene.local(queue=b"other")
    session = bound.connection.session
    assert isinstance(session, ClientSession)
    session.let_in(Identity(permissions=Permissions(subscribe=Rule(deny=(entry("foo.b"),)))))
    bound.send(b'CONNECT {"verbose":false}\r\nSUB foo.* rules 9\r\n')
    bound.heard()
    sid = b"QRSID:%d:9" % bound.connection.cid

    scene.send(sid, b"foo.b")
    scene.send(sid, b"foo.a")
    free.send(b"SUB foo.> rules 10\r\n")
    scene.send(sid, b"foo.b", 2)
    scene.send(sid, b"foo.a")

    assert 2 * message(b"9") == bound.heard()
    assert 2 * message(b"10", b"foo.b") == free.heard()
    assert b"" == scene.member.heard()


def test_nothing_is_denied_to_servers(scene: Scene) -> None:
    """Rules are for clients; a session of a route takes no notice of a denial."""
    session = scene.peer.session
    scene.peer.heard()

    session.denied(b"a", b"")

    assert b"" == scene.peer.heard()
    assert not scene.peer.wire.closed
