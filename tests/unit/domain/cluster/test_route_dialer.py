"""Whom to dial, and when again: politely, for ever where it is configured, and within bounds."""

import pytest

from app.adapters.clock_manual import ManualClock
from app.domain.cluster import route_dialer
from app.domain.cluster.route_dialer import (
    FORGET_SECONDS,
    LATE_SECONDS,
    MOST_DIALS,
    MOST_LEARNT,
    MOST_UNKNOWN,
    RETRY_FIRST,
    RETRY_MOST,
    RETRY_MOST_LATE,
    RETRY_MOST_UNKNOWN,
    UNKNOWN_AT_ONCE,
    UNKNOWN_PER_SECOND,
    Destination,
    RouteDialer,
    RouteDialerNeeds,
    UnreachableRoute,
)
from app.domain.cluster.route_url import RouteUrl
from app.domain.dataplane.draw import Draw
from app.domain.events import Level
from app.domain.sessions.wire import Handler, Wire
from tests.fakes.dialer import ScriptedDialer
from tests.fakes.event_log import RecordingEventLog
from tests.fakes.handler import ReceiveRoom, RecordingHandler
from tests.fakes.wire import FakeWire

SEED = RouteUrl("seed", 6222)
OTHER = RouteUrl("192.0.2.7", 6222)
LONGEST, SHORTEST = 1.5, 0.5
"""What chance makes of a wait."""


class Scene:
    """A route_dialer on a manual clock; `opened` has what led to links, and `served` the ids of routes."""

    def __init__(self, connect_retries: int = 0) -> None:
        self.clock = ManualClock()
        self.dialer = ScriptedDialer()
        self.events = RecordingEventLog()
        self.opened: list[Destination] = []
        self.served: set[str] = set()
        needs = RouteDialerNeeds(self.clock, self.dialer, Draw(1), self.events, connect_retries)
        self.route_dialer = RouteDialer(needs, self._open, self.served.__contains__)

    def _open(self, destination: Destination, wire: Wire) -> Handler:
        self.opened.append(destination)
        return RecordingHandler(wire, ReceiveRoom(), lambda: None)

    def answer(self) -> Destination:
        """Let the oldest dial open a link."""
        self.dialer.pending.pop(0).acceptor(FakeWire())
        return self.opened[-1]

    def reach(self, server_id: str) -> Destination:
        """Let the oldest dial lead to a registered server."""
        destination = self.answer()
        self.route_dialer.reached(destination, server_id)
        self.served.add(server_id)
        self.dialer.news()
        return destination

    def lose(self, server_id: str, destination: Destination | None = None, delay: float = 1.0) -> None:
        """Let a registered server be gone."""
        self.served.discard(server_id)
        self.route_dialer.lost(server_id, destination, delay)

    def waits(self, most: float = 100.0) -> float:
        """Seconds until somebody is dialled again, to a tenth."""
        waited = 0.0
        self.dialer.news()
        while not self.dialer.asked:
            assert waited < most, "nobody is dialled"
            self.clock.advance(0.1)
            waited += 0.1
        return waited


@pytest.fixture(name="scene")
def _scene() -> Scene:
    return Scene()


# --- configured ones ---------------------------------------------------------------------


def test_configured_servers_are_dialled_once_each(scene: Scene) -> None:
    """A list may have the same address twice, in any spelling."""
    scene.route_dialer.solicit([SEED, OTHER, RouteUrl("SEED", 6222, "u", "p")])

    assert [("seed", 6222), ("192.0.2.7", 6222)] == scene.dialer.news()
    assert ["Trying to connect to route on seed:6222"] == scene.events.texts()[:1]


def test_a_configured_server_is_dialled_for_ever(scene: Scene) -> None:
    """Waits grow from half a second to three, vary by chance, and never end."""
    scene.route_dialer.solicit([SEED])

    waits = []
    for _ in range(50):
        scene.dialer.refuse()
        waits.append(scene.waits())

    expected = [RETRY_FIRST, 2 * RETRY_FIRST, 4 * RETRY_FIRST] + 47 * [RETRY_MOST]
    for wait, most in zip(waits, expected, strict=True):
        assert most * SHORTEST - 0.11 <= wait <= most * LONGEST + 0.11
    assert len(set(waits)) > 10
    scene.clock.advance(2 * FORGET_SECONDS)
    scene.dialer.refuse()
    assert scene.waits() <= RETRY_MOST * LONGEST + 0.11


