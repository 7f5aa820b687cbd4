"""Hubs that we dial: the handshake, what they allow, and how they lie (leaf-nodes.md)."""

import json
from dataclasses import replace

import pytest

from app.domain.dataplane.seam import MakePlane
from app.domain.events import AuthorizationTimedOut, ReadFailed
from app.domain.leaf.events import (
    LeafClosed,
    LeafCreated,
    LeafErrorReceived,
    LeafLoginFailed,
    LeafUnreachable,
)
from app.domain.leaf.session import tag_of
from app.domain.leaf.settings import LeafLogin
from app.domain.security.credentials import Identity
from tests.fakes.event_log import RecordingEventLog
from tests.support.virtual_leaves import (
    HUB_URL,
    REMOTE,
    LeafBroker,
    LeafPeer,
    ScriptedLogin,
    hub_info_line,
)

PONG = b"PONG\r\n"


def connect_of(data: bytes) -> dict[str, object]:
    """What our CONNECT says."""
    line = data.partition(b"\r\n")[0]
    assert line.startswith(b"CONNECT ")
    document = json.loads(line.removeprefix(b"CONNECT "))
    assert isinstance(document, dict)
    return document


@pytest.fixture(name="server")
def _server(make_plane: MakePlane) -> LeafBroker:
    return LeafBroker(make_plane, REMOTE)


def test_nothing_is_said_before_info(server: LeafBroker) -> None:
    """The hub speaks first."""
    assert ([HUB_URL.address], b"") == (server.dialer.news(), server.answered().heard())


@pytest.mark.parametrize("size", [None, 1], ids=["whole", "bytewise"])
def test_the_handshake_of_an_old_hub(server: LeafBroker, size: int | None) -> None:
    """One that does not answer CONNECT gets it and all interest at once."""
    client = server.current()
    client.send(b"SUB a 1\r\n")
    peer = server.answered()

    heard = peer.ask(hub_info_line() + b"LS+ b\r\nLMSG a 2\r\nok\r\nPING\r\n", size)
    client.send(b"PUB b 2\r\nho\r\n")

    assert {
        "version": "2.15.1",
        "server_id": "NOWNIDNOWNIDNOWNIDNOWN",
        "name": "own",
        "cluster": "own",
        "headers": True,
        "compress_mode": "off",
        "remote_account": "$G",
        "protocol": 3,
    } == connect_of(heard)
    assert heard.endswith(b"} \r\n" + server.loop + b"LS+ a\r\n" + PONG)
    assert (b"MSG a 1 2\r\nok\r\n", b"LMSG b 2\r\nho\r\n") == (client.heard(), peer.heard())
    assert ("hub", tag_of("hub"), True, True) == (
        peer.session.name,
        peer.session.cluster_tag,
        peer.session.is_spoke,
        peer.session.solicited,
    )
    assert [True] == [event.solicited for event in server.events.of(LeafCreated)]


def test_the_handshake_of_a_hub_of_today(server: LeafBroker) -> None:
    """Interest is sent after its second INFO."""
    server.current().send(b"SUB a 1\r\n")
    peer = server.answered()

    first = peer.ask(hub_info_line(info_on_connect=True, cluster="A"))
    second = peer.ask(hub_info_line(connect_info=True, info_on_connect=True))

    assert (1, False) == (first.count(b"\r\n"), b"LS+" in first)
    assert server.loop + b"LS+ a\r\n" == second
    assert tag_of("A") == peer.session.cluster_tag


def test_what_we_show(make_plane: MakePlane) -> None:
    """All that there is to log in with, for the nonce of this link; the part of the hub, and what we deny."""
    shown = LeafLogin("u", "p", "t", "j", "n", "s")
    remote = replace(REMOTE, hub=True, deny_imports=("no.>",))
    server = LeafBroker(
        make_plane,
        remote,
        login=ScriptedLogin(shown),
        needs={"cluster": "mesh", "jetstream": True, "domain": "D"},
    )

    said = connect_of(server.answered().ask(hub_info_line(nonce="xyz")))

    assert {
        "user": "u",
        "pass": "p",
        "auth_token": "t",
        "jwt": "j",
        "nkey": "n",
        "sig": "s",
    }.items() <= said.items()
    assert ("mesh", True, ["no.>"], True, "D") == tuple(
        said[key] for key in ("cluster", "is_hub", "deny_pub", "jetstream", "domain")
    )
    assert ["xyz"] == server.login.nonces


