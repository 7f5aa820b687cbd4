"""The page that explains rights to a subject."""

from dataclasses import replace

import pytest

from app.adapters.monitoring.explanation import LONGEST_SUBJECT
from app.adapters.monitoring.parameters import DEFAULT_LIMIT
from app.domain.permissions.configured_users import ConfiguredUsers
from app.domain.permissions.rules import Permissions, Responses, Rule, entry
from app.ports.broker_view import (
    ClientRights,
    Denial,
    HookReport,
    Receivers,
    ReceivingGroup,
    ReceivingRoute,
    ReceivingSubscription,
)
from tests.fakes.broker_view import Watched
from tests.unit.adapters.monitoring.client import ask

pytestmark = pytest.mark.asyncio

RULES = Permissions(Rule((entry("a.*"),)), Rule((), (entry("a.b", "q"), entry("c.d"))), Responses())
RIGHTS = ClientRights("carol", admitted=True, permissions=RULES, reply_is_open=False, echo=True, denials=())


@pytest.fixture(name="known")
def _known(watched: Watched) -> Watched:
    """A server with users."""
    users = ConfiguredUsers({"alice": RULES, "bob": None})
    watched.context = replace(watched.context, settings=replace(watched.context.settings, users=users))
    return watched


async def test_a_user(known: Watched) -> None:
    """The rights of a user and the receivers of a message are shown, field by field."""
    known.view.receiving = Receivers(
        3,
        (ReceivingSubscription("a.*", "", 5, "billing"), ReceivingSubscription("a.b", "q", 6, "")),
        1,
        (ReceivingGroup("q", 2, (9,)),),
        (ReceivingRoute(9, "ID", "edge"),),
    )

    response = await ask(known, "/explain?user=alice&subject=a.b&queue=q&limit=2")

    assert (200, "application/json") == (response.status_code, response.headers["content-type"])
    assert [(b"a.b", 2, 0)] == known.view.asked
    assert {
        "subject": "a.b",
        "queue": "q",
        "user": "alice",
        "publish": {"allowed": True, "rule": 'publish.allow "a.*"'},
        "subscribe": {"allowed": False, "rule": 'subscribe.deny "a.b q"'},
        "num_subscriptions": 3,
        "num_queue_groups": 1,
        "limit": 2,
        "queue_groups": [{"queue": "q", "members": 2, "routes": [9]}],
        "routes": [{"rid": 9, "remote_id": "ID", "name": "edge"}],
        "subscriptions": [
            {"subject": "a.*", "queue": "", "cid": 5, "name": "billing"},
            {"subject": "a.b", "queue": "q", "cid": 6, "name": ""},
        ],
    } == response.json()


async def test_a_subscription_with_wildcards(known: Watched) -> None:
    """What it covers and does not get is shown."""
    page = (await ask(known, "/explain?user=alice&subject=c.*")).json()

    assert ["c.d"] == page["subscribe"]["left_out"]
    assert [] == page["subscriptions"]


async def test_a_user_without_rules(known: Watched) -> None:
    """Such a user may do everything; the answer is to be had as a call."""
    response = await ask(known, "/explain?user=bob&subject=%3E&callback=f")

    assert response.text.startswith('f({\n  "subject": "')
    assert 2 == response.text.count('"rule": "no permissions: everything is allowed"')


async def test_a_client(known: Watched) -> None:
    """The rights of a client that is connected are shown, with what it was denied."""
    denial = Denial(known.clock.monotonic(), 'Publish to "x"')
    known.view.client_rights[7] = replace(RIGHTS, echo=False, reply_is_open=True, denials=(denial,))

    page = (await ask(known, "/explain?cid=7&subject=re")).json()

    assert [b"re", (b"re", DEFAULT_LIMIT, 7)] == known.view.asked
    assert (7, "carol") == (page["cid"], page["user"])
    assert {"allowed": True, "rule": "allow_responses: the reply subject of a received message"} == page[
        "publish"
    ]
    ((at, denied),) = (entry.values() for entry in page["denials"])
    assert ('Publish to "x"', "2016-04-26T") == (denied, at[:11])


