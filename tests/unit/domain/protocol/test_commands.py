"""Unit tests of the lines a client may send (client-protocol.md, sections 2 to 4, 6, 8 and 9)."""

import pytest

from app.domain.protocol.commands import (
    CONNECT,
    ERR,
    INFO,
    LINE_SLACK,
    OK,
    PING,
    PONG,
    PUB,
    SUB,
    UNSUB,
    VERBS,
    Subscribe,
    Unsubscribe,
    Verb,
    is_too_long,
    parse_subscribe,
    parse_unsubscribe,
    parser_complaint,
    readable,
    refuse_partial,
    split,
    words_of,
)
from app.domain.protocol.errors import MaximumControlLine, ParserError, UnknownOperation

LIMIT = 1024

# --- lines ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "verb", "argument"),
    [
        (b"PING", PING, b""),
        (b"PING\r", PING, b""),
        (b"PING\r\r", PING, b""),
        (b"PING   x junk", PING, b"x junk"),
        (b"PINGX", PING, b"X"),
        (b"PING\x00\xff\r", PING, b"\x00\xff"),
        (b"PONGX\r", PONG, b"X"),
        (b"+OKxyz\r", OK, b"xyz"),
        (b"CONNECT{}", CONNECT, b"{}"),
        (b"CONNECT\t{}", CONNECT, b"{}"),
        (b"CONNECT    {}  \r", CONNECT, b"{}"),
        (b"CONNECT\r", CONNECT, b""),
        (b"INFO{}\r", INFO, b"{}"),
        (b"SUB foo 1", SUB, b"foo 1"),
        (b"SUB \t foo \t 1 \t\r\r", SUB, b"foo \t 1"),
        (b"SUB\tfoo 1", SUB, b"foo 1"),
        (b"SUB \rfoo 9\r", SUB, b"foo 9"),
        (b"SUB fo\ro 99\r", SUB, b"fo\ro 99"),
        (b"SUB foo \x0b\x0c\r", SUB, b"foo \x0b\x0c"),
        (b"SUB \r", SUB, b""),
        (b"UNSUB 1\r", UNSUB, b"1"),
        (b"UNSUB\t1 2", UNSUB, b"1 2"),
        (b"UNSUB ", UNSUB, b""),
        (b"PUB \r", PUB, b""),
        (b"PUB foo 5 \r", PUB, b"foo 5"),
        (b"-ERR 'x' y\r", ERR, b"'x' y"),
        (b"-ERR\tx\r", ERR, b"x"),
        (b"-ERR \r", ERR, b""),
    ],
)
def test_a_line_taken_apart(line: bytes, verb: Verb, argument: bytes) -> None:
    """Blanks and CRs around the argument are no part of it, those within it stay."""
    assert (verb, argument) == split(line, LIMIT)


@pytest.mark.parametrize(
    ("line", "state", "offset", "rest"),
    [
        (b"ZZZ\r", 0, 0, r"ZZZ\r"),
        (b"", 0, 0, ""),
        (b"\r", 0, 0, r"\r"),
        (b" PING\r", 0, 0, r" PING\r"),
        (b"\tSUB foo 9\r", 0, 0, r"\tSUB foo 9\r"),
        (b"MSG foo 1 2\r", 0, 0, r"MSG foo 1 2\r"),
        (b"HPUB foo 12 14\r", 0, 0, r"HPUB foo 12 14\r"),
        (b"PUBX foo 1\r", 20, 3, r"X foo 1\r"),
        (b"pux y\r", 19, 2, r"x y\r"),
        (b"PX\r", 18, 1, r"X\r"),
        (b"P", 18, 1, ""),
        (b"PIX\r", 23, 2, r"X\r"),
        (b"PIN\r", 24, 3, r"\r"),
        (b"PIN", 24, 3, ""),
        (b"POX\r", 26, 2, r"X\r"),
        (b"PONX\r", 27, 3, r"X\r"),
        (b"PUB", 20, 3, ""),
        (b"CX\r", 10, 1, r"X"),
        (b"CONNEX\r", 14, 5, r"X"),
        (b'CONNEC {"pass":"secret"}\r', 15, 6, r" "),
        (b"SX\r", 31, 1, r"X\r"),
        (b"SUBX\r", 33, 3, r"X\r"),
        (b"SUB\rfoo 9\r", 33, 3, r"\rfoo 9\r"),
        (b"UX\r", 36, 1, r"X\r"),
        (b"UNSUX\r", 39, 4, r"X\r"),
        (b"UNSUBX\r", 40, 5, r"X\r"),
        (b"IX\r", 48, 1, r"X\r"),
        (b"INX\r", 49, 2, r"X\r"),
        (b"INF\xff\r", 50, 3, r"\xff\r"),
        (b"+X\r", 1, 1, r"X\r"),
        (b"+OX\r", 2, 2, r"X\r"),
        (b"-EX\r", 5, 2, r"X\r"),
        (b"-ERR\r", 7, 4, r"\r"),
        (b"-ERRX\r", 7, 4, r"X\r"),
    ],
)
def test_a_line_that_is_no_operation(line: bytes, state: int, offset: int, rest: str) -> None:
    """The complaint names gnatsd's parser state and the first byte that made no sense."""
    with pytest.raises(UnknownOperation) as caught:
        split(line, LIMIT)

    assert f"Parser ERROR, state={state}, i={offset}: proto='\"{rest}\"...'" == caught.value.reason


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name.decode())
def test_the_limit_of_a_line(verb: Verb) -> None:
    """The argument may be as long as the limit; its CR and the blanks before it are no part of it."""
    for blanks in (b" ", b"\t", b" " * 50):
        longest = verb.name + blanks + b"x" * 64
        for line in (longest, longest + b"\r"):
            assert (verb, b"x" * 64) == split(line, 64)
            refuse_partial(line, 64)
        for line in (longest + b"x", longest + b"x\r", longest + b"\r\r", longest + b" "):
            with pytest.raises(MaximumControlLine):
                split(line, 64)
            with pytest.raises(MaximumControlLine):
                refuse_partial(line, 64)


