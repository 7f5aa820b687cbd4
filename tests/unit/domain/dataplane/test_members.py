"""Queue members that a peer server has drawn: one plan per sid, kept until the member comes or goes."""

import pytest

from app.domain.dataplane.constants import PLAN_BUDGET
from app.domain.dataplane.seam import MakePlane, Target
from app.domain.limits import ROUTE_LINE
from tests.fakes.data_plane import ScriptedSubscription, Stage, Station

SID = b"QRSID:3:7"


def routed(*sids: bytes, subject: bytes = b"foo") -> bytes:
    """An empty MSG for each sid."""
    return b"".join(b"MSG %b %b 0\r\n\r\n" % (subject, sid) for sid in sids)


def message(sid: bytes = b"1", subject: bytes = b"foo") -> bytes:
    """What the listener with this sid gets."""
    return b"MSG %b %b 0\r\n\r\n" % (subject, sid)


def sought(stage: Stage) -> list[bytes]:
    """The sids that the planner was asked for since the last call."""
    found = list(stage.planner.sought)
    stage.planner.sought.clear()
    return found


@pytest.fixture(name="route")
def _route(stage: Stage) -> Station:
    """A peer server on the `stage`."""
    return stage.route()


@pytest.fixture(name="member")
def _member(stage: Stage, station: Station) -> Target:
    """The listener of the `station` that `SID` names; another one hears its subject too."""
    stage.subscribe(b"foo", stage.station().target(b"2"))
    target = station.target()
    stage.planner.members[SID] = target
    return target


@pytest.mark.usefixtures("member")
@pytest.mark.parametrize("bytewise", [False, True], ids=["whole", "bytewise"])
def test_a_member_alone_gets_it(stage: Stage, station: Station, *, bytewise: bool) -> None:
    """A message for a member goes to that one, though others listen to its subject."""
    route = stage.route()
    data = b"MSG foo QRSID:3:7 2\r\nok\r\nMSG foo QRSID:3:7 re 2\r\nno\r\nMSG bar  QRSID:3:7 2\nya\r\n"

    (route.feed_bytewise if bytewise else route.feed)(data)

    assert b"MSG foo 1 2\r\nok\r\nMSG foo 1 re 2\r\nno\r\nMSG bar 1 2\r\nya\r\n" == station.heard()
    assert ([SID], []) == (sought(stage), stage.planner.asked)


@pytest.mark.parametrize("sid", [b"QRSID:", b"QRSID:x", b"QRSID:9:9", b"QRSID:1:2:3", b"QRSID:\xff"])
def test_no_such_member(stage: Stage, station: Station, route: Station, sid: bytes) -> None:
    """A sid that names nobody delivers nothing, and is asked for once."""
    stage.subscribe(b"foo", station.target())

    route.feed(routed(sid, sid))
    route.feed(routed(sid))

    assert (b"", [sid], 3) == (station.heard(), sought(stage), route.inlet.in_msgs)


@pytest.mark.usefixtures("member")
def test_a_member_is_asked_for_once(stage: Stage, station: Station) -> None:
    """The planner hears of each sid once, whichever routes use it, in whatever order and on what subject."""
    first, second = stage.route(), stage.route()

    first.feed(routed(SID, b"QRSID:1:1", SID))
    second.feed(routed(b"QRSID:1:1", SID) + routed(SID, subject=b"bar"))

    assert [SID, b"QRSID:1:1"] == sought(stage)
    assert 3 * message() + message(subject=b"bar") == station.heard()


@pytest.mark.usefixtures("member")
def test_members_are_no_subjects(stage: Stage, station: Station, route: Station) -> None:
    """A subject that is spelled like a sid has a plan of its own, with the route and in the cache."""
    stage.subscribe(SID, station.target(b"3"))
    publish = b"PUB %b 0\r\n\r\n" % SID

    for _ in range(2):
        route.feed(publish + routed(SID, b"RSID:1:1", subject=SID) + publish)
        stage.route().feed(routed(SID) + publish)

    once = message(b"3", SID) + message(b"1", SID) + 2 * message(b"3", SID) + message() + message(b"3", SID)
    assert 2 * once == station.heard()
    assert ([SID], [SID]) == (sought(stage), list({subject for _, subject in stage.planner.asked}))


@pytest.mark.usefixtures("member")
def test_the_audience_is_no_matter(stage: Stage, station: Station, route: Station) -> None:
    """A member is the same for all routes, whatever they may do otherwise."""
    for audience in (7, 8, 7):
        route.inlet.audience = audience
        route.feed(routed(SID))

    assert ([SID], 3 * message()) == (sought(stage), station.heard())


