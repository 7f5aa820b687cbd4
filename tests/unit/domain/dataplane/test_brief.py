"""Brief subscriptions: each reader sees what would be there if each line had been obeyed at once."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.dataplane import choose
from app.domain.dataplane.brief import MOST_BRIEF
from app.domain.dataplane.seam import MakePlane, Plane
from app.domain.hooks.decisions import Refuse
from app.domain.hooks.gate import HookGate
from app.domain.hooks.hook_event import HookPoint
from app.domain.interest.watches import Watches
from app.domain.limits import Limits
from app.domain.permissions.rules import Permissions, Rule, entry
from app.domain.protocol.compatibility import Compatibility
from app.domain.security.credentials import Identity
from tests.fakes.event_log import RecordingEventLog
from tests.fakes.hook_caller import FakeHookCaller, terms
from tests.support.broker_stats import stats_of
from tests.support.examples import examples
from tests.support.twins import twins
from tests.support.virtual_broker import BrokerSetup, VirtualBroker, VirtualClient
from tests.support.virtual_cluster import RoutedBroker


def request(inbox: bytes, sid: bytes, subject: bytes = b"s") -> bytes:
    """What a client of the old style sends for one request."""
    return b"SUB %b %b\r\nUNSUB %b 1\r\nPUB %b %b 2\r\nhi\r\n" % (inbox, sid, sid, subject, inbox)


def answer(inbox: bytes) -> bytes:
    """What a service sends."""
    return b"PUB %b 2\r\nok\r\n" % inbox


def heard(inbox: bytes, sid: bytes) -> bytes:
    """What the client gets."""
    return b"MSG %b %b 2\r\nok\r\n" % (inbox, sid)


@dataclass
class Scene:
    """A broker with a service, a client that has asked, and what of this the plane may keep."""

    make_plane: MakePlane
    server: VirtualBroker
    service: VirtualClient
    client: VirtualClient

    @property
    def passed(self) -> int:
        """Subscriptions that the control plane has not seen."""
        return self.server.broker.plane.briefs.passed

    @property
    def most(self) -> int:
        """How many of one answered request it does not see."""
        return 0 if self.make_plane is choose("python")[1] else 1

    def sids(self, client: VirtualClient) -> list[tuple[bytes, bytes, int]]:
        """The sid, subject and limit of each of a client's subscriptions."""
        session = self.server.broker.sessions[client.connection.cid]
        return [(sid, one.subject, one.target.limit) for sid, one in session.subscriptions.items()]


def scene_at(make_plane: MakePlane, server: VirtualBroker) -> Scene:
    """With its service and its client."""
    service, client = server.connect(quiet=True), server.connect(quiet=True)
    service.send(b"SUB s 1\r\n")
    return Scene(make_plane, server, service, client)


@pytest.fixture(name="scene")
def _scene(make_plane: MakePlane) -> Scene:
    return scene_at(make_plane, VirtualBroker(make_plane))


def test_an_answered_request(scene: Scene) -> None:
    """A client has its answer, the service its request, and the subscription counts as one that was there."""
    scene.client.send(request(b"i.1", b"7"))
    asked = scene.service.heard()
    scene.service.send(answer(b"i.1") + answer(b"i.1"))

    stats = stats_of(scene.server.broker).subscriptions
    assert b"MSG s 1 i.1 2\r\nhi\r\n" == asked
    assert heard(b"i.1", b"7") == scene.client.heard()
    assert (1, 2, 1) == (stats.num_subscriptions, stats.num_inserts, stats.num_removes)
    assert scene.most == scene.passed


def test_request_after_request(scene: Scene) -> None:
    """Each of a client's requests is answered, with sids and inboxes that were used before too."""
    for number in (b"1", b"2", b"1", b"1"):
        scene.client.send(request(b"i." + number, number))
        scene.service.send(answer(b"i." + number))
        scene.service.send(answer(b"i.9"))

        assert heard(b"i." + number, number) == scene.client.heard()
    assert 4 * scene.most == scene.passed


def test_what_is_kept_is_shown(scene: Scene) -> None:
    """A subscription whose answer has not come is among those of its client, with its limit."""
    scene.client.send(request(b"i.1", b"7"))

    assert [(b"7", b"i.1", 1)] == scene.sids(scene.client)
    assert 2 == scene.server.broker.subscriptions
    assert heard(b"i.1", b"7") == _answered(scene, b"i.1")
    assert 0 == scene.passed