async def test_a_client_before_its_login(known: Watched) -> None:
    """It may do nothing yet, and has no name."""
    known.view.client_rights[7] = ClientRights(
        "", admitted=False, permissions=None, reply_is_open=False, echo=True, denials=()
    )

    page = (await ask(known, "/explain?cid=7&subject=a")).json()

    assert {"allowed": False, "rule": "not logged in: nothing is allowed"} == page["publish"]
    assert page["publish"] == page["subscribe"]
    assert "user" not in page
    assert (b"a", DEFAULT_LIMIT, 0) == known.view.asked[-1]


@pytest.mark.parametrize(
    ("query", "status", "text"),
    [
        ("user=alice", 400, "subject is missing"),
        ("user=alice&subject=", 400, "Invalid value of subject: "),
        ("user=alice&subject=a..b", 400, "Invalid value of subject: a..b"),
        ("user=alice&subject=a.%3E.b", 400, "Invalid value of subject: a.>.b"),
        ("user=alice&subject=%3E.b", 400, "Invalid value of subject: >.b"),
        ("user=alice&subject=a%20b", 400, "Invalid value of subject: a b"),
        ("user=alice&subject=a%0A", 400, "Invalid value of subject: a\\n"),
        (f"user=alice&subject={'a' * (LONGEST_SUBJECT + 1)}", 400, f"Invalid value of subject: {'a' * 100}"),
        ("user=alice&subject=a&queue=x%20y", 400, "Invalid value of queue: x y"),
        ("cid=x&subject=a", 400, "Invalid value of cid: x"),
        ("subject=a", 400, "Either user or cid is needed"),
        ("subject=a&user=alice&cid=7", 400, "Either user or cid is needed"),
        ("subject=a&user=eve%0A", 404, 'user "eve\\n" is not in the configuration'),
        ("subject=a&user=", 404, 'user "" is not in the configuration'),
        ("subject=a&cid=8", 404, "no client with cid 8 is connected"),
    ],
)
async def test_no_answer(known: Watched, query: str, status: int, text: str) -> None:
    """One line says what cannot be used, or what is not there."""
    response = await ask(known, f"/explain?{query}")

    assert (status, f"{text}\n") == (response.status_code, response.text)


@pytest.mark.parametrize("subject", ["a", ">a.b", "a.>", ">", "*", "*.a*.>b.é"])
async def test_subjects(known: Watched, subject: str) -> None:
    """Signs of wildcards within a token are literal text."""
    assert 200 == (await ask(known, f"/explain?user=bob&subject={subject}")).status_code


@pytest.mark.parametrize("limit", [0, -1, DEFAULT_LIMIT + 1])
async def test_limits(known: Watched, limit: int) -> None:
    """A list has a bounded number of entries."""
    await ask(known, f"/explain?user=bob&subject=a&limit={limit}")

    assert [(b"a", DEFAULT_LIMIT, 0)] == known.view.asked


async def test_foreign_hosts(known: Watched) -> None:
    """The page shows subjects, so it is refused to browsers under a foreign name."""
    assert 421 == (await ask(known, "/explain?user=bob&subject=a", host="evil.example")).status_code


async def test_hooks(known: Watched) -> None:
    """Hooks that see the subject are named, with what they see of it."""
    assert "hooks" not in (await ask(known, "/explain?user=bob&subject=a")).json()
    known.view.hooks = HookReport("policy:make", ("publish", "subscribe"), ("a.>",), shadow=True)
    answer = (await ask(known, "/explain?user=bob&subject=a.b")).json()

    assert answer["hooks"] == {
        "name": "policy:make",
        "sees": ["publish", "subscribe"],
        "patterns": ["a.>"],
        "shadow": True,
    }
