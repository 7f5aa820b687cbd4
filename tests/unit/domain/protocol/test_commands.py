"""Unit tests of the lines a client may send (client-protocol.md, sections 2 to 4, 6, 8 and 9)."""

import json

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
    Connect,
    Subscribe,
    Unsubscribe,
    Verb,
    check_info,
    is_too_long,
    parse_connect,
    parse_subscribe,
    parse_unsubscribe,
    parser_complaint,
    readable,
    redacted,
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


# --- CONNECT and INFO ------------------------------------------------------------------

JSON = [
    b"{}",
    b" { } ",
    b"null",
    b'{"x":1e999}',
    b'{"x":-0.5E+2}',
    b'{"x":"\\/\x7f"}',
    b'{"x":\r\t[{"a":2}]}',
    b'{"":1}',
]
NO_OBJECT = [b"[]", b"5", b'"x"', b"true"]
NO_JSON = [
    *(
        b"",
        b"{",
        b"{x",
        b"{}x",
        b"{} {}",
        b'{"a":1,}',
        b"{,}",
        b"{'verbose':false}",
        b'{"a" 1}',
        b'{"a":1 "b":2}',
    ),
    *(b'{"x":NaN}', b'{"verbose":NaN}', b'{"x":Infinity}', b'{"x":-Infinity}', b'{"x":01}', b'{"x":+1}'),
    *(
        b'{"x":1.}',
        b'{"x":.5}',
        b'{"x":-}',
        b'{"x":TRUE}',
        b'{"x":fal\rse}',
        b'{"name":"a\tb"}',
        b'{"x":"\\x41"}',
    ),
    *(b'\xef\xbb\xbf{"verbose":false}', b"{}\x0b", b"// c", b"[" * 100_000),
]
FLAGS = [
    "verbose",
    "pedantic",
    "ssl_required",
    "tls_required",
    "new_account",
    "echo",
    "headers",
    "no_responders",
]
TEXTS = ["auth_token", "user", "pass", "name", "lang", "version", "account"]


def test_connect_with_every_field() -> None:
    """All known fields come through, the others do not."""
    flags: dict[str, bool | int | str] = dict.fromkeys(FLAGS, True)
    fields = {"protocol": 1, **flags, **{name: f"my {name}" for name in TEXTS}}
    document = {**fields, "unknown": [1, {"verbose": False}]}

    connect = parse_connect(json.dumps(document).encode())

    assert connect == Connect(
        verbose=True,
        pedantic=True,
        ssl_required=True,
        tls_required=True,
        protocol=1,
        name="my name",
        lang="my lang",
        version="my version",
        user="my user",
        password="my pass",  # noqa: S106 - an example
        auth_token="my auth_token",  # noqa: S106 - an example
        account="my account",
        new_account=True,
        echo=True,
        headers=True,
        no_responders=True,
    )


def test_a_connect_shows_no_secret() -> None:
    """Its representation may stand in a trace of a defect."""
    connect = parse_connect(b'{"user":"u","pass":"hidden","auth_token":"hidden"}')

    assert "'u'" in repr(connect)
    assert "hidden" not in repr(connect)


@pytest.mark.parametrize(
    ("argument", "fields"),
    [
        (b'{"verbose":null,"user":null}', Connect()),
        (b'{"VERBOSE":false,"Auth_Token":"t"}', Connect(verbose=False, auth_token="t")),  # noqa: S106 - an example
        (b'{"\\u0076erbose":false}', Connect(verbose=False)),
        ('{"verbo\u017fe":false}'.encode(), Connect(verbose=False)),
        (b'{"verbose":true,"verbose":false}', Connect(verbose=False)),
        (b'{"verbose":false,"Verbose":true}', Connect(verbose=True)),
        (b'{"verbose":false,"Verbose":true,"verbose":false}', Connect(verbose=False)),
        (b'{"pass":"p","pass":null}', Connect(password="p")),  # noqa: S106 - an example
        (b'{"name":"\xff\xfe"}', Connect(name="\ufffd\ufffd")),
        (b'{"name":"\\ud800"}', Connect(name="\ufffd")),
        (b'{"name":"\\ud83dx\\ude00"}', Connect(name="\ufffdx\ufffd")),
        (b'{"name":"\\ud83d\\ude00\\ufeff"}', Connect(name="\U0001f600\ufeff")),
        (b'{"import":{"allow":["a"],"deny":null},"export":{"deny":[null]},"Import":null}', Connect()),
        (b'{"x":' + b"[" * 400 + b"]" * 400 + b"}", Connect()),
        *((argument, Connect()) for argument in JSON),
    ],
)
def test_connect(argument: bytes, fields: Connect) -> None:
    """Keys match in any case, the last of a name wins, and nulls change nothing (section 3)."""
    assert fields == parse_connect(argument)


@pytest.mark.parametrize(
    "argument",
    [
        *(NO_JSON + NO_OBJECT),
        *(f'{{"{name}":{value}}}'.encode() for name in FLAGS for value in ('"yes"', "1", "[]", "{}")),
        *(f'{{"{name}":{value}}}'.encode() for name in TEXTS for value in ("5", "true", "[]", "{}")),
        *(b'{"verbose":5,"verbose":true}', b'{"user":"u","USER":5}'),
        *(b'{"protocol":9223372036854775808}', b'{"protocol":-9223372036854775809}'),
        *(b'{"proxy_sig":1}', b'{"remote_account":1}'),
        *(b'{"import":1}', b'{"EXPORT":["a"]}', b'{"export":{"Deny":"a"}}'),
    ],
)
def test_a_connect_not_understood(argument: bytes) -> None:
    """Broken JSON, another document than an object, or a value of the wrong type is a parser error."""
    with pytest.raises(ParserError) as caught:
        parse_connect(argument)

    assert ParserError is type(caught.value)
    assert "" != caught.value.reason


