"""Which subjects may be subscribed to, and what they match.

The rules are those of subjects-and-routing.md, sections 1, 2 and 8. Unlike in gnatsd
0.8.0, ``*`` and ``>`` are wildcards as whole tokens only, and a token is never empty.
"""

import pytest

from tests.integration.exchanges import INVALID_SUBJECT, OK, QUIET, Exchange, Feeding
from tests.support.broker_fixture import StartBroker

pytestmark = pytest.mark.asyncio

LITERAL = [
    *("foo", "foo.bar", "f*o", "foo*", "foo>", "foo.*bar", "*x", "foo.>bar", ">x", "**", ">>", "*>"),
    *("foo.b*r.baz", "foo.>bar.baz", "_INBOX.x", "$SYS.x", "a'b", '"', "{}", "+OK", "foo:bar/baz"),
]
WILDCARD = ["*", ">", "foo.*", "*.foo", "foo.>", "*.>", "*.*", "foo.*.bar", "foo.*.>"]
MALFORMED = [
    *("foo.", ".foo", "foo..bar", ".", "..", "*.", ".*", ">.", ".>", "foo.bar..baz", "a.b..d"),
    *("foo.>.bar", "foo.>.", ">.*", ">.>", "a.>.b"),
]

MATCHES = [
    *[("*", "a"), ("*", "*"), ("*", ">"), ("a.*", "a.b"), ("a.*", "a.*"), ("*.b", "a.b"), ("*.*", "a.b")],
    *[("a.*.c", "a.b.c"), ("*.b.*", "a.b.c"), (">", "a"), (">", "a.b"), (">", "a.b.c"), (">", "foo.*")],
    *[("a.>", "a.b"), ("a.>", "a.b.c"), ("a.>", "a.>"), ("*.>", "a.b"), ("a.*.>", "a.b.c.d")],
    *[("foo.*", "foo.*"), ("foo", "foo"), ("foo.bar", "foo.bar"), ("foo.>", "foo.bar")],
    *[("stats.>", "stats.test.22"), ("stats.*.*", "stats.test.22"), ("a.b.c.d.e.f", "a.b.c.d.e.f")],
]
MISSES = [
    *[("*", "a.b"), ("a.*", "a"), ("a.*", "a.b.c"), ("a.*", "b.a"), ("a.>", "a"), ("a.>", "b.a")],
    *[("*.b", "a.c"), ("*.*", "a"), ("*.*", "a.b.c"), ("g", "*"), ("g", ">"), ("g.h", "g.*"), ("g.h", "g.>")],
    *[("A", "a"), ("foo", "bar"), ("bar.>", "foo.bar"), ("foo", "foo.bar"), ("foo.bar", "foo")],
    *[("stats.test.foo", "stats.test.foos"), ("stats.test.foos", "stats.test.foo")],
    # A special character inside a token is an ordinary one.
    *[("foo.*bar", "foo.xbar"), ("aa.*bar", "aa.q"), ("foo*", "foo1"), ("foo>", "foo1"), (">x", "y")],
    *[("*x", "y"), ("f*o", "foo"), ("foo.>bar", "foo.x"), ("**", "a"), (">>", "a")],
    # An empty token is matched by nothing but `>` at the very most.
    *[("d.*", "d."), ("e.*.f", "e..f"), ("d.>", "d."), ("*.*", "."), ("*", "."), ("*.b", ".b")],
]

STRANGE = {
    "special characters inside a token": b"foo*bar>baz",
    "NUL": b"a\x00b.\x00",
    "invalid UTF-8": b"\xff\xfe.\x80",
    "Cyrillic": "новости.погода".encode(),
    "control characters": b"\x01\x1b[2J\x7f\x0b\x0c",
    "500 tokens": b".".join(500 * [b"a"]),
    "one long token": 900 * b"t",
}


@pytest.mark.parametrize("subject", [*LITERAL, *WILDCARD])
async def test_well_formed_subject_is_subscribed_to(broker: StartBroker, subject: str) -> None:
    """Every token holds something, and `>` as a token is the last: SUB is answered +OK."""
    async with broker() as running:
        client = await running.connect()

        await Exchange(f"SUB {subject} 1\r\n".encode(), OK).verify(client, Feeding.WHOLE)