def _answered(scene: Scene, inbox: bytes) -> bytes:
    scene.service.send(answer(inbox))
    return scene.client.heard()


def test_the_service_may_be_asked_by_its_own_client(scene: Scene) -> None:
    """A client that has subscribed to all gets its request, then the answer twice, the older place first."""
    scene.client.send(b"SUB > 1\r\n" + request(b"i.1", b"7"))
    asked = scene.client.heard()

    assert b"MSG s 1 i.1 2\r\nhi\r\n" == asked
    assert sorted(heard(b"i.1", b"1") + heard(b"i.1", b"7")) == sorted(_answered(scene, b"i.1"))
    assert heard(b"i.1", b"1") == _answered(scene, b"i.1")


@pytest.mark.parametrize("pattern", [b"i.1", b"i.*", b">", b"i.1 q"])
def test_others_that_listen_to_the_inbox(scene: Scene, pattern: bytes) -> None:
    """A client that subscribes to an inbox after the request gets the answer as well."""
    other = scene.server.connect(quiet=True)
    scene.client.send(request(b"i.1", b"7"))
    other.send(b"SUB %b 3\r\n" % pattern)

    assert heard(b"i.1", b"7") == _answered(scene, b"i.1")
    assert heard(b"i.1", b"3") == other.heard()


def test_another_request_to_the_same_inbox(scene: Scene) -> None:
    """Two clients that wait at one inbox get the answer both, once."""
    other = scene.server.connect(quiet=True)
    scene.client.send(request(b"i.1", b"7"))
    other.send(request(b"i.1", b"8"))

    assert heard(b"i.1", b"7") == _answered(scene, b"i.1")
    assert heard(b"i.1", b"8") == other.heard()
    assert b"" == _answered(scene, b"i.1") + other.heard()


def test_a_plan_that_was_known_before(scene: Scene) -> None:
    """An inbox to which something was published without a receiver has one as soon as its client asks."""
    for _ in range(3):
        assert b"" == _answered(scene, b"i.1")
        scene.client.send(request(b"i.1", b"7"))
        assert heard(b"i.1", b"7") == _answered(scene, b"i.1")


def test_a_sid_in_use(scene: Scene) -> None:
    """A sid that is in use keeps its subject, and gets the limit."""
    scene.client.send(b"SUB a 7\r\n" + request(b"i.1", b"7"))

    assert [(b"7", b"a", 1)] == scene.sids(scene.client)
    assert b"" == _answered(scene, b"i.1")


def test_the_sid_of_a_request_that_has_no_answer(scene: Scene) -> None:
    """A sid that waits for an answer is in use."""
    scene.client.send(request(b"i.1", b"7") + request(b"i.2", b"7"))

    assert [(b"7", b"i.1", 1)] == scene.sids(scene.client)


def test_an_unsubscription_before_the_answer(scene: Scene) -> None:
    """A client that waits no longer gets nothing."""
    scene.client.send(request(b"i.1", b"7"))
    scene.client.send(b"UNSUB 7\r\n")

    assert b"" == _answered(scene, b"i.1")
    assert [] == scene.sids(scene.client)


def test_a_client_that_leaves_without_its_answer(scene: Scene) -> None:
    """Its subscription goes with it, and is in the record of its end."""
    scene.client.send(request(b"i.1", b"7"))
    scene.client.leave()
    scene.server.advance(1)

    assert 1 == scene.server.broker.subscriptions
    assert b"" == _answered(scene, b"i.1")


def test_a_multitude_that_waits(scene: Scene) -> None:
    """Of a multitude that waits for answers each gets its own."""
    clients = [scene.server.connect(quiet=True) for _ in range(MOST_BRIEF + 2)]
    for number, client in enumerate(clients):
        client.send(request(b"i.%d" % number, b"1"))
    scene.service.send(b"".join(answer(b"i.%d" % number) for number in range(len(clients))))

    assert [heard(b"i.%d" % n, b"1") for n in range(len(clients))] == [client.heard() for client in clients]
    assert scene.most <= scene.passed <= MOST_BRIEF * scene.most


