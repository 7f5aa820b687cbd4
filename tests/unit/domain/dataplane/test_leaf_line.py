"""Messages of leaf links: LMSG and HMSG, with a reply subject or without, and with queue groups."""

import pytest

from app.domain.dataplane.leaf_line import understand, verb_of
from app.domain.dataplane.message import Bounds
from app.domain.dataplane.reach import Naming
from app.domain.dataplane.seam import Fault, Hook, Kind, MakePlane, Progress
from app.domain.limits import ROUTE_LINE
from tests.fakes.data_plane import MAX_PAYLOAD, ScriptedSubscription, Stage
from tests.fakes.leaf_stage import link

SPELLINGS = {
    "plain": (b"LMSG foo 2\r\nok\r\n", b"MSG foo 1 2\r\nok\r\n"),
    "reply": (b"LMSG foo re 2\r\nok\r\n", b"MSG foo 1 re 2\r\nok\r\n"),
    "a group": (b"LMSG foo | g 2\r\nok\r\n", b"MSG foo 1 2\r\nok\r\n"),
    "groups": (b"LMSG foo | g1 g2 g3 2\r\nok\r\n", b"MSG foo 1 2\r\nok\r\n"),
    "a reply and a group": (b"LMSG foo + re g 2\r\nok\r\n", b"MSG foo 1 re 2\r\nok\r\n"),
    "a reply and groups": (b"LMSG foo + re g1 g2 2\r\nok\r\n", b"MSG foo 1 re 2\r\nok\r\n"),
    "a reply, and groups that are none": (b"LMSG foo + re 2\r\nok\r\n", b"MSG foo 1 re 2\r\nok\r\n"),
    "a reply like a mark": (b"LMSG foo | 2\r\nok\r\n", b"MSG foo 1 | 2\r\nok\r\n"),
    "headers": (b"HMSG foo 2 4\r\nhdok\r\n", b"HMSG foo 1 2 4\r\nhdok\r\n"),
    "headers, a reply": (b"HMSG foo re 2 4\r\nhdok\r\n", b"HMSG foo 1 re 2 4\r\nhdok\r\n"),
    "headers, a group": (b"HMSG foo | g 2 4\r\nhdok\r\n", b"HMSG foo 1 2 4\r\nhdok\r\n"),
    "headers, a reply, groups": (b"HMSG foo + re g1 g2 2 4\r\nhdok\r\n", b"HMSG foo 1 re 2 4\r\nhdok\r\n"),
    "no headers after all": (b"HMSG foo re 0 2\r\nok\r\n", b"MSG foo 1 re 2\r\nok\r\n"),
    "small letters": (b"lmsg foo 2\r\nok\r\n", b"MSG foo 1 2\r\nok\r\n"),
    "blanks and tabs": (b"LMSG\t foo \t + re  g1\tg2   2 \r\nok\r\n", b"MSG foo 1 re 2\r\nok\r\n"),
    "LF alone": (b"LMSG foo re 2\nok\r\n", b"MSG foo 1 re 2\r\nok\r\n"),
    "leading zeros": (b"LMSG foo | g 002\r\nok\r\n", b"MSG foo 1 002\r\nok\r\n"),
    "nothing": (b"LMSG foo 0\r\n\r\n", b"MSG foo 1 0\r\n\r\n"),
    "any byte": (
        b"LMSG foo 256\r\n" + bytes(range(256)) + b"\r\n",
        b"MSG foo 1 256\r\n" + bytes(range(256)) + b"\r\n",
    ),
}
NO_MESSAGES = [
    b"LMSG\r",
    b"LMSGX foo 1",
    b"MSG foo s 1",
    b"PUB foo 1",
    b"HPUB foo 1 1",
    b"xLMSG a 1",
    b"",
    b"L",
]

WRONG = {
    b"LMSG ": Fault.ARGUMENTS,
    b"LMSG foo": Fault.ARGUMENTS,
    b"HMSG foo 2": Fault.ARGUMENTS,
    b"LMSG foo re g 2": Fault.ARGUMENTS,
    b"LMSG foo ++ re g 2": Fault.ARGUMENTS,
    b"LMSG foo x g1 g2 2": Fault.ARGUMENTS,
    b"LMSG foo x": Fault.SIZE,
    b"LMSG foo re -2": Fault.SIZE,
    b"LMSG foo | g x": Fault.SIZE,
    b"HMSG foo x 2": Fault.SIZE,
    b"HMSG foo 3 2": Fault.SIZE,
    b"HMSG foo 9999999999999999999 2": Fault.SIZE,
    b"LMSG foo %d" % (MAX_PAYLOAD + 1): Fault.PAYLOAD,
    b"LMSG foo | g 99999999999999999999": Fault.PAYLOAD,
    b"LMSG foo 2\r\nokxx": Fault.TERMINATOR,
    b"LMSG foo | %b 2" % (ROUTE_LINE * b"g"): Fault.LINE,
}