def test_what_the_log_says_of_a_failure(scene: Scene) -> None:
    """Each attempt is logged, and why it failed."""
    scene.route_dialer.solicit([RouteUrl("seed", 6222, "joe", "secret")])
    scene.dialer.refuse("no route to host")
    scene.clock.advance(RETRY_FIRST * LONGEST)

    assert [
        "Trying to connect to route on seed:6222",
        "Error trying to connect to route: no route to host",
        "Route to seed:6222 cannot be reached: no route to host (attempt 1)",
        'Attempting reconnect for solicited route "nats-route://seed:6222/"',
        "Trying to connect to route on seed:6222",
    ] == scene.events.texts()


def test_a_lost_server_is_dialled_again(scene: Scene) -> None:
    """The first dial comes after about the delay that the caller gives, whatever the backoff was before."""
    scene.route_dialer.solicit([SEED])
    for _ in range(9):
        scene.dialer.refuse()
        scene.waits()
    destination = scene.reach("A")

    scene.lose("A", destination, 0.2)

    assert 0.1 - 0.01 <= scene.waits() <= 0.3 + 0.11


def test_a_server_that_is_reached_otherwise_is_left_alone(scene: Scene) -> None:
    """A dial that finds its server served is the last one until that route is lost, and the log says so."""
    scene.route_dialer.solicit([SEED])
    destination = scene.answer()
    scene.route_dialer.reached(destination, "A")
    scene.served.add("A")
    scene.dialer.news()

    scene.route_dialer.failed(destination, "closed", refused=False)
    scene.clock.advance(10.0)
    quiet = (scene.dialer.news(), scene.clock.timers_outstanding)
    scene.lose("A")

    assert ([], 0) == quiet
    assert (
        'Not attempting reconnect for solicited route, already connected to "A"' == scene.events.texts()[-1]
    )
    assert scene.waits() <= RETRY_FIRST * LONGEST + 0.11


def test_a_server_that_comes_in_while_its_address_waits(scene: Scene) -> None:
    """When its turn comes nobody is dialled, and the log says why."""
    scene.route_dialer.seek(OTHER, "A")
    scene.dialer.refuse()
    scene.dialer.news()
    scene.served.add("A")

    scene.clock.advance(LONGEST)

    assert ([], 0) == (scene.dialer.news(), scene.clock.timers_outstanding)
    assert (
        'Not attempting reconnect for solicited route, already connected to "A"' == scene.events.texts()[-1]
    )
    assert not any("Attempting" in text for text in scene.events.texts())


def test_a_server_that_refuses_us_is_asked_less_and_less(scene: Scene) -> None:
    """After wrong credentials waits grow up to half a minute."""
    scene.route_dialer.solicit([SEED])
    waits = []
    for _ in range(8):
        destination = scene.answer()
        scene.route_dialer.reached(destination, "A")
        scene.route_dialer.failed(destination, "closed", refused=True)
        waits.append(scene.waits())

    for wait, most in zip(waits, [0.5, 1, 2, 4, 8, 16, 30, 30], strict=True):
        assert most * SHORTEST - 0.11 <= wait <= most * LONGEST + 0.11
    assert RETRY_MOST_UNKNOWN == 30


def test_a_route_to_ourselves_is_never_dialled_again(scene: Scene) -> None:
    """The address is ignored from then on, and the log says which."""
    scene.route_dialer.solicit([SEED])
    destination = scene.answer()

    scene.route_dialer.ignore(destination)
    scene.route_dialer.failed(destination, "closed", refused=False)
    scene.route_dialer.seek(SEED, "A")
    scene.clock.advance(100.0)

    assert (1, 0) == (len(scene.dialer.asked), scene.clock.timers_outstanding)
    assert ['Detected route to self, ignoring "nats-route://seed:6222/"'] == scene.events.texts()[1:]


def test_a_server_that_was_said_to_be_where_we_are(scene: Scene) -> None:
    """When it is lost our own address is not tried for it, nor does the log say so."""
    scene.route_dialer.seek(OTHER, "A")
    destination = scene.answer()
    scene.route_dialer.ignore(destination)
    scene.route_dialer.failed(destination, "closed", refused=False)

    scene.lose("A")
    scene.clock.advance(10.0)

    assert not any("Attempting" in text for text in scene.events.texts())
    assert 1 == len(scene.dialer.asked)


