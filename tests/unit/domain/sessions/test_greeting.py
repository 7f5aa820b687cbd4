"""What INFO says, to all clients and to one alone, and who has heard it."""

import json
from dataclasses import replace
from functools import partial

import pytest

from app.adapters.clock_manual import ManualClock
from app.domain.dataplane.seam import MakePlane
from app.domain.protocol.encode import NOTHING_PERSONAL, ListenerInfo, PersonalInfo
from app.domain.sessions.client import ClientSession
from app.domain.sessions.greeting import UPDATE_SECONDS, Greeting
from tests.support.virtual_broker import INFO, VirtualBroker, VirtualClient

ASYNC = b'CONNECT {"verbose":false,"protocol":1}\r\nPING\r\n'
PONG = b"PONG\r\n"


class Scene:
    """A greeting on a manual clock; `changes` has the version at each call."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.others: list[str] = []
        self.changes: list[int] = []
        self.others_for_websockets: list[str] = []
        self.greeting = Greeting(INFO, self.clock, self._changed)
        self.greeting.others = lambda: self.others
        self.greeting.others_for_websockets = lambda: self.others_for_websockets

    def _changed(self) -> None:
        self.changes.append(self.greeting.version)


@pytest.fixture(name="scene")
def _scene() -> Scene:
    return Scene()


def test_each_change_has_a_version(scene: Scene) -> None:
    """What says the same again is no change."""
    scene.greeting.set(replace(INFO, max_payload=5))
    scene.greeting.set(replace(INFO, max_payload=5))
    scene.greeting.set(INFO)

    assert [2, 3] == scene.changes
    assert INFO.line() == scene.greeting.line()


def test_clients_hear_of_a_change_after_the_turn(scene: Scene) -> None:
    """However often addresses changed in it, clients hear of them once, without waiting."""
    scene.greeting.listening_on(INFO.port, ("here:1",))
    scene.others = ["there:2"]
    scene.greeting.urls_changed()
    scene.greeting.urls_changed()
    before = list(scene.changes)
    scene.clock.advance(0)

    assert ([], [2]) == (before, scene.changes)
    assert ("here:1", "there:2") == scene.greeting.info.connect_urls


def test_addresses_change_in_bursts(scene: Scene) -> None:
    """What soon follows a change is sent once, a moment later; after that there is no wait again."""
    named = []
    for wait in (0, 0, UPDATE_SECONDS, UPDATE_SECONDS, 0):
        scene.others.append(f"there:{len(scene.others)}")
        scene.greeting.urls_changed()
        scene.clock.advance(wait)
        named.append(len(scene.greeting.info.connect_urls))
    scene.clock.advance(UPDATE_SECONDS)
    scene.clock.advance(UPDATE_SECONDS)
    scene.others.append("last:9")
    scene.greeting.urls_changed()
    scene.clock.advance(0)

    assert [1, 1, 3, 4, 4] == named
    assert 6 == len(scene.greeting.info.connect_urls)


def test_addresses_for_websockets(scene: Scene) -> None:
    """They are kept apart from the others; this server is first, and none is named twice."""
    scene.greeting.own_websocket_urls = ("here:80",)
    scene.others_for_websockets = ["there:80", "here:80"]
    scene.greeting.urls_changed()
    scene.greeting.refresh()

    assert ((), ("here:80", "there:80")) == (
        scene.greeting.info.connect_urls,
        scene.greeting.info.ws_connect_urls,
    )


def test_what_is_said_to_one_alone(scene: Scene) -> None:
    """Fields without a value are left out; nothing personal is what all others hear."""
    personal = PersonalInfo(client_id=7, client_ip="192.0.2.1", nonce="abc", ldm=True)

    lines = [scene.greeting.line(personal), scene.greeting.line(PersonalInfo(client_id=8))]

    common = json.loads(INFO.line()[5:])
    assert [
        common | {"client_id": 7, "client_ip": "192.0.2.1", "nonce": "abc", "ldm": True},
        common | {"client_id": 8},
    ] == [json.loads(line[5:]) for line in lines]
    assert INFO.line() == scene.greeting.line(PersonalInfo()) == scene.greeting.line(NOTHING_PERSONAL)


def info_of(heard: bytes) -> dict[str, object]:
    """The INFO among the lines."""
    [line] = [line for line in heard.split(b"\r\n") if line.startswith(b"INFO ")]
    info: dict[str, object] = json.loads(line[5:])
    return info


def session_of(client: VirtualClient) -> ClientSession:
    """Its session."""
    session = client.connection.session
    assert isinstance(session, ClientSession)
    return session


def test_each_client_gets_its_own_info(make_plane: MakePlane) -> None:
    """Each client gets its own number, at the start and with each change, and nothing in between."""
    server = VirtualBroker(make_plane)
    server.broker.greeting.personal_of = lambda number, ip: PersonalInfo(client_id=number, client_ip=ip)
    clients = [server.accept(), server.accept()]
    first = [info_of(client.heard()) for client in clients]
    quiet = [client.ask(ASYNC + b"PING\r\n") for client in clients]

    server.broker.greeting.set(replace(INFO, max_payload=5))
    second = [info_of(client.heard()) for client in clients]

    ids = [[info["client_id"] for info in infos] for infos in (first, second)]
    assert ([[1, 2], [1, 2]], [PONG * 2] * 2) == (ids, quiet)
    assert {"192.0.2.1"} == {info["client_ip"] for info in first + second}
    assert {5} == {info["max_payload"] for info in second}


def test_a_word_for_one_client(make_plane: MakePlane) -> None:
    """It is sent at once to the one that takes it, and stays for later changes; the other hears nothing."""
    server = VirtualBroker(make_plane)
    one, other = server.connect(), server.connect()
    for client in (one, other):
        client.ask(ASYNC)

    session_of(one).tell(PersonalInfo(ldm=True))
    server.broker.deferred.flush()
    now = info_of(one.heard()), other.heard()
    server.broker.greeting.set(replace(INFO, max_payload=5))

    assert (True, b"") == (now[0]["ldm"], now[1])
    assert (True, None) == (info_of(one.heard())["ldm"], info_of(other.heard()).get("ldm"))


def test_a_word_for_a_client_that_takes_none(make_plane: MakePlane) -> None:
    """A client of gnatsd's days expects INFO once."""
    server = VirtualBroker(make_plane)
    client = server.connect()

    session_of(client).tell(PersonalInfo(ldm=True))

    assert PONG == client.ask(b'CONNECT {"verbose":false}\r\nPING\r\n')


