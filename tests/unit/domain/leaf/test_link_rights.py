"""What may go over a leaf link (leaf-nodes.md, section 6)."""

import pytest

from app.domain.leaf.link_rights import EVERYTHING, STREAM_SUBJECTS, LinkRule, denials, link_rights
from app.domain.permissions.rules import Rule, entry
from app.domain.protocol.errors import ParserError


def rule(allow: str = "", deny: str = "") -> Rule:
    """The rule with these subjects."""
    return Rule(tuple(map(entry, allow.split())), tuple(map(entry, deny.split())))


@pytest.mark.parametrize(
    ("allow", "deny", "subject", "passes"),
    [
        ("", "", b"a", True),
        ("out.>", "", b"out.x", True),
        ("out.>", "", b"in.x", False),
        ("out.>", "out.no", b"out.no", False),
        ("", "no.*", b"no.x", False),
        ("", "no.*", b"no.x.y", True),
    ],
)
def test_which_messages_pass(allow: str, deny: str, subject: bytes, *, passes: bool) -> None:
    """Those that are allowed, if anything is said about that, and not denied."""
    found = LinkRule([rule(allow, deny)])

    assert (passes, not passes) == (found.permits(subject)[0], found.drops(subject))


def test_all_rules_hold_at_once() -> None:
    """What one of them does not let pass does not pass."""
    found = LinkRule([rule("a.> b.>"), rule("b.> c.>")], denials(["b.no"]))

    assert [False, True, False, False] == [
        found.permits(subject)[0] for subject in (b"a.x", b"b.x", b"c.x", b"b.no")
    ]


def test_how_much_of_a_subject_decides() -> None:
    """A verdict holds for all subjects that begin alike, as far as it says."""
    found = LinkRule([rule("a.b.>")], denials(["x.>"]))

    assert [(True, 2), (False, 1)] == [found.permits(b"a.b.c.d"), found.permits(b"x.y.z")]


@pytest.mark.parametrize(
    ("pattern", "concerns"),
    [
        (b">", True),
        (b"out.x", True),
        (b"out.*", True),
        (b"in.x", False),
        (b"out.no", False),
        (b"out.no.more", True),
        (b"out.deep.>", False),
        (b"out.deep.x", False),
        (b"out.deep", True),
        (b"out.one.x", False),
        (b"out.one.*", False),
        (b"out.one.x.y", True),
        (b"out.one.>", True),
        (b"*.deep.x", True),
    ],
)
def test_which_interest_is_of_use(pattern: bytes, *, concerns: bool) -> None:
    """Whatever may overlap what passes; what is denied as a whole is not."""
    found = LinkRule([rule("out.>", "out.no out.deep.> out.one.*")])

    assert concerns is found.concerns(pattern)


def test_no_rule_for_everything() -> None:
    """Where nothing is said a link has no filter, which would cost time."""
    assert EVERYTHING == link_rights([None, Rule()], [Rule()])


def test_what_passes_in_neither_direction() -> None:
    """A server with streams keeps what belongs to them."""
    rights = link_rights([None], [rule("a.>")], STREAM_SUBJECTS)

    assert rights.receive is not None
    assert rights.send is not None
    assert [False, False, True, False] == [
        rights.receive.permits(b"$JS.API.INFO")[0],
        rights.send.permits(b"$KV.b.k")[0],
        rights.receive.permits(b"b")[0],
        rights.send.permits(b"b")[0],
    ]


def test_a_subject_that_is_none() -> None:
    """It is an error of who has sent it."""
    with pytest.raises(ParserError):
        denials(["a..b"])