@pytest.mark.usefixtures("member")
def test_members_are_no_hits(stage: Stage, route: Station) -> None:
    """Only look-ups of subjects count as hits of the plan cache."""
    route.feed(routed(SID, b"QRSID:1:1", SID, b"RSID:1:1", SID, b"RSID:1:1"))

    assert 1 == stage.plane.plan_hits


def test_a_member_that_went(stage: Stage, station: Station, route: Station, member: Target) -> None:
    """After the end of a member nothing reaches it; forgotten, its sid is asked for again."""
    route.feed(routed(SID))
    member.retire()
    route.feed(routed(SID))
    stale = sought(stage)

    del stage.planner.members[SID]
    stage.plane.forget_member(SID)
    route.feed(routed(SID, SID))

    assert ([SID], [SID], message()) == (stale, sought(stage), station.heard())


def test_a_member_that_came(stage: Stage, station: Station, route: Station) -> None:
    """A sid that named nobody names somebody from `forget_member` on, and somebody else after the next."""
    for sid in (b"", b"1", b"2", b""):
        stage.planner.members.clear()
        if sid:
            stage.planner.members[SID] = station.target(sid)
        stage.plane.forget_member(SID)
        route.feed(routed(SID, SID))

    assert 2 * message(b"1") + 2 * message(b"2") == station.heard()
    assert 4 * [SID] == sought(stage)


@pytest.mark.usefixtures("member")
def test_forgetting_reaches_all_routes(stage: Stage) -> None:
    """A route that used a member before others did asks again with them."""
    first, second = stage.route(), stage.route()
    first.feed(routed(SID))
    second.feed(routed(SID))

    stage.plane.forget_member(SID)
    second.feed(routed(SID))
    first.feed(routed(SID))

    assert [SID, SID] == sought(stage)


@pytest.mark.usefixtures("member")
def test_forgetting_one_of_many(stage: Stage, station: Station, route: Station) -> None:
    """Other members and all subjects stay known, and a sid that is not known is no matter."""
    sids = [b"QRSID:1:%d" % number for number in range(5000)]
    route.feed(routed(SID, *sids, b"RSID:1:1"))
    sought(stage)
    stage.planner.asked.clear()

    for sid in (*sids[::3], sids[0], b"QRSID:", b"foo"):
        stage.plane.forget_member(sid)
    route.feed(routed(SID, *sids, b"RSID:1:1"))

    assert (sids[::3], []) == (sought(stage), stage.planner.asked)
    assert 2 * message() == station.heard()


@pytest.mark.usefixtures("member")
def test_changes_of_subjects_are_no_matter(stage: Stage, route: Station) -> None:
    """A subscription that comes or goes elsewhere leaves members as they are, though it is spelled alike."""
    route.feed(routed(SID, b"QRSID:a.b"))
    sought(stage)

    for pattern in (SID, b"QRSID:a.b", b"QRSID:a.*", b"*", b">", b"foo", *(200 * [b"a.*"])):
        stage.plane.changed(pattern)
        route.feed(routed(SID, b"QRSID:a.b"))

    assert [] == sought(stage)


@pytest.mark.usefixtures("member")
def test_kinds_of_subjects_are_no_matter(stage: Stage, station: Station, route: Station) -> None:
    """Members and plans for kinds of subjects stand side by side."""
    stage.planner.decide = lambda _subject: 0
    stage.subscribe(b"a.b", station.target(b"2"))

    route.feed(routed(b"RSID:1:1", SID, subject=b"a.b") + routed(b"RSID:1:1", SID, subject=b"a.c"))
    stage.plane.forget_member(SID)
    route.feed(routed(b"RSID:1:1", SID, subject=b"a.d"))

    assert ([SID, SID], [b"a.b"]) == (sought(stage), [subject for _, subject in stage.planner.asked])
    assert [b"2", b"1", b"2", b"1", b"2", b"1"] == [
        line.split()[2] for line in station.heard().split(b"\r\n") if line
    ]


@pytest.mark.usefixtures("member")
def test_forgetting_all_plans(stage: Stage, route: Station) -> None:
    """After `forget_plans` members are asked for again, the one in use included."""
    route.feed(routed(SID))

    stage.plane.forget_plans()
    route.feed(routed(SID))

    assert [SID, SID] == sought(stage)