@pytest.mark.parametrize("feeding", Feeding)
@pytest.mark.parametrize("subject", MALFORMED)
async def test_malformed_subject_is_refused(broker: StartBroker, subject: str, feeding: Feeding) -> None:
    """SUB gets Invalid Subject and no +OK, pedantic or not, with a queue or without."""
    async with broker() as running:
        client = await running.connect()

        await Exchange(
            f"SUB {subject} 1\r\nSUB {subject} q 1\r\n".encode()
            + b'CONNECT {"pedantic":false}\r\n'
            + f"SUB {subject} 1\r\n".encode(),
            INVALID_SUBJECT + INVALID_SUBJECT + OK + INVALID_SUBJECT,
        ).verify(client, feeding)


@pytest.mark.parametrize("subject", LITERAL)
async def test_literal_subject_is_published_to_by_the_pedantic(broker: StartBroker, subject: str) -> None:
    """A subject without wildcard tokens passes the pedantic check and reaches its subscriber."""
    async with broker() as running:
        client = await running.connect()

        await Exchange(
            f"SUB {subject} 1\r\nPUB {subject} 1\r\nx\r\n".encode(),
            OK + OK + f"MSG {subject} 1 1\r\nx\r\n".encode(),
        ).verify(client, Feeding.WHOLE)


@pytest.mark.parametrize("subject", [*WILDCARD, *MALFORMED])
async def test_other_subjects_are_refused_to_the_pedantic(broker: StartBroker, subject: str) -> None:
    """A wildcard or a malformed subject gets Invalid Subject, and the payload is swallowed."""
    async with broker() as running:
        client = await running.connect()

        await Exchange(f"PUB {subject} 1\r\nx\r\n".encode(), INVALID_SUBJECT + OK).verify(
            client, Feeding.WHOLE
        )


@pytest.mark.parametrize("subject", [*WILDCARD, *MALFORMED])
async def test_other_subjects_pass_without_the_check(broker: StartBroker, subject: str) -> None:
    """Who is not pedantic may publish to anything, and the connection stays."""
    async with broker() as running:
        client = await running.connect()

        await Exchange(QUIET + f"PUB {subject} 1\r\nx\r\n".encode()).verify(client, Feeding.WHOLE)


@pytest.mark.parametrize("warm", [False, True], ids=["cold", "warm"])
@pytest.mark.parametrize(("pattern", "subject"), MATCHES)
async def test_pattern_matches(broker: StartBroker, pattern: str, subject: str, *, warm: bool) -> None:
    """The subscriber gets the message, under the subject that was published.

    Whether that subject was published before makes no difference.
    """
    async with broker() as running:
        client = await running.connect()
        publish = f"PUB {subject} 1\r\nx\r\n".encode()
        await client.send(QUIET + publish * warm)

        await Exchange(
            f"SUB {pattern} 1\r\n".encode() + publish, f"MSG {subject} 1 1\r\nx\r\n".encode()
        ).verify(client, Feeding.WHOLE)


@pytest.mark.parametrize("warm", [False, True], ids=["cold", "warm"])
@pytest.mark.parametrize(("pattern", "subject"), MISSES)
async def test_pattern_does_not_match(broker: StartBroker, pattern: str, subject: str, *, warm: bool) -> None:
    """The subscriber gets nothing, whether that subject was published before or not."""
    async with broker() as running:
        client = await running.connect()
        publish = f"PUB {subject} 1\r\nx\r\n".encode()
        await client.send(QUIET + publish * warm)

        await Exchange(f"SUB {pattern} 1\r\n".encode() + publish).verify(client, Feeding.WHOLE)


@pytest.mark.parametrize("feeding", Feeding)
@pytest.mark.parametrize("subject", STRANGE.values(), ids=STRANGE.keys())
async def test_strange_subject_is_matched_byte_by_byte(
    broker: StartBroker, subject: bytes, feeding: Feeding
) -> None:
    """A subject may hold any byte but blanks and line ends, and comes back unchanged."""
    async with broker() as running:
        client = await running.connect()

        await Exchange(
            QUIET + b"SUB " + subject + b" 1\r\nPUB " + subject + b" 1\r\nx\r\n",
            b"MSG " + subject + b" 1 1\r\nx\r\n",
        ).verify(client, feeding)


async def test_unsubscribing_stops_a_known_route(broker: StartBroker) -> None:
    """A subject that was delivered before is delivered no more after UNSUB, and again after SUB."""
    async with broker() as running:
        client = await running.connect()

        await Exchange(
            QUIET
            + b"SUB a.* 1\r\nPUB a.b 1\r\nx\r\nUNSUB 1\r\nPUB a.b 1\r\ny\r\nSUB > 2\r\nPUB a.b 1\r\nz\r\n",
            b"MSG a.b 1 1\r\nx\r\nMSG a.b 2 1\r\nz\r\n",
        ).verify(client, Feeding.WHOLE)
