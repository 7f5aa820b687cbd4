"""The lines of leaf links (leaf-nodes.md, section 4)."""

import pytest

from app.domain.interest.subscription import MOST_WEIGHT
from app.domain.leaf.lines import (
    LeafInterest,
    added_line,
    interest_sid,
    note_reply,
    parse_added,
    parse_removed,
    refuse_partial_leaf,
    removed_line,
    split_leaf,
)
from app.domain.permissions.responses import OpenReplies
from app.domain.permissions.rules import Responses
from app.domain.protocol.errors import MaximumControlLine, ParserError, ProtocolError, UnknownOperation

LIMIT = 100

LINES = {
    b"LS+ a\r": (b"LS+", b"a"),
    b"ls+\ta b 1 \r": (b"LS+", b"a b 1"),
    b"LS- a": (b"LS-", b"a"),
    b"PING\r": (b"PING", b""),
    b"pong": (b"PONG", b""),
    b"+OK\r": (b"+OK", b""),
    b"INFO {}\r": (b"INFO", b"{}"),
    b"INFO{}": (b"INFO", b"{}"),
    b'CONNECT {"a":1}\r': (b"CONNECT", b'{"a":1}'),
    b"-ERR 'x'\r": (b"-ERR", b"'x'"),
}
NO_LINES = [
    b"",
    b"\r",
    b"LS+a",
    b"LSX a",
    b"PINGS",
    b"SUB a 1",
    b"PUB a 1",
    b"MSG a 1 1",
    b"LMSG a 1",
    b"UNSUB 1",
]


@pytest.mark.parametrize(("line", "parts"), LINES.items(), ids=map(repr, LINES))
def test_a_line_is_verb_and_argument(line: bytes, parts: tuple[bytes, bytes]) -> None:
    """Verbs are in any case, and blanks around the argument do not count."""
    assert parts == split_leaf(line, LIMIT)


@pytest.mark.parametrize("line", NO_LINES)
def test_other_lines_are_unknown(line: bytes) -> None:
    """The verbs of clients and routes are not understood."""
    with pytest.raises(UnknownOperation):
        split_leaf(line, LIMIT)


def test_a_long_argument_is_refused() -> None:
    """Blanks before it do not count up to a point."""
    assert (b"LS+", LIMIT * b"a") == split_leaf(b"LS+   " + LIMIT * b"a" + b"\r", LIMIT)
    with pytest.raises(MaximumControlLine):
        split_leaf(b"LS+ " + LIMIT * b"a" + b"b", LIMIT)


@pytest.mark.parametrize("line", [*LINES, b"LMSG a 1", b"hmsg\ta", b"L", b"H", b""])
def test_a_beginning_may_go_on(line: bytes) -> None:
    """Any part of a line that is understood is waited for."""
    for size in range(len(line) + 1):
        assert None is refuse_partial_leaf(line[:size], LIMIT, publishing=True)  # type: ignore[func-returns-value] # raises or not


@pytest.mark.parametrize(
    ("rest", "publishing", "error"),
    [
        (b"X", True, UnknownOperation),
        (b"LSX", True, UnknownOperation),
        (b"PUB a", True, UnknownOperation),
        (b"LM", False, UnknownOperation),
        (b"INFO " + 200 * b"x", True, MaximumControlLine),
    ],
)
def test_a_beginning_that_leads_nowhere(rest: bytes, publishing: bool, error: type[ProtocolError]) -> None:  # noqa: FBT001 - a parameter of the test
    """Garbage is refused at once, and messages before they are served."""
    with pytest.raises(error):
        refuse_partial_leaf(rest, LIMIT, publishing=publishing)


def test_interest() -> None:
    """A subject alone, or a queue group with its weight, which is at least 1 and bounded."""
    assert LeafInterest(b"a", None) == parse_added(b"a")
    assert LeafInterest(b"a", b"q", 3) == parse_added(b"a  q\t3")
    assert [1, MOST_WEIGHT] == [parse_added(b"a q %d" % weight).weight for weight in (0, 10**17)]
    assert [LeafInterest(b"a", None), LeafInterest(b"a", b"q")] == [
        parse_removed(b"a"),
        parse_removed(b"a q"),
    ]


@pytest.mark.parametrize("argument", [b"", b"a b", b"a b 1 2", b"a b x", b"a b -1", b"a q " + 30 * b"9"])
def test_interest_with_other_words(argument: bytes) -> None:
    """Neither two nor four words are any, nor a weight that is no number."""
    with pytest.raises(ParserError, match="processLeafSub Parse Error"):
        parse_added(argument)


@pytest.mark.parametrize("argument", [b"", b"a b c"])
def test_an_end_with_other_words(argument: bytes) -> None:
    """One word, or two for a queue group."""
    with pytest.raises(ParserError, match="processLeafUnsub Parse Error"):
        parse_removed(argument)


def test_what_we_announce_is_read_again() -> None:
    """Lines that are written say what was meant."""
    for subject, queue, weight in ((b"a.*", None, 1), (b"a.>", b"q", 7)):
        verb, argument = split_leaf(added_line(subject, queue, weight)[:-1], LIMIT)
        assert (b"LS+", LeafInterest(subject, queue, weight)) == (verb, parse_added(argument))
        verb, argument = split_leaf(removed_line(subject, queue)[:-1], LIMIT)
        assert (b"LS-", LeafInterest(subject, queue)) == (verb, parse_removed(argument))


def test_each_interest_has_a_name_of_its_own() -> None:
    """However subject and queue group are divided, the name is another one."""
    names = {
        interest_sid(b"ab", None),
        interest_sid(b"b", b"a"),
        interest_sid(b"a", b"b"),
        interest_sid(b"", b"ab"),
    }

    assert 4 == len(names)


@pytest.mark.parametrize(
    ("head", "open_"),
    [
        (b"LMSG a 1", b""),
        (b"LMSG a re 1", b"re"),
        (b"LMSG a | q 1", b""),
        (b"LMSG a | q r 1", b""),
        (b"LMSG a + re q r 1", b"re"),
        (b"HMSG a 12 13", b""),
        (b"HMSG a re 12 13", b"re"),
        (b"HMSG a | q 12 13", b""),
        (b"HMSG a + re q 12 13", b"re"),
        (b"LMSG to $JS.ACK.S.c.1.2@a 1", b"$JS.ACK.S.c.1.2"),
        (b"LMSG to b@c 1", b"b@c"),
    ],
)
def test_reply_subjects_of_what_is_sent(head: bytes, open_: bytes) -> None:
    """They are found in all forms of the line."""
    replies = OpenReplies(Responses(), lambda: 0.0, lambda: 0)

    note_reply(replies, head)

    assert (bool(open_), replies.is_open(open_)) == (len(replies) == 1, bool(open_))
