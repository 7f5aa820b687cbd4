"""Requests of clients that ask who they are, over both twins."""

import json

import pytest

from app.domain.dataplane.reserved import USER_INFO
from app.domain.dataplane.seam import MakePlane
from app.domain.hooks.hook_event import HookPoint
from app.domain.permissions.rules import Permissions, Responses, Rule, entry
from app.domain.protocol.compatibility import Compatibility
from app.domain.sessions.in_turns import RECEIVERS_AT_ONCE
from tests.fakes.single_user import SingleUser
from tests.support.hooked_broker import CONNECT, HookedBroker
from tests.support.virtual_broker import BrokerSetup, VirtualBroker, VirtualClient

ASK = b"PUB %b _I.1 2\r\nhi\r\n" % USER_INFO
INBOX = b"SUB _I.* 9\r\n"
RULES = Permissions(
    Rule((entry("$SYS.REQ.>"), entry("x")), (entry("foo"),)),
    Rule((), (entry("y", "q"),)),
    Responses(3, 5.0),
)


def answers(heard: bytes) -> list[dict[str, object]]:
    """The data of each."""
    lines = heard.split(b"\r\n")
    return [json.loads(line)["data"] for line in lines if line.startswith(b"{")]


def _login(make_plane: MakePlane, user: bytes, permissions: Permissions | None) -> VirtualClient:
    """A client with these rights, which listens to its inbox."""
    setup = BrokerSetup(compatibility=Compatibility.CURRENT)
    gatekeeper = SingleUser(user.decode(), "b", permissions)
    client = VirtualBroker(make_plane, gatekeeper=gatekeeper, setup=setup).connect()
    client.ask(b'CONNECT {"verbose":false,"user":"%b","pass":"b"}\r\n%b' % (user, INBOX))
    return client


def test_one_without_a_name(make_plane: MakePlane) -> None:
    """It hears from which server the answer is, and that all are of one account."""
    client = HookedBroker(make_plane).client(b"p", INBOX)
    heard = client.ask(ASK + ASK)

    assert [{"user": "", "account": "$G", "account_name": "$G"}] * 2 == answers(heard)
    server = json.loads(heard.split(b"\r\n")[1])["server"]
    assert {"name", "host", "id", "ver", "jetstream", "flags", "seq", "time"} == set(server)


@pytest.mark.parametrize(
    ("user", "permissions", "fields"),
    [
        (b"a", None, {}),
        (b"", None, {"user": "[REDACTED]"}),
        (b"a", Permissions(), {"permissions": {"publish": {}, "subscribe": {}}}),
        (
            b"a",
            RULES,
            {
                "permissions": {
                    "publish": {"allow": ["$SYS.REQ.>", "x"], "deny": ["foo"]},
                    "subscribe": {"deny": ["y q"]},
                    "responses": {"max": 3, "ttl": 5000000000},
                }
            },
        ),
    ],
)
def test_one_that_has_logged_in(
    make_plane: MakePlane, user: bytes, permissions: Permissions | None, fields: dict[str, object]
) -> None:
    """It hears its name and its rights; one that came with a token has no name."""
    client = _login(make_plane, user, permissions)

    assert [{"user": "a", "account": "$G", "account_name": "$G", **fields}] == answers(client.ask(ASK))


def test_a_local_client(make_plane: MakePlane) -> None:
    """It needs no login, so it has no name."""
    setup = BrokerSetup(compatibility=Compatibility.CURRENT)
    server = VirtualBroker(make_plane, gatekeeper=SingleUser("a", "b"), setup=setup)
    client, heard = server.broker.connect_local("own"), []
    client.subscribe(b"_I.1", lambda message: heard.append(message.payload))
    client.publish(USER_INFO, b"", b"_I.1")
    server.settle()

    assert [""] == [each["user"] for each in answers(b"\r\n".join(heard))]


def test_one_that_may_not_ask(make_plane: MakePlane) -> None:
    """Its rules hold for this subject as for all others."""
    client = _login(make_plane, b"a", Permissions(Rule((entry("x"),))))

    assert b"-ERR 'Permissions Violation for Publish to \"%b\"'\r\n" % USER_INFO == client.ask(ASK)


@pytest.mark.parametrize("patterns", [b"$SYS.>", b"foo"])
def test_those_who_listen(make_plane: MakePlane, patterns: bytes) -> None:
    """They get the request, too, whether hooks see it or not; +OK comes once."""
    server = HookedBroker(make_plane, HookPoint.PUBLISH, HookPoint.DELIVER, patterns=(patterns,))
    listeners = [server.client(b"l", b"SUB %b 1\r\n" % subject) for subject in (USER_INFO, b">")]
    verbose = CONNECT.replace(b'"verbose":false', b'"verbose":true')
    client = server.client(b"p", INBOX, connect=verbose)
    heard = client.ask(ASK)

    assert 1 == heard.count(b"+OK\r\n")
    assert 1 == len(answers(heard))
    assert [1, 1] == [each.heard().count(b"\r\nhi\r\n") for each in listeners]


def test_many_who_listen(make_plane: MakePlane) -> None:
    """All of them get it, and the client that asks only if it wants an echo."""
    server = HookedBroker(make_plane)
    count = 2 * RECEIVERS_AT_ONCE + 1
    many = b"".join(b"SUB %b %d\r\n" % (USER_INFO, sid) for sid in range(count))
    listener = server.client(b"l", many)
    client = server.client(b"p", INBOX + many, connect=CONNECT.replace(b"{", b'{"echo":false,'))
    client.send(b"PUB %b 2\r\nhi\r\n" % USER_INFO)

    assert count == listener.heard().count(b"\r\nhi\r\n")
    assert b"" == client.heard()


def test_a_listener_that_has_ended(make_plane: MakePlane) -> None:
    """Its subscriptions may be there for a moment: it gets nothing, and the answer comes."""
    server = HookedBroker(make_plane)
    listener = server.client(b"l", b"SUB %b 1\r\n" % USER_INFO)
    listener.connection.outbox.closed = True
    client = server.client(b"p", INBOX)

    assert 1 == len(answers(client.ask(ASK)))
    assert b"" == listener.heard()


def test_other_subjects_of_servers(make_plane: MakePlane) -> None:
    """They reach those who listen, or nobody: before the request as after it."""
    client = HookedBroker(make_plane).client(b"p", INBOX + b"SUB $SYS.REQ.x.* 1\r\n")
    others = b"PUB foo _I.1 0\r\n\r\nPUB $SYS.REQ.USER.INFO.x 0\r\n\r\n"
    others += b"PUB $SYS.REQ 0\r\n\r\nPUB $SYS 0\r\n\r\n"

    heard = client.ask(others + ASK + others + ASK + b"PUB $SYS.REQ.USER.OTHER 0\r\n\r\n" + ASK)
    assert 3 == len(answers(heard))
    assert 2 == heard.count(b" 503\r\n")


def test_gnatsd_does_not_answer(make_plane: MakePlane) -> None:
    """It knows no such request."""
    client = VirtualBroker(make_plane).connect()
    client.ask(b'CONNECT {"verbose":false}\r\n' + INBOX)

    assert b"" == client.ask(ASK)