def test_which_servers_are_configured(scene: Scene) -> None:
    """A server is configured if a configured address leads to it."""
    scene.route_dialer.solicit([SEED])
    scene.reach("A")
    scene.route_dialer.learn(OTHER, "B")

    assert [True, False] == [scene.route_dialer.is_configured(server_id) for server_id in "AB"]
    assert scene.route_dialer.knows_configured("SEED", 6222)
    assert not scene.route_dialer.knows_configured("seed", 6223)
    assert not scene.route_dialer.knows_configured("192.0.2.7", 6222)


def test_an_address_that_was_learnt_before_it_is_configured(scene: Scene) -> None:
    """A server that called before we dialled is a configured one all the same, and kept for ever."""
    scene.route_dialer.learn(OTHER, "A")
    scene.served.add("A")
    scene.route_dialer.solicit([OTHER, OTHER])
    at_first = scene.dialer.news()

    scene.lose("A")
    scene.waits()
    scene.clock.advance(FORGET_SECONDS + 1)
    scene.dialer.refuse()

    assert [] == at_first
    assert scene.route_dialer.is_configured("A")
    assert scene.waits() <= RETRY_MOST * LONGEST + 0.11


def test_an_address_that_waits_when_it_is_configured(scene: Scene) -> None:
    """Its wait goes on, and there is one timer for it."""
    scene.route_dialer.seek(OTHER, "A")
    scene.dialer.refuse()
    scene.dialer.news()

    scene.route_dialer.solicit([OTHER])

    assert ([], 1) == (scene.dialer.news(), scene.clock.timers_outstanding)


# --- learnt ones -----------------------------------------------------------------------------


def test_what_is_heard_of_is_dialled(scene: Scene) -> None:
    """Once, however often it is heard of while the dial is under way, or a wait."""
    assert all(scene.route_dialer.seek(OTHER, "A") for _ in range(3))
    scene.dialer.refuse()
    assert scene.route_dialer.seek(OTHER, "A")

    assert ([("192.0.2.7", 6222)], 1) == (scene.dialer.news(), scene.clock.timers_outstanding)


def test_what_is_learnt_is_dialled_when_it_is_lost(scene: Scene) -> None:
    """A server that came by itself is looked for at the address it came with."""
    scene.route_dialer.learn(OTHER, "A")
    at_first = scene.dialer.news()

    scene.lose("A")
    scene.waits()

    assert ([], [("192.0.2.7", 6222)]) == (at_first, scene.dialer.news())


def test_a_server_of_several_addresses(scene: Scene) -> None:
    """A lost server is looked for wherever it was found."""
    scene.route_dialer.solicit([SEED])
    destination = scene.reach("A")
    scene.route_dialer.learn(OTHER, "A")
    scene.route_dialer.learn(RouteUrl("192.0.2.8", 6222), "B")

    scene.lose("A", destination)
    scene.clock.advance(LONGEST)

    assert [("192.0.2.7", 6222), ("seed", 6222)] == sorted(scene.dialer.news())


def test_a_dialled_address_that_another_server_is_said_to_have(scene: Scene) -> None:
    """Whatever peers say of an address: a lost route is dialled again where it was dialled."""
    scene.route_dialer.solicit([SEED])
    destination = scene.reach("A")
    scene.route_dialer.seek(SEED, "B")

    scene.lose("A", destination)
    scene.waits()

    assert [("seed", 6222)] == scene.dialer.news()


def test_a_dial_under_way_is_not_doubled(scene: Scene) -> None:
    """A loss leaves a dial to the same server alone."""
    scene.route_dialer.seek(OTHER, "A")

    scene.lose("A")

    assert (1, 0) == (len(scene.dialer.asked), scene.clock.timers_outstanding)


def test_the_latest_credentials_count(scene: Scene) -> None:
    """A server that asks for credentials since it was last heard of is shown them."""
    scene.route_dialer.seek(OTHER, "A")
    scene.dialer.refuse()
    scene.route_dialer.seek(RouteUrl("192.0.2.7", 6222, "joe", "secret"), "A")
    scene.waits()

    url = scene.answer().url
    assert ("joe", "secret") == (url.user, url.password)