def test_a_large_answer_in_pieces(scene: Scene) -> None:
    """An answer that comes in several reads is delivered once, when it is complete."""
    scene.client.send(request(b"i.1", b"7"))
    scene.service.send(b"PUB i.1 10\r\n01234")
    before = scene.client.heard()
    scene.service.send(b"56789\r\n")

    assert (b"", b"MSG i.1 7 10\r\n0123456789\r\n") == (before, scene.client.heard())


_STORED = (1, 10**18, b"s", b"", b"ok")


@pytest.mark.parametrize(
    "send",
    [
        lambda plane: plane.deliver(b"i.1", b"i.1", b"", b"", b"ok"),
        lambda plane: plane.deliver(b"i.1", b"s", b"", b"", b"ok"),
        lambda plane: plane.answer(b"i.1", b"ok", 1),
        lambda plane: plane.answer_stored(b"i.1", b"", _STORED),
        lambda plane: plane.deliver_answers(plane.read_run(b"MSG s 1 i.1 0\r\n\r\n", 0, 9), 0, 1, b"ok"),
    ],
    ids=["deliver", "renamed", "answer", "stored", "run"],
)
def test_a_message_of_the_server(scene: Scene, send: Callable[[Plane], object]) -> None:
    """What the server itself sends to an inbox arrives there, also if nobody got what came before."""
    plane = scene.server.broker.plane
    send(plane)
    scene.client.send(request(b"i.1", b"7"))
    send(plane)
    plane.flush()

    got = scene.client.heard()
    assert got.startswith((b"MSG i.1 7 ", b"MSG s 7 "))
    assert b"\r\nok" in got
    assert [] == scene.sids(scene.client)


def test_when_it_came(scene: Scene) -> None:
    """A client was last active when it asked, not when somebody asked about it."""
    scene.server.advance(1)
    scene.client.send(request(b"i.1", b"7"))
    then = scene.client.connection.session.last_command, scene.client.connection.last_activity
    scene.server.advance(5)
    scene.service.send(b"PUB x 0\r\n\r\n")
    scene.sids(scene.client)

    assert scene.client.connection.last_activity == then[1] == scene.client.connection.session.last_command


LINES = [
    b"SUB i.1 7\r\nUNSUB 7 2\r\n",
    b"SUB i.1 7\r\nUNSUB 7\r\n",
    b"SUB i.1 7\r\nUNSUB 8 1\r\n",
    b"SUB i.1 q 7\r\nUNSUB 7 1\r\n",
    b"sub i.1 7\r\nUNSUB 7 1\r\n",
    b"SUB i.1 7\nUNSUB 7 1\r\n",
    b"SUB i.1 7\r\nUNSUB 7 1\n",
    b"SUB  i.1 7\r\nUNSUB 7 1\r\n",
    b"SUB i.1  7\r\nUNSUB 7 1\r\n",
    b"SUB i.1 7 \r\nUNSUB 7 1\r\n",
    b"SUB i.1 7\r\nUNSUB 7 1 \r\n",
    b"SUB i.1 7\r\nUNSUB 7 11\r\n",
    b"SUB i.* 7\r\nUNSUB 7 1\r\n",
    b"SUB i.> 7\r\nUNSUB 7 1\r\n",
    b"SUB i.x* 7\r\nUNSUB 7 1\r\n",
    b"SUB i..1 7\r\nUNSUB 7 1\r\n",
    b"SUB .i 7\r\nUNSUB 7 1\r\n",
    b"SUB i. 7\r\nUNSUB 7 1\r\n",
    b"SUB i.1\t7\r\nUNSUB 7 1\r\n",
    b"SUB i.1 7\x01\r\nUNSUB 7\x01 1\r\n",
    b"SUB i.1 7\xff\r\nUNSUB 7\xff 1\r\n",
    b"SUB i.1 " + 300 * b"7" + b"\r\nUNSUB " + 300 * b"7" + b" 1\r\n",
    b"SUB 7\r\nUNSUB 7 1\r\n",
    b"SUB i\r\nUNSUB i 1\r\n",
    b"SUB i.1 7\r\nUNSUB 7 1\r\nSUB i.1 7\r\nUNSUB 7 1\r\n",
    b"SUB i.1 7\r\nUNSUB 7 1\r\nPING\r\n",
]