def test_blanks_are_not_free_for_ever() -> None:
    """A line of blanks is refused once it is longer than limit and slack together."""
    line = b"SUB".ljust(64 + LINE_SLACK)

    assert (SUB, b"") == split(line, 64)
    with pytest.raises(MaximumControlLine):
        split(line + b" ", 64)
    with pytest.raises(MaximumControlLine):
        refuse_partial(line + b" ", 64)


@pytest.mark.parametrize(
    ("line", "argument", "verdict"),
    [(8 + LINE_SLACK, 8, False), (8 + LINE_SLACK, 9, True), (9 + LINE_SLACK, 8, True), (0, 0, False)],
)
def test_both_lengths_count(line: int, argument: int, *, verdict: bool) -> None:
    """A line is too long by its argument or as a whole."""
    assert verdict is is_too_long(line, argument, 8)


# --- beginnings of lines ------------------------------------------------------------


def _may_go_on(rest: bytes) -> bool:
    """Whether a line that begins so may still become a good one."""
    try:
        refuse_partial(rest, LIMIT)
    except UnknownOperation:
        return False
    return True


@pytest.mark.parametrize(
    "rest", [b"CONNECTX", b"CONNECT X", b"INFOX", b"PINGX", b"+OKx", b"PUB foo -1", b"SUB a."]
)
def test_what_waits_for_its_line(rest: bytes) -> None:
    """Bad arguments, and junk where no blank is asked for, are judged when the line is complete."""
    assert _may_go_on(rest)


@pytest.mark.parametrize(
    "rest",
    [
        *(b"Z", b"M", b"G", b"\r", b" ", b"\x16", b"\x00", b"\xff"),
        *(b"PUZ", b"PUBX", b"PIX", b"PINX", b"POX", b"SUBX", b"UNX", b"UNSUBX", b"CONNX", b"IX", b"INFX"),
        *(b"+X", b"+OX", b"-X", b"-ERX", b"-ERRX", b"PUB\r", b"SUB\r", b"UNSUB\r", b"-ERR\r", b"PIN\r"),
    ],
)
def test_garbage_is_refused_at_the_byte_that_shows_it(rest: bytes) -> None:
    """The last byte makes the difference: before it the line might have gone on."""
    assert all(_may_go_on(rest[:length]) for length in range(1, len(rest)))
    assert not _may_go_on(rest)


# --- complaints -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "offset", "rest", "quoted"),
    [
        (0, 0, b"GET / HTTP/1.1\r\nHost: x\r\n\r", r"GET / HTTP/1.1\r\nHost: x\r\n\r"),
        (0, 0, b"MSG foo 1 2\r\nok\r", r"MSG foo 1 2\r\nok\r"),
        (
            *(0, 0, b'\x16\x03\x01"quoted" and a long text beyond the thirty-two bytes\r'),
            r"\x16\x03\x01\"quoted\" and a long text beyo",
        ),
        (
            *(15, 6, b' {"user":"u","pass":"p","verbose":false}\r'),
            r" {\"user\":\"u\",\"pass\":\"p\",\"verbose",
        ),
        (0, 0, b"\x07\x08\x0b\x0c\x7f\x80|\r", r"\a\b\v\f\x7f\x80|\r"),
        (0, 0, b"\"\\'`\t\x00\r", r"\"\\'`\t\x00\r"),
        (30, 22, b"", ""),
    ],
)
def test_complaints_read_as_those_of_gnatsd(state: int, offset: int, rest: bytes, quoted: str) -> None:
    """State, offset, and at most 32 bytes, quoted so that they are one line of plain ASCII."""
    expected = f"Parser ERROR, state={state}, i={offset}: proto='\"{quoted}\"...'"

    assert expected == parser_complaint(state, offset, rest)


