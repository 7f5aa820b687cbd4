"""Deliver hooks at a server with leaf links: they decide for its clients, and links get the same lines."""

from dataclasses import replace

import pytest

from app.domain.dataplane.seam import HookedMessage, MakePlane
from app.domain.hooks.decisions import Rewrite
from app.domain.hooks.hook_event import HookPoint
from app.domain.protocol.compatibility import Compatibility
from tests.fakes.hook_caller import FakeHookCaller, terms
from tests.support.virtual_broker import INFO, BrokerSetup
from tests.support.virtual_leaves import OWN_ID, REMOTE, LeafBroker

LINES = {
    "plain": b"LMSG to $JS.ACK.S.c.1@real 1\r\nx\r\n",
    "with headers": b"HMSG to $JS.ACK.S.c.1@real 12 13\r\nNATS/1.0\r\n\r\nx\r\n",
    "for others": b"LMSG to box 1\r\nx\r\n",
    "of no stream": b"LMSG to box@real 1\r\nx\r\n",
}


def hooked(make_plane: MakePlane, caller: FakeHookCaller | None) -> LeafBroker:
    """A server with a hub, whose hooks see each delivery."""
    own = replace(INFO, server_id=OWN_ID, server_name="own")
    hooks = None if caller is None else (terms(HookPoint.DELIVER, patterns=(b">",)), caller)
    setup = BrokerSetup(own, compatibility=Compatibility.CURRENT, hooks=hooks)
    return LeafBroker(make_plane, REMOTE, setup=setup)


@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
def test_messages_of_streams_are_passed_on(make_plane: MakePlane, line: bytes) -> None:
    """A leaf node finds them by the subject of its subscriptions, whether hooks see them here or not."""
    caller, heard = FakeHookCaller(), []
    for hooks in (None, caller):
        server = hooked(make_plane, hooks)
        hub, leaf, client = server.reached(), server.joined(), server.current()
        client.send(b"SUB to 1\r\n")
        leaf.send(b"LS+ to\r\n")
        leaf.heard()
        hub.send(line)
        heard.append((client.heard(), leaf.heard()))

    assert (heard[0], line) == (heard[1], heard[0][1])
    assert 1 == len(caller.seen(HookPoint.DELIVER))


def test_what_hooks_make_of_a_message(make_plane: MakePlane) -> None:
    """A client gets it as it was changed; a leaf node asks its own hooks."""
    server = hooked(make_plane, FakeHookCaller(lambda _point, _event: Rewrite(data=b"y")))
    hub, leaf, client = server.reached(), server.joined(), server.current()
    client.send(b"SUB to 1\r\n")
    leaf.send(b"LS+ to\r\n")
    leaf.heard()

    hub.send(LINES["plain"])

    assert (b"MSG real 1 $JS.ACK.S.c.1 1\r\ny\r\n", LINES["plain"]) == (client.heard(), leaf.heard())


def test_a_message_under_another_subject(make_plane: MakePlane) -> None:
    """One of a stream here goes to links by what they subscribe to, and to clients as it is shown."""
    server = hooked(make_plane, None)
    leaf, client = server.joined(), server.current()
    client.send(b"SUB to 1\r\n")
    leaf.send(b"LS+ to\r\n")
    leaf.heard()
    plane = server.broker.plane

    for target in plane.receivers_of(b"to"):
        plane.deliver_to(target, HookedMessage(b"real", b"$JS.ACK.S.c.1", 0, b"x", b"to"))
        plane.deliver_to(target, HookedMessage(b"real", b"box", 0, b"y", b"to"))
        plane.deliver_to(target, HookedMessage(b"to", b"", 0, b"z", b"to"))
    plane.flush()

    assert b"LMSG to $JS.ACK.S.c.1@real 1\r\nx\r\nLMSG to 1\r\nz\r\n" == leaf.heard()
    lines = b"MSG real 1 $JS.ACK.S.c.1 1\r\nx\r\nMSG real 1 box 1\r\ny\r\nMSG to 1 1\r\nz\r\n"
    assert lines == client.heard()