def test_credentials_of_configured_addresses_stay(scene: Scene) -> None:
    """Gossip does not change what the operator has set."""
    scene.route_dialer.solicit([RouteUrl("192.0.2.7", 6222, "joe", "secret")])
    scene.route_dialer.seek(OTHER, "A")

    assert "secret" == scene.answer().url.password


def test_the_unknown_are_asked_less_and_less(scene: Scene) -> None:
    """A learnt address that never answers is dialled up to every half minute."""
    scene.route_dialer.seek(OTHER, "A")
    for _ in range(9):
        scene.dialer.refuse()
        scene.waits()
    scene.dialer.refuse()

    assert scene.waits() >= RETRY_MOST_UNKNOWN * SHORTEST - 0.11


def test_the_known_are_asked_often(scene: Scene) -> None:
    """A learnt server that was met before is dialled every three seconds or so."""
    scene.route_dialer.seek(OTHER, "A")
    destination = scene.reach("A")
    scene.lose("A", destination)
    scene.waits()
    for _ in range(9):
        scene.dialer.refuse()
        scene.waits()
    scene.dialer.refuse()

    assert scene.waits() <= RETRY_MOST * LONGEST + 0.11


def test_those_lost_for_long_are_asked_now_and_then(scene: Scene) -> None:
    """A learnt server that was away for an hour is dialled every minute or so: it may be back."""
    scene.route_dialer.seek(OTHER, "A")
    destination = scene.reach("A")
    scene.lose("A", destination)
    while scene.clock.monotonic() <= LATE_SECONDS + 60.0:
        scene.waits()
        scene.dialer.refuse()

    assert RETRY_MOST_LATE * SHORTEST - 0.11 <= scene.waits() <= RETRY_MOST_LATE * LONGEST + 0.11


def test_the_unreachable_are_forgotten(scene: Scene) -> None:
    """An address that was learnt, and where nobody was for a day, is given up, and its room is free."""
    scene.route_dialer.seek(OTHER, "A")

    while scene.dialer.pending:
        scene.dialer.refuse()
        scene.clock.advance(RETRY_MOST_LATE * LONGEST)

    assert FORGET_SECONDS < scene.clock.monotonic() < FORGET_SECONDS + 300
    assert 'Giving up on route "nats-route://192.0.2.7:6222/"' == scene.events.texts()[-1]
    assert 0 == scene.clock.timers_outstanding
    scene.route_dialer.seek(OTHER, "A")
    assert 1 == len(scene.dialer.pending)


def test_the_day_counts_from_the_loss(scene: Scene) -> None:
    """A server that was there for long is not given up at the first failure."""
    scene.route_dialer.seek(OTHER, "A")
    destination = scene.reach("A")
    scene.clock.advance(2 * FORGET_SECONDS)

    scene.lose("A", destination)
    scene.waits()
    scene.dialer.refuse()

    assert scene.waits() <= 2 * LONGEST


def test_the_operator_may_set_how_often_to_try() -> None:
    """With `connect_retries` set, a learnt address is given up after that number of failures in a row."""
    scene = Scene(connect_retries=2)
    scene.route_dialer.solicit([SEED])
    scene.route_dialer.seek(OTHER, "A")

    for _ in range(12):
        scene.dialer.refuse()
        if not scene.dialer.pending:
            scene.waits()

    assert 3 == scene.events.texts().count("Trying to connect to route on 192.0.2.7:6222")
    assert 1 == scene.events.texts().count('Giving up on route "nats-route://192.0.2.7:6222/"')
    assert len(scene.dialer.pending) == 1


@pytest.mark.parametrize("connect_retries", [0, 1])
def test_who_is_reached_otherwise_is_not_given_up(connect_retries: int) -> None:
    """A dial that was not needed, because its server is here already, is no failure to reach it."""
    scene = Scene(connect_retries)
    scene.route_dialer.seek(OTHER, "A")
    scene.dialer.refuse()
    scene.clock.advance(2 * FORGET_SECONDS)
    destination = scene.answer()
    scene.served.add("A")
    scene.route_dialer.reached(destination, "A")

    scene.route_dialer.failed(destination, "closed", refused=False)
    scene.clock.advance(100.0)
    scene.lose("A")

    assert scene.waits() <= LONGEST + 0.11
    assert not any("Giving up" in text for text in scene.events.texts())