@pytest.mark.parametrize("bytewise", [False, True], ids=["whole", "bytewise"])
@pytest.mark.parametrize(("sent", "heard"), SPELLINGS.values(), ids=SPELLINGS.keys())
def test_a_message_in_any_spelling(stage: Stage, sent: bytes, heard: bytes, *, bytewise: bool) -> None:
    """Clients get it as any other message, whatever follows it, and it is counted."""
    leaf, client = link(stage), stage.station()
    client.outbox.headers = True
    stage.subscribe(b"foo", client.target())

    (leaf.feed_bytewise if bytewise else leaf.feed)(3 * sent + b"PING\r\n" + sent)

    assert 4 * heard == client.heard()
    assert (4, [b"PING\r"], []) == (leaf.inlet.in_msgs, leaf.control.lines, leaf.control.faults)


def test_everything_else_is_a_line(stage: Stage) -> None:
    """PUB and MSG, as all other lines, go to the control plane unchanged."""
    leaf = link(stage)

    leaf.feed(b"\n".join(NO_MESSAGES) + b"\n")

    assert NO_MESSAGES == leaf.control.lines


def test_headers_are_a_line_without_the_right_to_them(stage: Stage) -> None:
    """HMSG of a link without headers is for the control plane, also after one of a link that has them."""
    leaf, other = link(stage, headers=False), link(stage)

    other.feed(b"HMSG foo 1 1\r\nx\r\n")
    leaf.feed(b"HMSG foo 1 1\r\n")

    assert ([b"HMSG foo 1 1\r"], []) == (leaf.control.lines, other.control.lines)


def test_other_kinds_send_no_such_messages(stage: Stage) -> None:
    """LMSG of a client or a route is a line like any other, even after the same line of a link."""
    others = stage.station(), stage.route()

    link(stage).feed(b"LMSG foo 1\r\nx\r\n")
    for other in others:
        other.feed(b"LMSG foo 1\r\nx\r\n")

    assert 2 * [[b"LMSG foo 1\r", b"x\r"]] == [other.control.lines for other in others]


@pytest.mark.parametrize(("sent", "fault"), WRONG.items(), ids=[repr(line[:24]) for line in WRONG])
def test_what_is_wrong_is_reported(stage: Stage, sent: bytes, fault: Fault) -> None:
    """Neither a malformed line nor a size that does not fit reaches anybody."""
    leaf, client = link(stage), stage.station()
    stage.subscribe(b"foo", client.target())

    progress = leaf.feed(sent + b"\r\n")

    assert (Progress.STOPPED, [fault]) == (progress, [found for found, _ in leaf.control.faults])
    assert b"" == client.heard()


def test_clients_keep_their_limit_of_lines(make_plane: MakePlane) -> None:
    """Links may send long lines, and no larger messages than clients."""
    stage = Stage(make_plane, max_payload=10, max_line=100)
    leaf = link(stage)

    leaf.feed(b"LMSG %b 10\r\n0123456789\r\n" % (200 * b"s"))
    leaf.feed(b"LMSG a 11\r\n")

    assert (1, [(Fault.PAYLOAD, b"11")]) == (leaf.inlet.in_msgs, leaf.control.faults)


def test_a_message_is_traced_as_it_came(stage: Stage) -> None:
    """The log reads the verb, the words and the payload."""
    leaf = link(stage)
    leaf.inlet.trace = True

    leaf.feed(b"lmsg foo | g 2\r\nok\r\nHMSG a 1 2\r\nok\r\n")

    assert [(b"LMSG", b"foo | g 2\r", b"ok"), (b"HMSG", b"a 1 2\r", b"ok")] == leaf.control.traces


def test_the_plain_twin_takes_a_line_apart() -> None:
    """The parts of a message are found in any of its forms."""
    bounds = Bounds(100, 100)

    message = understand(Kind.LEAF, b"HMSG", b"HMSG foo + re g1 g2 1 2\r", bounds)

    assert (b"foo", b"re", (b"g1", b"g2"), 1, 2) == (
        message.subject,
        message.reply,
        message.names,
        message.header,
        message.size,
    )
    assert b"PUB" == understand(Kind.CLIENT, b"PUB", b"PUB foo 1\r", bounds).verb
    assert (b"LMSG", b"", b"PUB") == (
        verb_of(b"LMSG a 1\r", Kind.LEAF),
        verb_of(b"HMSG a 1 1\r", Kind.LEAF),
        verb_of(b"PUB a 1\r", Kind.CLIENT),
    )


STREAMED = {
    "plain": (b"LMSG foo $JS.ACK.s@a.b 2\r\nok\r\n", b"MSG a.b 1 $JS.ACK.s 2\r\nok\r\n"),
    "headers": (b"HMSG foo $JS.ACK.s@a.b 2 4\r\nhdok\r\n", b"HMSG a.b 1 $JS.ACK.s 2 4\r\nhdok\r\n"),
    "groups": (b"LMSG foo + $JS.ACK.s@a g 2\r\nok\r\n", b"MSG a 1 $JS.ACK.s 2\r\nok\r\n"),
    "two marks": (b"LMSG foo $JS.ACK.s@a@b 2\r\nok\r\n", b"MSG a@b 1 $JS.ACK.s 2\r\nok\r\n"),
    "no subject": (b"LMSG foo $JS.ACK.s@ 2\r\nok\r\n", b"MSG foo 1 $JS.ACK.s@ 2\r\nok\r\n"),
    "no mark": (b"LMSG foo $JS.ACK.s 2\r\nok\r\n", b"MSG foo 1 $JS.ACK.s 2\r\nok\r\n"),
    "another reply": (b"LMSG foo $JS.ACKs@a 2\r\nok\r\n", b"MSG foo 1 $JS.ACKs@a 2\r\nok\r\n"),
    "short": (b"LMSG foo $JS.ACK.@a 2\r\nok\r\n", b"MSG a 1 $JS.ACK. 2\r\nok\r\n"),
    "shorter": (b"LMSG foo $JS.ACK.@ 2\r\nok\r\n", b"MSG foo 1 $JS.ACK.@ 2\r\nok\r\n"),
}


