"""Strategies for what clients and routes send: proper traffic, traffic gone wrong, and how it is cut."""

from itertools import pairwise

from hypothesis import strategies as st

SUBJECTS = [b"a", b"b", b"a.b", b"a.b.c", b"b.a", b"a.", b".", b"*", b"a.*", b">", b"a.>", b"A"]
PATTERNS = [*SUBJECTS, b"*.b", b"a.*.c", b"*.*", b"b.>", b"a..b", b">.a", b"a*"]
SIZES = [
    b"-1",
    b"+1",
    b"",
    b" ",
    b"1 1",
    b"00000",
    b"0x1",
    b"1e3",
    b"99999999",
    b"2147483648",
    b"4294967299",
    b"9223372036854775808",
    b"18446744073709551619",
    b"999999999999999999",
    b"1000000000000000000",
    4000 * b"9",
]
FRAGMENTS = [b"\r\n", b"\n", b"\r", b" ", b"\t", b"PUB ", b"SUB a 1\r\n", b"x", b"\x00", b"\xff", b"5"]
ROUTE_SIDS = [b"RSID:1:2", b"RSID:", b"QRSID:", b"QRSID:1", b"QRSID:2", b"QRSID:3", b"QRSID:sid", b"5", b"a"]

BLANKS = st.sampled_from([b" ", b"\t", b"  ", b" \t "])
ENDS = st.sampled_from([b"\r\n", b"\r\n", b"\n", b"\r\r\n", b" \r\n"])
PAYLOADS = st.one_of(
    st.binary(max_size=12),
    st.sampled_from([b"", b"\r\n", b"PUB a 1\r\nx\r\n", b"PING\r\n"]),
    st.builds(lambda byte, size: byte * size, st.sampled_from([b"x", b"\n"]), st.integers(200, 3000)),
)
LARGE_PAYLOADS = st.builds(
    lambda size: (b"0123456789\r\n" * (size // 12 + 1))[:size],
    st.sampled_from([65_000, 65_520, 65_536, 65_537, 131_072, 262_143, 262_144, 300_000]),
)


BLOCKS = [b"", b"", b"NATS/1.0\r\nNats-Trace-Dest:a\r\n\r\n"]
"""What comes before the payload of a message with headers; with the last one it may ask for a trace."""


@st.composite
def publishes(draw: st.DrawFn, payloads: st.SearchStrategy[bytes] = PAYLOADS) -> bytes:
    """A PUB with its payload, oddly spelled at times."""
    verb = draw(st.sampled_from([b"PUB", b"PUB", b"PUB", b"pub", b"Pub"]))
    return draw(_messages([verb, draw(st.sampled_from(SUBJECTS))], draw(payloads)))


@st.composite
def publishes_headed(draw: st.DrawFn, payloads: st.SearchStrategy[bytes] = PAYLOADS) -> bytes:
    """A HPUB with headers and payload, oddly spelled at times; the same again and again at others."""
    verb = draw(st.sampled_from([b"HPUB", b"HPUB", b"hpub", b"HPub"]))
    words = [verb, draw(st.sampled_from(SUBJECTS))]
    return draw(_messages(words, draw(payloads), headed=True)) * draw(st.sampled_from([1, 1, 1, 4]))


@st.composite
def routed_headed(draw: st.DrawFn, payloads: st.SearchStrategy[bytes] = PAYLOADS) -> bytes:
    """A HMSG of a route, as `publishes_headed`."""
    verb = draw(st.sampled_from([b"HMSG", b"HMSG", b"hmsg"]))
    words = [verb, draw(st.sampled_from(SUBJECTS)), draw(st.sampled_from(ROUTE_SIDS))]
    return draw(_messages(words, draw(payloads), headed=True)) * draw(st.sampled_from([1, 1, 1, 4]))


@st.composite
def routed(draw: st.DrawFn, payloads: st.SearchStrategy[bytes] = PAYLOADS) -> bytes:
    """A MSG of a route with its payload, oddly spelled at times; the same again and again at others."""
    verb = draw(st.sampled_from([b"MSG", b"MSG", b"MSG", b"msg", b"Msg"]))
    words = [verb, draw(st.sampled_from(SUBJECTS)), draw(st.sampled_from(ROUTE_SIDS))]
    return draw(_messages(words, draw(payloads))) * draw(st.sampled_from([1, 1, 1, 4]))


@st.composite
def _messages(draw: st.DrawFn, words: list[bytes], payload: bytes, *, headed: bool = False) -> bytes:
    """A message that begins with these words."""
    words += draw(st.sampled_from([[], [], [b"reply"], [b"_INBOX.x.1"], [b"_R_.x"], [b"$JS.ACK."]]))
    if headed:
        payload = draw(st.sampled_from(BLOCKS)) + payload
        words += [draw(st.sampled_from([b"0", b"1", b"12", b"0005", b"%d" % len(payload), b"x", b"-1"]))]
    words += [draw(st.sampled_from([b"", b"", b"0", b"000"])) + b"%d" % len(payload)]
    return words[0] + draw(BLANKS) + draw(BLANKS).join(words[1:]) + draw(ENDS) + payload + b"\r\n"


@st.composite
def subscribes(draw: st.DrawFn) -> bytes:
    """A SUB, in a group at times, on a subject that may be malformed."""
    words = [draw(st.sampled_from(PATTERNS)), *draw(st.sampled_from([[], [], [b"q"], [b"r"]]))]
    return b"SUB " + b" ".join([*words, draw(SIDS)]) + draw(ENDS)


@st.composite
def unsubscribes(draw: st.DrawFn) -> bytes:
    """An UNSUB, after a number of messages at times."""
    limit = draw(st.sampled_from([b"", b"", b" 0", b" 1", b" 2", b" 5", b" x", b" 9999999999999999999"]))
    return b"UNSUB " + draw(SIDS) + limit + draw(ENDS)


SIDS = st.sampled_from([b"1", b"2", b"3", b"sid"])
SMALL_TALK = st.sampled_from(
    [
        b"PING\r\n",
        b"PONG\r\n",
        b"ping \t x\n",
        b"+OK\r\n",
        b"INFO {}\r\n",
        b"CONNECT {}\r\n",
        b'CONNECT {"verbose":false}\r\n',
        b'CONNECT {"verbose":true}\r\n',
        b'CONNECT {"pedantic":false}\r\n',
        b'CONNECT {"pedantic":true}\r\n',
        b'CONNECT {"name":"n","lang":"py"}\r\n',
    ]
)
OPERATIONS = st.one_of(publishes(), publishes(), subscribes(), unsubscribes(), SMALL_TALK)
PROPER = st.lists(OPERATIONS, max_size=25).map(b"".join)
"""Operations that a client may send, malformed subjects included."""

SPACIOUS = st.lists(st.one_of(publishes(LARGE_PAYLOADS), OPERATIONS), max_size=6).map(b"".join)
"""Operations, with large payloads among them."""

ROUTE_OPERATIONS = st.one_of(routed(), routed(), routed(), OPERATIONS)
PROPER_ROUTE = st.lists(ROUTE_OPERATIONS, max_size=25).map(b"".join)
"""Operations that a route may send."""

SPACIOUS_ROUTE = st.lists(st.one_of(routed(LARGE_PAYLOADS), ROUTE_OPERATIONS), max_size=6).map(b"".join)
"""The same, with large payloads among them."""


HEADED = st.lists(st.one_of(publishes_headed(), routed_headed(), ROUTE_OPERATIONS), max_size=25).map(b"".join)
"""Operations of those that may send headers."""


def hostile_sizes(proper: st.SearchStrategy[bytes], start: bytes) -> st.SearchStrategy[bytes]:
    """Operations, and in their midst a message that starts like this and whose size is no size."""
    return st.builds(
        lambda before, size, after: before + start + size + b"\r\n" + after,
        proper,
        st.sampled_from(SIZES),
        st.one_of(proper, st.binary(max_size=40)),
    )


@st.composite
def mutated(draw: st.DrawFn, proper: st.SearchStrategy[bytes] = PROPER) -> bytes:
    """Operations with some bytes replaced, left out or put in between."""
    data = bytearray(draw(proper))
    for _ in range(draw(st.integers(1, 4))):
        position = draw(st.integers(0, len(data)))
        width = draw(st.integers(0, 3))
        data[position : position + width] = draw(st.one_of(st.binary(max_size=3), st.sampled_from(FRAGMENTS)))
    return bytes(data)


HOSTILE_SIZES = hostile_sizes(PROPER, b"PUB a ")
TRAFFIC = st.one_of(PROPER, mutated(), HOSTILE_SIZES)
ROUTE_TRAFFIC = st.one_of(
    PROPER_ROUTE,
    mutated(PROPER_ROUTE),
    hostile_sizes(PROPER_ROUTE, b"MSG a RSID:1:1 "),
    hostile_sizes(PROPER_ROUTE, b"MSG a QRSID:sid re "),
)


@st.composite
def cuts(draw: st.DrawFn, most: int = 12) -> list[float]:
    """Where to cut, as shares of the whole; see `pieces`."""
    return sorted(draw(st.lists(st.floats(0, 1), max_size=most)))


def pieces(data: bytes, shares: list[float]) -> list[bytes]:
    """The data in pieces, none of them empty."""
    edges = sorted({0, len(data), *(int(share * len(data)) for share in shares)})
    return [data[start:end] for start, end in pairwise(edges)]


def bytewise(data: bytes) -> list[bytes]:
    """The data in pieces of one byte."""
    return [data[i : i + 1] for i in range(len(data))]


@st.composite
def leaf_messages(draw: st.DrawFn, payloads: st.SearchStrategy[bytes] = PAYLOADS) -> bytes:
    """An LMSG or HMSG of a leaf link in any form, oddly spelled at times; the same again and again."""
    headed = draw(st.sampled_from([False, False, True]))
    verb = draw(st.sampled_from([b"HMSG", b"hmsg"] if headed else [b"LMSG", b"LMSG", b"lmsg"]))
    forms = [
        [],
        [],
        [b"reply"],
        [b"$JS.ACK.x@a"],
        [b"|", b"q"],
        [b"|", b"q", b"r", b"s"],
        [b"+", b"reply", b"q"],
        [b"+", b"$JS.ACK.x.1@a.b", b"q", b"r"],
        [b"+", b"reply"],
        [b"-", b"reply", b"q"],
    ]
    words = [draw(st.sampled_from(SUBJECTS)), *draw(st.sampled_from(forms))]
    payload = draw(payloads)
    if headed:
        payload = draw(st.sampled_from(BLOCKS)) + payload
        words.append(draw(st.sampled_from([b"0", b"1", b"0005", b"%d" % len(payload), b"x"])))
    words.append(draw(st.sampled_from([b"", b"", b"0"])) + b"%d" % len(payload))
    line = verb + draw(BLANKS) + draw(BLANKS).join(words) + draw(ENDS)
    return (line + payload + b"\r\n") * draw(st.sampled_from([1, 1, 1, 4]))


@st.composite
def leaf_interest(draw: st.DrawFn) -> bytes:
    """LS+ or LS-, on a subject that may be malformed, in a group with a weight at times."""
    subject, queue = draw(st.sampled_from(PATTERNS)), draw(st.sampled_from([b"", b" q", b" r", b" s"]))
    if draw(st.booleans()):
        return b"LS- " + subject + queue + draw(ENDS)
    weight = draw(st.sampled_from([b" 1", b" 1", b" 3", b" 100", b" x"])) if queue else b""
    return b"LS+ " + subject + queue + weight + draw(ENDS)


LEAF_OPERATIONS = st.one_of(leaf_messages(), leaf_messages(), leaf_interest(), SMALL_TALK)
PROPER_LEAF = st.lists(LEAF_OPERATIONS, max_size=25).map(b"".join)
"""Operations that the other end of a leaf link may send."""

LEAF_TRAFFIC = st.one_of(
    PROPER_LEAF,
    mutated(PROPER_LEAF),
    hostile_sizes(PROPER_LEAF, b"LMSG a | q "),
    hostile_sizes(PROPER_LEAF, b"LMSG a "),
    st.lists(st.one_of(leaf_messages(LARGE_PAYLOADS), LEAF_OPERATIONS), max_size=6).map(b"".join),
)
"""The same, gone wrong at times, or with large payloads."""
