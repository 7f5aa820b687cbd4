"""A client with permissions: what it may do, and what it and the log read of the rest."""

import pytest

from app.domain.connection_type import ConnectionType
from app.domain.dataplane.seam import MakePlane
from app.domain.events import PublishDenied, SubscriptionDenied
from app.domain.interest.routing import Audience
from app.domain.limits import Limits
from app.domain.permissions.rules import NO_LIMIT, Permissions, Responses, Rule, entry
from app.domain.protocol.compatibility import Compatibility
from app.domain.security.credentials import Identity
from app.domain.sessions.client import DENIAL_BYTES, MOST_DENIALS
from app.domain.sessions.permission_guard import who
from tests.fakes.event_log import RecordingEventLog
from tests.fakes.single_user import SingleUser
from tests.support.nkeys import NkeyUser
from tests.support.virtual_broker import BrokerSetup, VirtualBroker, VirtualClient

LOGIN = (
    b'CONNECT {"verbose":false,"pedantic":false,"user":"derek","pass":"s",'
    b'"headers":true,"no_responders":true}\r\n'
)


def rule(allow: str = "", deny: str = "") -> Rule:
    """Subjects are separated by commas."""
    lists = ([entry(*each.split()) for each in text.split(",") if each] for text in (allow, deny))
    return Rule(*map(tuple, lists))


class Scene:
    """A server of today, all of whose clients have the same permissions."""

    def __init__(self, make_plane: MakePlane) -> None:
        self._make_plane = make_plane
        self.events = RecordingEventLog(debug=False, trace=False)

    def start(
        self,
        permissions: Permissions | None,
        limits: Limits | None = None,
        compatibility: Compatibility = Compatibility.CURRENT,
    ) -> None:
        """Begin to serve."""
        self.server = VirtualBroker(
            self._make_plane,
            limits,
            gatekeeper=SingleUser("derek", "s", permissions),
            events=self.events,
            setup=BrokerSetup(compatibility=compatibility),
        )

    def client(self, permissions: Permissions | None = None) -> VirtualClient:
        """A new client, after its login; the first one starts the server."""
        if permissions is not None:
            self.start(permissions)
        client = self.server.connect()
        assert b"" == client.ask(LOGIN)
        return client


@pytest.fixture(name="scene")
def _scene(make_plane: MakePlane) -> Scene:
    return Scene(make_plane)


def test_publishing(scene: Scene) -> None:
    """A message that may not be published is refused and logged; a request gets no other answer."""
    client = scene.client(Permissions(publish=rule("a")))
    client.send(b"SUB > 1\r\n")

    heard = client.ask(b"PUB b re 2\r\nhi\r\nPUB a 2\r\nhi\r\n")

    assert b"-ERR 'Permissions Violation for Publish to \"b\"'\r\nMSG a 1 2\r\nhi\r\n" == heard
    (event,) = scene.events.of(PublishDenied)
    assert event.text().endswith('"$G/user:derek" - Publish Violation - Subject "b"')


def test_headers(scene: Scene) -> None:
    """A message with headers is refused whole, and what follows is understood."""
    client = scene.client(Permissions(publish=rule("a")))

    heard = client.ask(b"HPUB b 12 25\r\nNATS/1.0\r\n\r\nPUB b 2\r\nno\r\n\r\nPING\r\n")

    assert b"-ERR 'Permissions Violation for Publish to \"b\"'\r\nPONG\r\n" == heard


def test_subscribing(scene: Scene) -> None:
    """A subscription that is refused leaves its sid free, and is logged."""
    client = scene.client(Permissions(subscribe=rule("a,c q")))

    heard = client.ask(b"SUB b 1\r\nSUB c z 1\r\nSUB c q 2\r\nSUB a 1\r\nPUB a 0\r\n\r\nPUB b 0\r\n\r\n")

    assert (
        b"-ERR 'Permissions Violation for Subscription to \"b\"'\r\n"
        b'-ERR \'Permissions Violation for Subscription to "c" using queue "z"\'\r\n'
        b"MSG a 1 0\r\n\r\n" == heard
    )
    texts = [event.text() for event in scene.events.of(SubscriptionDenied)]
    assert texts[0].endswith('"$G/user:derek" - Subscription Violation - Subject "b", SID 1')
    assert texts[1].endswith('Subscription Violation - Subject "c", Queue: "z", SID 1')
    assert 2 == len(texts)