def test_nothing_to_log_in_with(make_plane: MakePlane) -> None:
    """It is logged, the link ends, and the hub is dialled again."""
    server = LeafBroker(make_plane, REMOTE, login=ScriptedLogin(error="no such file"))
    peer = server.answered()

    heard = peer.ask(hub_info_line())
    server.advance(2.0)

    assert (b"", True) == (heard, peer.is_over)
    assert ["no such file"] == [event.reason for event in server.events.of(LeafLoginFailed)]
    assert 2 == len(server.dialer.asked)


@pytest.mark.parametrize("fields", [{"client_id": 0}, {"leafnode_urls": []}])
def test_a_port_that_is_not_for_leaf_nodes(server: LeafBroker, fields: dict[str, object]) -> None:
    """What we dialled is something else: nothing is shown to it."""
    peer = server.answered()

    assert (b"", True) == (peer.ask(hub_info_line(**fields)), peer.is_over)
    assert "attempted to connect to wrong port" in [
        event.reason for event in server.events.of(LeafUnreachable)
    ]


@pytest.mark.parametrize(
    "line",
    [
        b"LS+ a\r\n",
        b"LMSG a 1\r\nx\r\n",
        b"CONNECT {}\r\n",
        b"INFO []\r\n",
        b"XYZ\r\n",
        b'INFO {"server_id":1}\r\n',
    ],
)
def test_a_hub_that_begins_otherwise(server: LeafBroker, line: bytes) -> None:
    """The link ends, and the next attempt follows."""
    peer = server.answered()

    heard = peer.ask(line)
    server.advance(2.0)

    assert (b"", True, 2) == (heard, peer.is_over, len(server.dialer.asked))
    assert 1 == len(server.events.of(ReadFailed))


def test_an_info_of_a_megabyte(server: LeafBroker) -> None:
    """It has no end that we would wait for."""
    peer = server.answered()

    peer.send(b'INFO {"a":"' + 1_000_000 * b"x")

    assert peer.is_over


def test_a_hub_that_says_nothing(make_plane: MakePlane) -> None:
    """It has a second for its INFO, and some for its answer."""
    server = LeafBroker(make_plane, REMOTE, events=RecordingEventLog(debug=True, trace=False))
    silent = server.answered()
    server.advance(0.9)
    early = silent.is_over
    server.advance(0.2)
    ended = silent.is_over
    server.advance(2.0)

    lazy = server.answered()
    lazy.send(hub_info_line(info_on_connect=True))
    server.advance(4.0)
    waits = lazy.is_over
    server.advance(4.0)

    assert (False, True, False, True) == (early, ended, waits, lazy.is_over)
    assert 1 == len(server.events.of(AuthorizationTimedOut))


def test_time_does_not_run_for_a_link_that_is_over(server: LeafBroker) -> None:
    """Neither for one that is established, nor for one that has ended."""
    done, gone = server.reached(), None
    server.leaves.solicit()
    gone = server.answered()
    gone.leave()

    server.advance(10.0)

    assert (False, []) == (done.is_over, server.events.of(AuthorizationTimedOut))


LIMITED = {
    "info_on_connect": True,
    "connect_info": True,
    "import": {"allow": ["out.>"], "deny": ["out.no"]},
    "export": {"allow": ["in.>"]},
}


def limited(make_plane: MakePlane) -> tuple[LeafBroker, LeafPeer]:
    """A hub that allows something, and has announced everything."""
    server = LeafBroker(make_plane, REMOTE)
    peer = server.answered()
    peer.ask(hub_info_line(info_on_connect=True))
    peer.ask(hub_info_line(**LIMITED))
    peer.ask(b"LS+ >\r\n")
    return server, peer


def test_what_the_hub_allows_is_obeyed(make_plane: MakePlane) -> None:
    """We announce what we may receive, send what we may, and drop what comes against it."""
    server, peer = limited(make_plane)
    client = server.current()

    client.send(b"SUB out.a 1\r\nSUB out.no 2\r\nSUB other 3\r\nSUB > 4\r\n")
    announced = peer.heard()
    client.send(b"PUB in.a 1\r\nx\r\nPUB zz 1\r\nx\r\n")
    sent = peer.heard()
    client.heard()
    peer.send(b"LMSG out.a 1\r\nx\r\nLMSG other 1\r\nx\r\nLMSG out.no 1\r\nx\r\nPING\r\n")

    assert (b"LS+ out.a\r\nLS+ >\r\n", b"LMSG in.a 1\r\nx\r\n") == (announced, sent)
    assert b"MSG out.a 4 1\r\nx\r\nMSG out.a 1 1\r\nx\r\n" == client.heard()
    assert (PONG, False) == (peer.heard(), peer.is_over)


