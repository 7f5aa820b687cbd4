"""Strategies for what clients send: proper traffic, traffic gone wrong, and how it is cut."""

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


@st.composite
def publishes(draw: st.DrawFn, payloads: st.SearchStrategy[bytes] = PAYLOADS) -> bytes:
    """A PUB with its payload, oddly spelled at times."""
    payload = draw(payloads)
    verb = draw(st.sampled_from([b"PUB", b"PUB", b"PUB", b"pub", b"Pub"]))
    words = [draw(st.sampled_from(SUBJECTS))]
    words += draw(st.sampled_from([[], [], [b"reply"], [b"_INBOX.x.1"]]))
    words += [draw(st.sampled_from([b"", b"", b"0", b"000"])) + b"%d" % len(payload)]
    line = verb + draw(BLANKS) + draw(BLANKS).join(words)
    return line + draw(ENDS) + payload + b"\r\n"


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

HOSTILE_SIZES = st.builds(
    lambda before, size, after: before + b"PUB a " + size + b"\r\n" + after,
    PROPER,
    st.sampled_from(SIZES),
    st.one_of(PROPER, st.binary(max_size=40)),
)
"""Operations, and in their midst a PUB whose size is no size."""


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """Operations with some bytes replaced, left out or put in between."""
    data = bytearray(draw(PROPER))
    for _ in range(draw(st.integers(1, 4))):
        position = draw(st.integers(0, len(data)))
        width = draw(st.integers(0, 3))
        data[position : position + width] = draw(st.one_of(st.binary(max_size=3), st.sampled_from(FRAGMENTS)))
    return bytes(data)


TRAFFIC = st.one_of(PROPER, mutated(), HOSTILE_SIZES)


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