def test_a_client_hears_of_its_own_listener(make_plane: MakePlane) -> None:
    """Where it came in stays true with each change, and with what is said to it alone."""
    server = VirtualBroker(make_plane)
    listener = ListenerInfo("127.0.0.2", 4443, tls_required=True)
    wire = server.wire()
    acceptor = partial(server.broker.accept, listener=listener)
    client = VirtualClient(server, server.drive(wire, acceptor), wire)
    first = info_of(client.heard())
    client.ask(ASYNC)

    session_of(client).tell(PersonalInfo(ldm=True))
    server.broker.deferred.flush()

    second = info_of(client.heard())
    assert [(4443, True), (4443, True)] == [(info["port"], info["tls_required"]) for info in (first, second)]
    assert second["ldm"]


def test_the_same_line_for_a_group(scene: Scene) -> None:
    """What clients have in common is encoded once, and again after a change."""
    clients = [PersonalInfo(client_id=number, client_ip="127.0.0.1") for number in (1, 2)]
    leaving = PersonalInfo(client_id=3, ldm=True)
    before = [scene.greeting.line(one) for one in (*clients, leaving)]
    scene.greeting.set(replace(scene.greeting.info, max_payload=77))
    after = [scene.greeting.line(one) for one in (*clients, leaving)]

    assert 3 == len(set(before))
    assert [scene.greeting.info.line(one) for one in (*clients, leaving)] == after
    assert all(b'"max_payload":77' in line for line in after)