@pytest.mark.parametrize("lines", LINES)
@pytest.mark.parametrize("size", [None, 1, 13])
def test_lines_that_are_no_brief_subscription(make_plane: MakePlane, lines: bytes, size: int | None) -> None:
    """Whatever is written otherwise, or comes in pieces, has the same effect in both twins."""
    outcomes = []
    for make in (make_plane, choose("python")[1]):
        scene = scene_at(make, VirtualBroker(make))
        scene.client.send(lines + b"PUB s i.1 2\r\nhi\r\n", size)
        end = scene.client.connection.closed
        shown = [] if end else scene.sids(scene.client)
        scene.service.send(2 * answer(b"i.1"))
        outcomes.append((end, shown, scene.client.heard(), scene.service.heard()))

    assert outcomes[0] == outcomes[1]


def _limited(make_plane: MakePlane) -> VirtualBroker:
    return VirtualBroker(make_plane, Limits(max_subscriptions=1))


def _short(make_plane: MakePlane) -> VirtualBroker:
    return VirtualBroker(make_plane, Limits(max_control_line=44))


def _traced(make_plane: MakePlane) -> VirtualBroker:
    return VirtualBroker(make_plane, events=RecordingEventLog(debug=False))


def _debugged(make_plane: MakePlane) -> VirtualBroker:
    return VirtualBroker(make_plane, events=RecordingEventLog(trace=False))


def _watched(make_plane: MakePlane) -> VirtualBroker:
    server = VirtualBroker(make_plane)
    server.broker.interest.watches = Watches(server.clock, server.broker.failed)
    return server


@pytest.mark.parametrize("make_server", [_limited, _short, _traced, _debugged, _watched, RoutedBroker])
def test_where_each_subscription_is_heard_of(
    make_plane: MakePlane, make_server: Callable[[MakePlane], VirtualBroker]
) -> None:
    """The control plane sees each subscription where there are limits, logs, watches or other servers."""
    server = make_server(make_plane)
    service, client = server.connect(quiet=True), server.connect(quiet=True)
    service.send(b"SUB s 1\r\n")
    inbox = b"i." + 32 * b"1"
    client.send(request(inbox, b"7"))
    service.send(answer(inbox))

    assert heard(inbox, b"7") == client.heard()
    assert 0 == server.broker.plane.briefs.passed


def test_a_verbose_client(make_plane: MakePlane) -> None:
    """A verbose client hears +OK for each of its lines."""
    server = VirtualBroker(make_plane)
    client = server.connect()

    assert 3 * b"+OK\r\n" == client.ask(request(b"i.1", b"7"))


def test_a_log_that_begins_to_trace(scene: Scene) -> None:
    """What is kept is obeyed when the log wants to know more, and its end is logged."""
    scene.client.send(request(b"i.1", b"7"))
    scene.server.events.debug = True
    scene.server.broker.trace_changed()

    assert heard(b"i.1", b"7") == _answered(scene, b"i.1")
    assert 0 == scene.passed
    assert any("Auto-unsubscribe" in text for text in scene.server.events.texts())


@pytest.mark.parametrize("limits", [Limits(max_subscriptions=1), Limits(max_control_line=20)])
def test_limits_that_a_reload_brings(scene: Scene, limits: Limits) -> None:
    """What came before them stays, as other subscriptions do."""
    scene.service.send(request(b"i." + 32 * b"1", b"7"))
    scene.server.broker.apply(limits)

    assert [b"1", b"7"] == [sid for sid, _, _ in scene.sids(scene.service)]
    assert b"-ERR" not in scene.service.heard()


def test_rights_that_a_reload_takes_away(scene: Scene) -> None:
    """A subscription that came before ends as others do: its client hears of it by its sid."""
    identity = Identity(permissions=Permissions(subscribe=Rule(deny=(entry("i.1"),))))
    scene.client.send(request(b"i.1", b"7"))
    session = scene.server.broker.sessions[scene.client.connection.cid]

    session.reauthorize(identity)
    scene.server.broker.rights_changed()
    scene.server.broker.plane.flush()

    assert [] == scene.sids(scene.client)
    assert b'Subscription to "i.1" (sid "7")' in scene.client.heard()