def test_readable() -> None:
    """Text is text, and what is none shows as escapes."""
    assert "foЖ\\xff.\x00x 1" == readable(b"fo\xd0\x96\xff.\x00x 1")


# --- words, SUB and UNSUB ------------------------------------------------------------


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        (b"", []),
        (b" \t\r", []),
        (b"foo", [b"foo"]),
        (b"  a \t\r b  ", [b"a", b"b"]),
        (b"fo\ro 99", [b"fo", b"o", b"99"]),
        (
            b"fo\x00o \x0b \x0c \xc2\xa0 \xd0\x96\xff",
            [b"fo\x00o", b"\x0b", b"\x0c", b"\xc2\xa0", b"\xd0\x96\xff"],
        ),
    ],
)
def test_words(argument: bytes, words: list[bytes]) -> None:
    """Space, tab and CR part words; no other byte does."""
    assert words == words_of(argument)


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        (b"foo 9", Subscribe(b"foo", None, b"9")),
        (b"foo q 10", Subscribe(b"foo", b"q", b"10")),
        (b"a   b", Subscribe(b"a", None, b"b")),
        (b"foo\r9", Subscribe(b"foo", None, b"9")),
        (b"foo. sid", Subscribe(b"foo.", None, b"sid")),
    ],
)
def test_subscribe(argument: bytes, expected: Subscribe) -> None:
    """Two words or three; whether the subject is valid is not decided here."""
    assert expected == parse_subscribe(argument)


@pytest.mark.parametrize("argument", ["", "foo", "a b c d", "a b c d e"])
def test_subscribe_with_a_wrong_number_of_words(argument: str) -> None:
    """One, or more than three, cannot be understood; the log shows them."""
    with pytest.raises(ParserError) as caught:
        parse_subscribe(argument.encode())

    assert f"processSub Parse Error: '{argument}'" == caught.value.reason
    assert ParserError is type(caught.value)


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        (b"1", Unsubscribe(b"1", 0)),
        (b"1 2", Unsubscribe(b"1", 2)),
        (b"1\t  2", Unsubscribe(b"1", 2)),
        (b"1 002", Unsubscribe(b"1", 2)),
        (b"1 " + b"9" * 18, Unsubscribe(b"1", 10**18 - 1)),
        *((b"1 " + word, Unsubscribe(b"1", 0)) for word in (b"0", b"abc", b"-1", b"+2", b"1x", b"1.5")),
        *(
            (b"1 " + word, Unsubscribe(b"1", 0))
            for word in (b"9" * 19, b"9" * 5000, b"\xd9\xa5", b"1_0", b"0x5")
        ),
    ],
)
def test_unsubscribe(argument: bytes, expected: Unsubscribe) -> None:
    """A limit that is no decimal number, or has no end, means at once (section 9)."""
    assert expected == parse_unsubscribe(argument)


@pytest.mark.parametrize("argument", ["", "1 2 3"])
def test_unsubscribe_with_a_wrong_number_of_words(argument: str) -> None:
    """None, or more than two, cannot be understood; the log shows them."""
    with pytest.raises(ParserError) as caught:
        parse_unsubscribe(argument.encode())

    assert f"processUnsub Parse Error: '{argument}'" == caught.value.reason
    assert ParserError is type(caught.value)


@pytest.mark.parametrize(
    ("line", "quoted"),
    [
        (b'{"pass":"secret"}', r"{"),
        (b'CONECT {"pass":"secret"}', r"E"),
        (b'XCONNECT {"pass":"secret"}', r"XCONNECT {"),
        (b"GET / HTTP/1.1", "GET / HTTP/1.1"),
    ],
)
def test_a_complaint_quotes_no_document(line: bytes, quoted: str) -> None:
    """Of a line that is no operation the log shows nothing that may be part of a CONNECT."""
    with pytest.raises(UnknownOperation) as caught:
        split(line, LIMIT)

    assert caught.value.reason.endswith(f"proto='\"{quoted}\"...'")


@pytest.mark.parametrize("rest", [b"H", b"hp", b"HPUB", b"HPUB\t", b"HPUB a 1"])
def test_the_beginning_of_a_message_with_headers(rest: bytes) -> None:
    """It is the beginning of a line where headers may come, and of none elsewhere."""
    refuse_partial(rest, 64, headers=True)
    with pytest.raises(UnknownOperation):
        refuse_partial(rest, 64)


def test_the_beginning_of_a_routed_message_with_headers() -> None:
    """HMSG is for servers alone, and obeys the limit of a line."""
    refuse_partial(b"HMSG a 1", 64, routed=True, headers=True)
    with pytest.raises(UnknownOperation):
        refuse_partial(b"HMSG a 1", 64, headers=True)
    with pytest.raises(MaximumControlLine):
        refuse_partial(b"HPUB " + 100 * b"a", 64, headers=True)