def test_filtering(scene: Scene) -> None:
    """A subscription that is wider than what is denied gets the rest, and a request to it alone gets 503."""
    client = scene.client(Permissions(subscribe=rule("", "a.b")))
    client.send(b"SUB a.* 1\r\nSUB re 2\r\n")

    heard = client.ask(b"PUB a.b 0\r\n\r\nPUB a.c 0\r\n\r\nPUB a.b re 0\r\n\r\n")

    assert b"MSG a.c 1 0\r\n\r\n" in heard
    assert b"MSG a.b" not in heard
    assert b"HMSG re 2 " in heard
    assert b"503" in heard


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (b'PUB a"b 0\r\n\r\n', b'Publish to "a\\"b"'),
        (b"PUB a\x1b[2Jb 0\r\n\r\n", b'Publish to "a\\x1b[2Jb"'),
        (b"PUB \xff 0\r\n\r\n", b'Publish to "\\xff"'),
        (b"SUB a' 1\r\n", b'Subscription to "a\'"'),
        (b"SUB a\0 \\ 1\r\n", b'Subscription to "a\\x00" using queue "\\\\"'),
    ],
)
def test_odd_subjects(scene: Scene, line: bytes, text: bytes) -> None:
    """Subjects are escaped as current servers do, so that none looks like something else."""
    client = scene.client(Permissions(rule("x"), rule("x")))

    assert b"-ERR 'Permissions Violation for %b'\r\n" % text == client.ask(line)
    assert all(character.isprintable() for text in scene.events.texts() for character in text)


@pytest.mark.parametrize(
    "permissions", [Permissions(publish=rule("a")), Permissions(subscribe=rule("a")), None]
)
def test_reply_subjects_of_servers(scene: Scene, permissions: Permissions | None) -> None:
    """No client of today may name them, with or without rules; the log names them too."""
    scene.start(permissions)
    client = scene.client()

    heard = client.ask(b"PUB a _R_.x 0\r\n\r\n")

    assert b"-ERR 'Permissions Violation for Publish with Reply of \"_R_.x\"'\r\n" == heard
    (event,) = scene.events.of(PublishDenied)
    assert event.text().endswith('"$G/user:derek" - Publish Violation - Reply "_R_.x"')
    assert not client.wire.closed


def test_the_old_server(scene: Scene) -> None:
    """Clients of gnatsd 0.8.0 may name any reply subject, and rules hold for them too."""
    scene.start(Permissions(rule("a"), rule("a")), compatibility=Compatibility.GNATSD)
    client = scene.client()

    heard = client.ask(b"SUB a 1\r\nPUB a _R_.x 0\r\n\r\nPUB b 0\r\n\r\n")

    assert b"MSG a 1 _R_.x 0\r\n\r\n-ERR 'Permissions Violation for Publish to \"b\"'\r\n" == heard


def test_another_connect(scene: Scene) -> None:
    """CONNECT again changes options and no rights, with or without the password."""
    client = scene.client(Permissions(rule("a"), rule("a")))
    again = LOGIN.replace(b"false", b"true")

    heard = client.ask(
        b'CONNECT {"pedantic":true}\r\n' + again + b"PUB b 0\r\n\r\nSUB b 1\r\nPUB * 0\r\n\r\n"
    )

    assert (
        b"+OK\r\n-ERR 'Permissions Violation for Publish to \"b\"'\r\n"
        b"-ERR 'Permissions Violation for Subscription to \"b\"'\r\n"
        b"-ERR 'Invalid Publish Subject'\r\n"
        b"-ERR 'Permissions Violation for Publish to \"*\"'\r\n" == heard
    )


def test_no_other_rights(scene: Scene) -> None:
    """An authenticator that gives other permissions to the same user ends the connection."""
    client = scene.client(Permissions(rule("a")))
    session = client.connection.session

    assert not session.let_in(Identity("derek"))

    scene.server.settle()
    assert client.heard().endswith(b"-ERR 'Authorization Violation'\r\n")


def test_without_credentials(make_plane: MakePlane) -> None:
    """A client without credentials obeys the rules of its user, until it logs in as another one."""
    guest = Identity("guest", permissions=Permissions(rule("g")))
    setup = BrokerSetup(compatibility=Compatibility.CURRENT, anonymous={ConnectionType.STANDARD: guest})
    server = VirtualBroker(
        make_plane, gatekeeper=SingleUser("derek", "s", Permissions(rule("d"))), setup=setup
    )
    first, second = server.connect(), server.connect()
    quiet = b'CONNECT {"verbose":false,"pedantic":false}\r\n'

    assert b"Publish to" in first.ask(b"PUB d 0\r\n\r\n")
    assert b"" == first.ask(quiet + b"PUB g 0\r\n\r\n")
    assert b"Publish to" in first.ask(b"PUB d 0\r\n\r\n")
    assert b"" == second.ask(LOGIN + b"PUB d 0\r\n\r\n")
    assert b"Publish to" in second.ask(b"PUB g 0\r\n\r\n")


def test_responses(scene: Scene) -> None:
    """A service may answer each request once, however the answers are cut and piled up."""
    service = scene.client(Permissions(rule("svc"), rule("svc,re.*"), Responses()))
    service.send(b"SUB svc 1\r\n")
    service.ask(b"PUB svc re.1 0\r\n\r\nPUB svc re.2 0\r\n\r\nPUB svc 0\r\n\r\n")

    service.send(b"PUB re.1 2\r\nh")
    heard = service.ask(b"i\r\n" + 3 * b"PUB re.2 2\r\nhi\r\n" + b"PUB re.3 0\r\n\r\n")

    violation = b"-ERR 'Permissions Violation for Publish to \"re.%d\"'\r\n"
    assert 2 * (violation % 2) + violation % 3 == heard