INFO_TEXTS = ["server_id", "version", "go", "host", "ip"]
INFO_NUMBERS = ["port", "max_payload"]
INFO_FLAGS = ["auth_required", "ssl_required", "tls_required", "tls_verify"]


@pytest.mark.parametrize(
    "argument",
    [
        *JSON,
        *(f'{{"{name}":null}}'.encode() for name in INFO_TEXTS + INFO_NUMBERS + INFO_FLAGS),
        b'{"server_id":"x","port":4222,"tls_verify":false,"max_payload":-1,"nonce":5}',
    ],
)
def test_info(argument: bytes) -> None:
    """A client's INFO may be null, or hold any object whose known fields have the right type."""
    check_info(argument)


@pytest.mark.parametrize(
    "argument",
    [
        *(NO_JSON + NO_OBJECT),
        *(f'{{"{name}":{value}}}'.encode() for name in INFO_TEXTS for value in ("5", "true", "[]")),
        *(
            f'{{"{name}":{value}}}'.encode()
            for name in INFO_NUMBERS
            for value in ('"x"', "1.5", "1e2", "true")
        ),
        *(f'{{"{name}":{value}}}'.encode() for name in INFO_FLAGS for value in ('"x"', "0", "{}")),
        *[b'{"PORT":"x"}', b'{"port":"x","port":1}'],
    ],
)
def test_an_info_not_understood(argument: bytes) -> None:
    """Broken JSON, another document, or a known field of the wrong type is a parser error (section 2)."""
    with pytest.raises(ParserError):
        check_info(argument)


# --- what a log may show of CONNECT -------------------------------------------------------


@pytest.mark.parametrize(
    ("argument", "shown"),
    [
        (b'{"verbose":false,"user":"u", "pass":"s"}', '{"verbose":false,"user":"u","pass":"[REDACTED]"}'),
        (b'{"auth_token":"s","name":"\xd0\x96"}', '{"auth_token":"[REDACTED]","name":"\\u0416"}'),
        (b'{"PASS":"s","p\\u0061ss":"s"}', '{"PASS":"[REDACTED]","pass":"[REDACTED]"}'),
        (b'{"user":"\\ud800"}', '{"user":"\\ud800"}'),
        (
            b'{"y":[{"pass":"s"},{"x":{"auth_token":"s"}}]}',
            '{"y":[{"pass":"[REDACTED]"},{"x":{"auth_token":"[REDACTED]"}}]}',
        ),
        (b"null", "null"),
        (b'{"pass":"s"', "[not shown: invalid JSON]"),
        (b"", "[not shown: invalid JSON]"),
        (b'"s"', "[not shown: no JSON object]"),
        (b'[{"pass":"s"},"s"]', "[not shown: no JSON object]"),
        (b"[" * 100_000, "[not shown: invalid JSON]"),
    ],
)
def test_what_a_log_shows_of_connect(argument: bytes, shown: str) -> None:
    """All but the secrets, and nothing of what cannot be understood (section 16)."""
    assert shown == redacted(argument)


DEEP = 30_000


@pytest.mark.parametrize("inner", [b"", b"1", b'"]]}}"', b'{"a":[1,{}],"b":"\\"["}', b"null,true"])
def test_deep_nesting_is_read_through(inner: bytes) -> None:
    """What is nested, however deeply, is checked and means nothing; the interpreter's stack is not needed."""
    argument = b'{"x":' + b"[" * DEEP + inner + b"]" * DEEP + b',"user":"u","y":{"a":[]}}'

    assert Connect(user="u") == parse_connect(argument)
    check_info(argument)


@pytest.mark.parametrize(
    ("opening", "inner", "closing"),
    [
        (b"[", b"", b""),
        (b"[", b"", b"]" * (DEEP - 1)),
        (b"[", b"", b"]" * (DEEP + 1)),
        (b"[", b"1,", b"]" * DEEP),
        (b"[", b"NaN", b"]" * DEEP),
        (b"[", b'"', b"]" * DEEP),
        (b"[", b'"\\', b"]" * DEEP),
        (b"[", b"", b"}" * DEEP),
        (b"[", b"", b"]" * (DEEP // 2) + b"}" + b"]" * (DEEP // 2 - 1)),
        (b"[", b"", b"]" * (DEEP // 2) + b"x" + b"]" * (DEEP // 2)),
        (b'{"a":', b"", b"}" * DEEP),
        (b"]", b"", b"[" * DEEP),
    ],
)
def test_deep_nesting_that_is_broken(opening: bytes, inner: bytes, closing: bytes) -> None:
    """A mistake at any depth is a parser error, as it is at the top."""
    argument = b'{"user":"u","x":' + opening * DEEP + inner + closing + b"}"

    with pytest.raises(ParserError, match="invalid JSON: "):
        parse_connect(argument)


def test_a_log_shows_no_secret_of_the_depth() -> None:
    """What is nested too deeply is left out of the log, secrets included; the rest shows."""
    argument = b'{"user":"u","x":' + b'{"a":' * 500 + b'{"sig":"hidden"}' + b"}" * 500 + b"}"

    shown = redacted(argument)

    assert shown.startswith('{"user":"u","x":{"a":')
    assert '"a":null' in shown
    assert "hidden" not in shown


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