def test_the_learnt_addresses_are_bounded(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 10,000 servers that peers announce a bounded number is remembered; configured ones do not count."""
    monkeypatch.setattr(route_dialer, "MOST_LEARNT", 2)
    scene.route_dialer.solicit([SEED])

    accepted = [scene.route_dialer.seek(RouteUrl("192.0.2.7", port), "A") for port in (1, 2, 3, 1)]

    assert [True, True, False, True] == accepted
    assert 3 == len(scene.dialer.asked)
    assert MOST_LEARNT == 1024


def test_an_address_without_a_port_is_not_learnt(scene: Scene) -> None:
    """A server that does not say where it listens cannot be dialled."""
    assert scene.route_dialer.learn(RouteUrl("192.0.2.7", 0), "A") is None
    assert not scene.route_dialer.seek(RouteUrl("192.0.2.7", 0), "A")


# --- bounds ---------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["refused", "opened"])
def test_the_dials_at_once_are_bounded(scene: Scene, ending: str) -> None:
    """The rest wait for their turn, in order; each dial that ends lets the next begin."""
    scene.route_dialer.solicit([RouteUrl("192.0.2.7", port) for port in range(1, MOST_DIALS + 3)])
    at_first = scene.dialer.news()

    if ending == "refused":
        scene.dialer.refuse()
    else:
        scene.answer()
    more = scene.dialer.news()
    scene.answer()

    assert MOST_DIALS == len(at_first) == len(scene.dialer.pending)
    assert [("192.0.2.7", MOST_DIALS + 1)] == more
    assert [("192.0.2.7", MOST_DIALS + 2)] == scene.dialer.news()


def test_a_turn_that_is_not_needed_any_more(scene: Scene) -> None:
    """A server that was reached otherwise while its dial waited is not dialled; the next one is."""
    scene.route_dialer.solicit([RouteUrl("192.0.2.7", port) for port in range(1, MOST_DIALS + 1)])
    scene.route_dialer.seek(RouteUrl("192.0.2.8", 1), "A")
    scene.route_dialer.seek(RouteUrl("192.0.2.9", 1), "B")
    scene.dialer.news()
    scene.served.add("A")

    scene.dialer.refuse()
    instead = scene.dialer.news()
    scene.lose("A")
    scene.clock.advance(LONGEST)
    for _ in range(2):
        scene.dialer.refuse()

    assert [("192.0.2.9", 1)] == instead
    assert ("192.0.2.8", 1) in scene.dialer.news()


def test_the_end(scene: Scene) -> None:
    """Once stopped nobody is dialled any more, whatever ends, is lost or is heard of; no timer stays."""
    scene.route_dialer.solicit([RouteUrl("192.0.2.7", port) for port in range(1, MOST_DIALS + 3)])
    scene.dialer.refuse()
    destination = scene.reach("A")
    scene.dialer.news()

    scene.route_dialer.stop()
    scene.lose("A", destination)
    scene.dialer.refuse()
    scene.answer()
    scene.route_dialer.failed(scene.opened[-1], "closed", refused=False)
    scene.route_dialer.seek(SEED, "B")
    scene.route_dialer.solicit([RouteUrl("192.0.2.9", 6222)])
    scene.clock.advance(100.0)

    assert ([], 0) == (scene.dialer.news(), scene.clock.timers_outstanding)


# --- what an operator sees -----------------------------------------------------------------


def test_the_log_of_a_server_that_cannot_be_reached(scene: Scene) -> None:
    """The 1st, 2nd, 4th and 8th failure in a row have a line each; so has the route, when it lasts."""
    scene.route_dialer.solicit([RouteUrl("seed", 6222, "joe", "secret")])
    for attempt in range(10):
        scene.dialer.refuse(f"refused {attempt}")
        scene.waits()
    scene.reach("S")
    scene.route_dialer.confirmed("other")
    scene.route_dialer.confirmed("S")
    scene.route_dialer.confirmed("S")

    assert [
        "Route to seed:6222 cannot be reached: refused 0 (attempt 1)",
        "Route to seed:6222 cannot be reached: refused 1 (attempt 2)",
        "Route to seed:6222 cannot be reached: refused 3 (attempt 4)",
        "Route to seed:6222 cannot be reached: refused 7 (attempt 8)",
        "Route to seed:6222 is reached, failed attempts before: 10",
    ] == [event.text() for event in scene.events.events if event.level is Level.INFO]


def test_configured_servers_that_cannot_be_reached_are_listed(scene: Scene) -> None:
    """With the reason and the time, without a password, until a route lasts."""
    scene.route_dialer.solicit([RouteUrl("seed", 6222, "joe", "secret"), OTHER])
    scene.clock.advance(1.0)
    assert () == scene.route_dialer.unreachable()
    scene.dialer.refuse("refused")
    wait = scene.waits()
    scene.route_dialer.failed(scene.answer(), "it closed the link", refused=True)
    scene.route_dialer.ignore(scene.opened[0])
    scene.dialer.refuse("no route to host")

    assert (
        UnreachableRoute("nats-route://seed:6222/", 2, "no route to host", 1.0),
    ) == scene.route_dialer.unreachable()
    assert wait > 0.0
    scene.waits()
    scene.reach("S")
    scene.route_dialer.confirmed("S")
    assert () == scene.route_dialer.unreachable()


def test_the_log_is_silent_about_learnt_addresses_that_cannot_be_reached(scene: Scene) -> None:
    """Nobody asked for them; nor are they listed."""
    scene.route_dialer.seek(OTHER, "S")
    scene.dialer.refuse("refused")
    scene.waits()
    scene.reach("S")
    scene.route_dialer.confirmed("S")

    assert () == scene.route_dialer.unreachable()
    assert [] == [event for event in scene.events.events if event.level is Level.INFO]


# --- addresses from gossip -----------------------------------------------------------------


def test_addresses_where_nobody_has_answered_are_dialled_at_a_pace(scene: Scene) -> None:
    """Some at once, then a few in a second, so that no peer makes us knock at a whole network."""
    for number in range(300):
        assert scene.route_dialer.seek(RouteUrl(f"192.0.2.{number % 250}", 1000 + number), f"S{number}")
    at_once = len(scene.dialer.pending)
    later = 0
    for _ in range(100):
        while scene.dialer.pending:
            scene.answer()
        scene.clock.advance(0.1)
        later += len(scene.dialer.pending)

    assert UNKNOWN_AT_ONCE == at_once
    assert abs(later - 10.0 * UNKNOWN_PER_SECOND) <= 1


def test_addresses_that_answer_cost_nothing(scene: Scene) -> None:
    """A newcomer meets hundreds of servers without a pause."""
    for number in range(300):
        scene.route_dialer.seek(RouteUrl("192.0.2.7", 1000 + number), f"S{number}")
    count = 0
    while scene.dialer.pending:
        scene.reach(f"S{scene.dialer.pending[0].port - 1000}")
        count += 1

    assert 300 == count


def test_an_address_that_is_served_while_it_waits_is_not_dialled(scene: Scene) -> None:
    """Its place goes to the next one."""
    for number in range(UNKNOWN_AT_ONCE + 2):
        scene.route_dialer.seek(RouteUrl("192.0.2.7", 1000 + number), f"S{number}")
    for _ in range(UNKNOWN_AT_ONCE):
        scene.answer()
    scene.served.add(f"S{UNKNOWN_AT_ONCE}")
    scene.clock.advance(1.0 / UNKNOWN_PER_SECOND + 0.01)

    assert [1001 + UNKNOWN_AT_ONCE] == [dial.port for dial in scene.dialer.pending]


def test_addresses_where_nobody_has_answered_are_bounded(scene: Scene) -> None:
    """More are ignored until some are known to be servers."""
    found = [
        scene.route_dialer.seek(RouteUrl("192.0.2.7", 1 + number), "") for number in range(MOST_UNKNOWN + 1)
    ]
    scene.reach("S0")
    again = scene.route_dialer.seek(RouteUrl("192.0.2.8", 1), "")

    assert MOST_UNKNOWN * [True] + [False, True] == [*found, again]


def test_a_stopped_server_dials_no_more_unknown_servers(scene: Scene) -> None:
    """Those that wait for the pace are forgotten, and no timer is left."""
    for number in range(UNKNOWN_AT_ONCE + 2):
        scene.route_dialer.seek(RouteUrl("192.0.2.7", 1000 + number), f"S{number}")
    scene.dialer.pending.clear()

    scene.route_dialer.stop()
    scene.clock.advance(60.0)

    assert [] == scene.dialer.pending