def test_the_cache_is_bounded(stage: Stage, route: Station) -> None:
    """Sids beyond the budget empty the cache, subjects included, and what comes next is kept again."""
    sids = [b"QRSID:%08d" % number + (ROUTE_LINE // 2) * b"x" for number in range(1200)]
    assert PLAN_BUDGET < sum(map(len, sids))

    route.feed(routed(b"RSID:1:1"))
    for sid in sids:
        route.feed(routed(sid))
    route.feed(routed(b"RSID:1:1", sids[0]) + routed(b"RSID:1:1", sids[0]))

    assert ([*sids, sids[0]], 2) == (sought(stage), len(stage.planner.asked))


def test_subjects_and_members_share_the_budget(make_plane: MakePlane) -> None:
    """A cache that is full of subjects is emptied by one member more."""
    stage = Stage(make_plane)
    route = stage.route()
    length = ROUTE_LINE // 2
    subjects: list[bytes] = []

    while stage.plane.plan_figures().size < PLAN_BUDGET - length:
        subjects.append(b"%08d" % len(subjects) + length * b"x")
        route.feed(routed(b"s", subject=subjects[-1]))
    route.feed(routed(b"s", subject=subjects[-1]))
    route.feed(routed(SID + length * b"x", subject=b"foo") + routed(b"s", subject=subjects[-1]))

    assert [*subjects, subjects[-1]] == [subject for _, subject in stage.planner.asked]


def test_the_last_message_of_a_member(stage: Stage, station: Station, route: Station) -> None:
    """A member that goes after its last message, and is forgotten, misses all further ones."""
    subscription = ScriptedSubscription()
    target = station.target(b"1", subscription)
    stage.planner.members[SID] = target
    target.limit = 2

    def leave() -> None:
        target.retire()
        del stage.planner.members[SID]
        stage.plane.forget_member(SID)

    subscription.act = leave
    route.feed(5 * routed(SID))

    assert (2 * message(), 1, 2) == (station.heard(), subscription.expirations, target.delivered)
    assert [SID, SID] == sought(stage)


@pytest.mark.usefixtures("member")
def test_a_member_changes_between_messages(stage: Stage, station: Station, route: Station) -> None:
    """A line that changes the member counts from the next message on."""

    def obey(_line: bytes) -> bool:
        stage.planner.members[SID] = station.target(b"9")
        stage.plane.forget_member(SID)
        return True

    route.control.obey = obey
    route.feed(2 * routed(SID) + b"SUB\r\n" + 2 * routed(SID))

    assert 2 * message() + 2 * message(b"9") == station.heard()


def test_a_run_for_a_member(stage: Stage, station: Station, route: Station, member: Target) -> None:
    """Many messages for one member reach it in order, and are counted one by one."""
    route.feed(b"".join(b"MSG foo QRSID:3:7 re 4\r\n%04d\r\n" % number for number in range(1000)))

    assert b"".join(b"MSG foo 1 re 4\r\n%04d\r\n" % n for n in range(1000)) == station.heard()
    assert (1000, 1000, 4000) == (member.delivered, stage.plane.out_msgs, station.outbox.out_bytes)


@pytest.mark.usefixtures("member")
def test_a_large_message_for_a_member(stage: Stage, station: Station, route: Station) -> None:
    """A message with a buffer of its own is for the member that its line named."""
    data = b"MSG foo QRSID:3:7 300000\r\n" + 300_000 * b"x" + b"\r\n"

    for start in range(0, len(data), 10_000):
        route.feed(data[start : start + 10_000])

    assert data.replace(SID, b"1") == station.heard()
    assert [SID] == sought(stage)


def test_a_member_that_left(stage: Stage, station: Station, route: Station) -> None:
    """The planner is asked for each message, with its subject, and nothing is remembered."""
    stage.planner.left[SID] = [station.target(b"8")]

    route.feed(routed(SID, SID) + routed(SID, subject=b"bar"))
    stage.planner.left[SID] = []
    route.feed(routed(SID))
    del stage.planner.left[SID]
    stage.planner.members[SID] = station.target(b"9")
    route.feed(routed(SID))

    heard = message(b"8") + message(b"8") + message(b"8", b"bar") + message(b"9")
    assert heard == station.heard()
    asked = stage.planner.replaced
    assert {(SID, b"foo"), (SID, b"bar")} == set(asked)
    assert [(SID, b"foo"), (SID, b"bar"), (SID, b"foo")] == [
        key for number, key in enumerate(asked) if number == 0 or asked[number - 1] != key
    ]


def test_the_same_place_under_another_sid(stage: Stage, station: Station) -> None:
    """It delivers to the same connection, and counts for itself."""
    target = station.target(b"1")
    target.limit = 1
    other = target.under(b"QRSID:!1:1")
    stage.subscribe(b"foo", other)

    stage.station().feed(b"PUB foo 0\r\n\r\nPUB foo 0\r\n\r\n")

    assert 2 * message(b"QRSID:!1:1") == station.heard()
    assert (0, 2, 0) == (target.delivered, other.delivered, other.limit)