@pytest.mark.parametrize("bytewise", [False, True], ids=["whole", "bytewise"])
@pytest.mark.parametrize(("sent", "heard"), STREAMED.values(), ids=STREAMED.keys())
def test_a_message_of_a_stream_shows_its_own_subject(
    stage: Stage, sent: bytes, heard: bytes, *, bytewise: bool
) -> None:
    """It goes to those who subscribe to the one subject, and reads as published on the other."""
    leaf, client = link(stage), stage.station()
    client.outbox.headers = True
    stage.subscribe(b"foo", client.target())

    (leaf.feed_bytewise if bytewise else leaf.feed)(3 * sent)

    assert 3 * heard == client.heard()


def test_a_message_of_a_stream_goes_on(stage: Stage) -> None:
    """Another link gets it as it came; a server that finds it by its sid gets that, gnatsd cannot have it."""
    leaf, other, named = link(stage), link(stage), link(stage, headers=False)
    ours, gnatsd, plain = stage.route(), stage.route(), stage.station()
    ours.outbox.naming, gnatsd.outbox.naming = Naming.ALL, Naming.MEMBERS
    ours.outbox.headers = True
    stage.subscribe(
        b"foo",
        other.target(b""),
        named.target(b"g"),
        ours.target(b"RSID:1:1"),
        gnatsd.target(b"RSID:1:1"),
        plain.target(),
    )
    leaf.outbox.trace = other.outbox.trace = named.outbox.trace = True

    leaf.feed(b"HMSG foo $JS.ACK.s@a 2 4\r\nhdok\r\n" + b"LMSG foo $JS.ACK.s@a 2\r\nok\r\n")

    assert b"HMSG foo $JS.ACK.s@a 2 4\r\nhdok\r\nLMSG foo $JS.ACK.s@a 2\r\nok\r\n" == other.heard()
    assert 2 * b"LMSG foo + $JS.ACK.s@a g 2\r\nok\r\n" == named.heard()
    assert b"HMSG a QRSID:1:1 $JS.ACK.s 2 4\r\nhdok\r\nMSG a QRSID:1:1 $JS.ACK.s 2\r\nok\r\n" == ours.heard()
    assert (b"", 2 * b"MSG a 1 $JS.ACK.s 2\r\nok\r\n") == (gnatsd.heard(), plain.heard())
    assert 0 == gnatsd.outbox.out_msgs
    assert [b"HMSG foo $JS.ACK.s@a 2 4", b"LMSG foo $JS.ACK.s@a 2"] == other.owner.heads


def test_a_message_that_cannot_be_sent_ends_no_subscription(stage: Stage) -> None:
    """One without a limit that has got nothing yet stays where such a message was for it."""
    leaf, gnatsd, subscription = link(stage), stage.route(), ScriptedSubscription()
    gnatsd.outbox.naming = Naming.MEMBERS
    stage.subscribe(b"foo", gnatsd.target(b"RSID:1:1", subscription))

    leaf.feed(b"LMSG foo $JS.ACK.s@a 2\r\nok\r\n")

    assert (b"", 0) == (gnatsd.heard(), subscription.expirations)


def test_headers_are_cut_of_a_message_that_is_found_by_its_sid(stage: Stage) -> None:
    """A server of ours without headers gets the rest."""
    leaf, ours = link(stage), stage.route()
    ours.outbox.naming = Naming.ALL
    stage.subscribe(b"foo", ours.target(b"RSID:1:1"))

    leaf.feed(b"HMSG foo $JS.ACK.s@a 2 4\r\nhdok\r\n")

    assert (b"MSG a QRSID:1:1 $JS.ACK.s 2\r\nok\r\n", 2) == (ours.heard(), ours.outbox.out_bytes)


def test_hooks_see_the_subject_that_is_shown(stage: Stage) -> None:
    """What somebody will read is what code of an operator decides about."""
    leaf, client = link(stage), stage.station()
    stage.planner.answer = lambda plane, _audience, _subject: plane.plan(
        [client.target()], (), hook=Hook.DELIVER
    )

    leaf.feed(b"LMSG foo $JS.ACK.s@a 2\r\nok\r\nLMSG foo re 2\r\nok\r\n")

    assert [(b"a", b"$JS.ACK.s"), (b"foo", b"re")] == [each[:2] for each in leaf.control.hooked_messages]