def test_hooks_that_a_reload_brings(scene: Scene) -> None:
    """They are not asked about a subscription that came before them."""
    caller = FakeHookCaller(lambda _point, _event: Refuse("no"))
    scene.client.send(request(b"i.1", b"7"))
    gate = HookGate(terms(HookPoint.SUBSCRIBE), caller, scene.server.clock, scene.server.broker.events)
    scene.server.broker.use_hooks(gate)

    assert [(b"7", b"i.1", 1)] == scene.sids(scene.client)
    assert [] == caller.seen(HookPoint.SUBSCRIBE)
    assert b"Permissions Violation" in scene.client.ask(request(b"i.2", b"8"))


def test_watches_that_begin(scene: Scene) -> None:
    """A watch that begins after the request hears of the end of its subscription."""
    calls: list[bytes] = []
    scene.client.send(request(b"i.1", b"7"))
    watches = scene.server.broker.interest.watches = Watches(scene.server.clock, scene.server.broker.failed)
    watches.add(b"i.1", lambda: calls.append(b"i.1"))
    scene.service.send(answer(b"i.1"))

    assert [b"i.1"] == calls


def test_a_traced_answer(make_plane: MakePlane) -> None:
    """The trace of an answer names the subscription that got it."""
    server = VirtualBroker(make_plane, setup=BrokerSetup(compatibility=Compatibility.CURRENT))
    service, client = (server.connect(quiet=True) for _ in range(2))
    service.send(b'CONNECT {"verbose":false,"headers":true}\r\nSUB s 1\r\n')
    client.send(b'CONNECT {"verbose":false,"headers":true}\r\nSUB t 9\r\n' + request(b"i.1", b"7"))
    head = b"NATS/1.0\r\nNats-Trace-Dest: t\r\n\r\n"
    service.send(b"HPUB i.1 %d %d\r\n%bok\r\n" % (len(head), len(head) + 2, head))
    server.settle()

    got = client.heard()
    assert b"HMSG i.1 7 " in got
    assert b'"i.1"' in got


# --- the same in both twins ----------------------------------------------------------------------

CLIENTS = 3
WORDS = [b"i.1", b"i.2", b"j"]
SIDS = [b"1", b"2"]
_STEPS = st.one_of(
    st.builds(request, st.sampled_from(WORDS), st.sampled_from(SIDS), st.sampled_from([b"s", *WORDS])),
    st.builds(request, st.sampled_from(WORDS), st.sampled_from(SIDS), st.sampled_from([b"s", *WORDS])),
    st.builds(answer, st.sampled_from([b"s", *WORDS])),
    st.builds(answer, st.sampled_from([b"s", *WORDS])),
    st.builds(
        lambda pattern, sid: b"SUB %b %b\r\n" % (pattern, sid),
        st.sampled_from([b"i.*", b">", b"i.1", b"j q", b"s"]),
        st.sampled_from(SIDS),
    ),
    st.builds(lambda sid: b"UNSUB %b\r\n" % sid, st.sampled_from(SIDS)),
    st.just(b""),
    st.just(b'CONNECT {"echo":false}\r\n'),
    st.just(b"PING\r\n"),
)
SCRIPTS = st.lists(st.tuples(st.integers(0, CLIENTS), _STEPS), max_size=30)


def _played(make_plane: MakePlane, script: list[tuple[int, bytes]]) -> list[object]:
    """What is seen of a script; the step of a client that is not there looks at all subscriptions."""
    setup = BrokerSetup(compatibility=Compatibility.CURRENT)
    scene = scene_at(make_plane, VirtualBroker(make_plane, setup=setup))
    clients = [scene.service, scene.client, scene.server.connect(quiet=True)]
    seen: list[object] = []
    for number, data in script:
        if number == CLIENTS:
            seen += [scene.sids(client) for client in clients]
        elif data:
            clients[number].send(data)
        else:
            clients[number].leave()
            clients[number] = scene.server.connect(quiet=True)
        seen += [client.heard() for client in clients]
    stats = stats_of(scene.server.broker)
    index = stats.subscriptions
    counted = (stats.traffic, index.num_subscriptions, index.num_inserts, index.num_removes)
    return [*seen, counted, *(scene.sids(client) for client in clients)]


@pytest.mark.parametrize("twin", twins())
@given(script=SCRIPTS)
@examples(2)
def test_both_twins_do_the_same(twin: str, script: list[tuple[int, bytes]]) -> None:
    """Requests and all that is done around them have the same effects in both twins."""
    assert _played(choose("python")[1], script) == _played(choose(twin)[1], script)
