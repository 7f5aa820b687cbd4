"""Unit tests of subject transforms (jetstream-streams.md, section 1)."""

import pytest

from app.domain.jetstream.streams.transform import BadTransform, SubjectTransform


@pytest.mark.parametrize(
    ("source", "destination", "subject", "made"),
    [
        ("lt.*", "out.{{wildcard(1)}}", "lt.a", "out.a"),
        ("a.*.*", "b.$2.$1", "a.x.y", "b.y.x"),
        ("a.*", "$x.{{ Wildcard( 1 ) }}", "a.b", "$x.b"),
        ("a.>", "b.c.>", "a.x.y", "b.c.x.y"),
        ("", "p.>", "x.y", "p.x.y"),
        (">", ">", "a", "a"),
        ("a.>", "", "a.b", "a.b"),
        ("a", "b", "a", "b"),
        ("*.*", "p.{{partition(10)}}", "foo.bar", "p.6"),
        ("*", "{{partition(10,1)}}", "foo", "3"),
        (">", "{{partition(3)}}.>", "a.b", "1.a.b"),
        ("*", "{{partition(0,1)}}", "a", "0"),
        ("*", "{{split(1,-)}}", "-a--b-", "a.b"),
        ("*", "{{splitFromLeft(1,2)}}", "abcd", "ab.cd"),
        ("*", "{{splitFromRight(1,1)}}", "abcd", "abc.d"),
        ("*", "{{splitFromRight(1,9)}}", "abcd", "abcd"),
        ("*", "{{sliceFromLeft(1,3)}}", "abcdefgh", "abc.def.gh"),
        ("*", "{{SliceFromRight(1,3)}}", "abcdefgh", "ab.cde.fgh"),
        ("*", "{{sliceFromRight(1,2)}}", "abcd", "ab.cd"),
        ("*", "{{left(1,2)}}", "abcd", "ab"),
        ("*", "{{right(1,2)}}", "abcd", "cd"),
    ],
)
def test_subjects_become_others(source: str, destination: str, subject: str, made: str) -> None:
    """What nats-server makes of a subject we make as well."""
    assert made.encode() == SubjectTransform(source, destination).match(subject.encode())


@pytest.mark.parametrize("subject", ["b.c", "a", "a.b.c", "a.*", "a."])
def test_other_subjects_do_not_match(subject: str) -> None:
    """What the source does not cover is not changed, nor what is no literal subject."""
    assert SubjectTransform("a.*", "b.$1").match(subject.encode()) is None


WRONG_ARGUMENT = "invalid mapping destination: function argument is invalid or in the wrong format"


@pytest.mark.parametrize(
    ("source", "destination", "words"),
    [
        ("a..b", "x", "invalid subject"),
        ("a.*", "b.*", "invalid subject"),
        ("a.>", "b", "invalid subject"),
        ("a", "b.>", "invalid subject"),
        ("a", "b..c", "invalid mapping destination: invalid subject"),
        ("a", "b c", "invalid mapping destination: invalid subject"),
        ("a.*", "b.$2", "invalid mapping destination: wildcard index out of range in $2: [2]"),
        ("a", "b.$1", "invalid mapping destination: wildcard index out of range in $1: [1]"),
        ("*", "{{upper(1)}}", "invalid mapping destination: unknown function in {{upper(1)}}"),
        ("*", "{{upper}}", "invalid mapping destination: unknown function in {{upper}}"),
        (
            "*",
            "{{wildcard()}}",
            "invalid mapping destination: not enough arguments passed to the function in {{wildcard()}}",
        ),
        (
            "*",
            "{{left(1,2,3)}}",
            "invalid mapping destination: too many arguments passed to the function in {{left(1,2,3)}}",
        ),
        (
            "*",
            "{{left(1,x)}}",
            WRONG_ARGUMENT + " in {{left(1,x)}}",
        ),
        (
            "*",
            "{{partition(99999999999,1)}}",
            WRONG_ARGUMENT + " in {{partition(99999999999,1)}}",
        ),
        (
            "*",
            "{{split(1, )}}",
            WRONG_ARGUMENT + " in {{split(1, )}}",
        ),
    ],
)
def test_malformed_transforms_are_refused(source: str, destination: str, words: str) -> None:
    """The error names what is wrong, in nats-server's words."""
    with pytest.raises(BadTransform) as refusal:
        SubjectTransform(source, destination)

    assert words == str(refusal.value)