def test_responses_for_a_while(scene: Scene) -> None:
    """A reply subject is open for its time; the trace of the server stays off."""
    service = scene.client(Permissions(responses=Responses(NO_LIMIT, 5.0)))
    assert b"Publish" in service.ask(b"SUB svc 1\r\nPUB svc 0\r\n\r\n")
    other = scene.server.connect()
    other.connection.inlet.publishing = True
    other.send(b"PUB svc re 0\r\n\r\n")

    assert b"MSG svc 1 re 0\r\n\r\n" == service.ask(5 * b"PUB re 0\r\n\r\n")
    scene.server.advance(5.0)
    assert b"Publish to" in service.ask(b"PUB re 0\r\n\r\n")
    assert not any("<<-" in text or "->>" in text for text in scene.events.texts())


def test_the_end(scene: Scene) -> None:
    """A client that is gone leaves no rights; one with responses is watched no more."""
    for permissions in (Permissions(rule("a")), Permissions(responses=Responses())):
        client = scene.client(permissions)
        profiles = client.connection.session.host.interest.profiles
        known = len(profiles)
        client.leave()
        assert known - (permissions.responses is not None) == len(profiles)
        assert client.connection.watcher is None


@pytest.mark.parametrize(
    "permissions",
    [None, Permissions(), Permissions(subscribe=rule("a")), Permissions(subscribe=rule("", "a"))],
)
def test_who_may_publish_everything_pays_nothing(scene: Scene, permissions: Permissions | None) -> None:
    """Its plans are those of clients without rules."""
    scene.start(permissions)

    assert Audience.LENIENT == scene.client().connection.inlet.audience


def test_too_many_subscriptions(scene: Scene) -> None:
    """A client with rules may have no more subscriptions than others; a refused one does not count."""
    scene.start(Permissions(subscribe=rule("a")), Limits(max_subscriptions=1))
    client = scene.client()

    heard = client.ask(b"SUB b 1\r\nSUB a 2\r\nSUB a 3\r\n")

    assert heard.endswith(b"-ERR 'maximum subscriptions exceeded'\r\n")
    assert heard.startswith(b"-ERR 'Permissions Violation for Subscription")


def test_names_in_the_log() -> None:
    """A client is named by account and user, an nkey as such."""
    nkey = NkeyUser(1).nkey

    assert ["$G", "$G/user:derek", f"$G/nkey:{nkey}"] == [who(user) for user in ("", "derek", nkey)]


def test_what_is_refused_is_counted(scene: Scene) -> None:
    """Each message and each subscription without a right counts, for monitoring."""
    client = scene.client(Permissions(rule(allow="a"), rule(allow="a")))

    client.send(b"PUB a 0\r\n\r\nPUB b 0\r\n\r\nSUB b 1\r\nSUB a 2\r\n")

    assert scene.server.broker.history.violations.permissions == 2


def test_rights(scene: Scene) -> None:
    """What decides for a client is known, with open reply subjects and what it was denied."""
    permissions = Permissions(rule("a"), rule("svc"), Responses())
    client = scene.client(permissions)
    session = scene.server.broker.sessions[1]
    before = session.rights(b"re")

    client.send(b"SUB svc 1\r\nSUB x q 2\r\nPUB b 0\r\n\r\n")
    scene.server.broker.connect_local("n").publish(b"svc", b"", b"re")
    scene.server.settle()
    after = session.rights(b"re")

    assert (True, permissions, False, True, ()) == (
        before.admitted,
        before.permissions,
        before.reply_is_open,
        before.echo,
        before.denials,
    )
    assert (True, False) == (after.reply_is_open, session.rights(b"b").reply_is_open)
    assert ['Subscription to "x" using queue "q"', 'Publish to "b"'] == [one.text for one in after.denials]
    assert scene.server.clock.monotonic() == after.denials[0].at


def test_denials_are_bounded(scene: Scene) -> None:
    """The latest few are known, shortened."""
    client = scene.client(Permissions(publish=rule("a")))

    client.send(b"".join(b"PUB %b%d 0\r\n\r\n" % (b"x" * 500, number) for number in range(MOST_DENIALS)))
    client.send(b"PUB last 0\r\n\r\n")
    denials = scene.server.broker.sessions[1].rights(b"a").denials

    assert (MOST_DENIALS, 'Publish to "last"') == (len(denials), denials[-1].text)
    assert DENIAL_BYTES == len(denials[0].text)


def test_rights_before_the_login(scene: Scene) -> None:
    """A client that has not logged in may do nothing yet."""
    scene.start(None)
    scene.server.connect()

    rights = scene.server.broker.sessions[1].rights(b"a")

    assert ("", False, None) == (rights.user, rights.admitted, rights.permissions)