def test_new_rules_hold_at_once(make_plane: MakePlane) -> None:
    """A further INFO that answers no CONNECT may bring others."""
    server, peer = limited(make_plane)
    client = server.current()
    client.send(b"SUB other 3\r\n")

    peer.send(b"LMSG other 1\r\nx\r\n" + hub_info_line(connect_info=True) + b"LMSG other 1\r\ny\r\n")

    assert b"MSG other 3 1\r\ny\r\n" == client.heard()


def test_deny_lists(make_plane: MakePlane) -> None:
    """What we do not want is not announced and dropped; what we keep to ourselves is not sent."""
    remote = replace(REMOTE, deny_imports=("noin.>",), deny_exports=("noout.>",))
    server = LeafBroker(make_plane, remote)
    peer = server.reached()
    client = server.current()

    client.send(b"SUB noin.a 1\r\nSUB b 2\r\n")
    announced = peer.heard()
    peer.send(b"LS+ >\r\nLS+ noout.x q 1\r\nLMSG noin.a 1\r\nx\r\nLMSG b 1\r\nx\r\n")
    client.send(b"PUB noout.x 1\r\nx\r\nPUB c 1\r\nx\r\n")

    assert b"LS+ b\r\n" == announced
    assert (b"MSG b 2 1\r\nx\r\n", b"LMSG c 1\r\nx\r\n") == (client.heard(), peer.heard())


def test_streams_of_our_own_stay_here(make_plane: MakePlane) -> None:
    """A server that has some neither asks others nor lets others ask, but for its domain."""
    server = LeafBroker(make_plane, REMOTE, needs={"jetstream": True})
    peer = server.reached()
    client = server.current()

    client.send(b"SUB $JS.API.> 1\r\nSUB $JS.D.API.> 2\r\nSUB $KV.a 3\r\n")
    announced = peer.heard()
    peer.send(b"LS+ >\r\nLMSG $JS.API.INFO 0\r\n\r\nLMSG $JS.D.API.INFO 0\r\n\r\n")
    client.send(b"PUB $KV.b.k 0\r\n\r\nPUB $JS.H.API.INFO 0\r\n\r\n")

    assert b"LS+ $JS.D.API.>\r\n" == announced
    assert (b"MSG $JS.D.API.INFO 2 0\r\n\r\n", b"LMSG $JS.H.API.INFO 0\r\n\r\n") == (
        client.heard(),
        peer.heard(),
    )


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [
        ("Authorization Violation", 0.7, 1.3),
        ('Loop detected for leafnode account="$G". Delaying attempt to reconnect for 30s', 22.0, 38.0),
        ("remote leafnode has same cluster name", 22.0, 38.0),
        ('Permissions Violation for Publish to "a"', 22.0, 38.0),
    ],
)
def test_complaints_of_a_hub(server: LeafBroker, text: str, least: float, most: float) -> None:
    """They are logged; how soon it is dialled again depends on whether that is of use."""
    peer = server.reached()
    server.dialer.news()

    peer.send(b"-ERR '%b'\r\n" % text.encode())
    peer.leave()
    server.advance(least)
    early = server.dialer.news()
    server.advance(most - least)

    assert ([], 1) == (early, len(server.dialer.news()))
    assert [f"'{text}'"] == [event.error for event in server.events.of(LeafErrorReceived)]
    assert [text] == [event.reason for event in server.events.of(LeafClosed)]


def test_a_loop_is_found_at_this_end_too(server: LeafBroker) -> None:
    """We say so, close, and wait for long."""
    peer = server.reached()
    server.dialer.news()

    heard = peer.ask(server.loop)
    server.advance(20.0)

    assert (True, True, []) == (heard.startswith(b"-ERR 'Loop detected"), peer.is_over, server.dialer.news())


def test_addresses_of_the_hubs_cluster_are_learnt(server: LeafBroker) -> None:
    """When the hub is gone they have their turn."""
    peer = server.reached(leafnode_urls=["10.0.0.7:7422", "10.0.0.8:7422"])
    server.dialer.news()

    peer.leave()
    server.advance(2.0)

    assert ["10.0.0.8:7422"] == server.dialer.news()


def test_nobody_is_asked_about_a_hub(server: LeafBroker) -> None:
    """We have dialled it, so a verdict lets nobody in, and an INFO without addresses brings none."""
    peer = server.reached()

    assert peer.session.let_in(Identity())
    assert PONG == peer.ask(hub_info_line(leafnode_urls=[]) + b"PING\r\n")
