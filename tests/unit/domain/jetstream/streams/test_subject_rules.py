"""Unit tests of what subjects a stream may have (jetstream-streams.md, sections 1 and 2)."""

import pytest

from app.domain.jetstream.errors import JetStreamError
from app.domain.jetstream.streams.parsing import parse_stream_config
from app.domain.jetstream.streams.rules import checked
from app.domain.jetstream.streams.subject_rules import covers, is_subject, subjects_overlap


@pytest.mark.parametrize(
    ("document", "number", "words"),
    [
        ({"subjects": ["a..b"]}, 10052, "invalid subject"),
        ({"subjects": ["a b"]}, 10052, "invalid subject"),
        ({"subjects": [""]}, 10052, "invalid subject"),
        ({"subjects": ["a", "a"]}, 10052, 'subject "a" overlaps with "a"'),
        ({"subjects": ["a.*", "a.b"]}, 10052, 'subject "a.*" overlaps with "a.b"'),
        ({"subjects": ["c", "a.1", "a.2", "a.>"]}, 10052, 'subject "a.1" overlaps with "a.>"'),
        ({"subjects": [f"a.{n}" for n in range(10_001)]}, 10052, "more than 10000 subjects"),
        (
            {"subjects": [f"a{n}.b" for n in range(900)] + [f"*.{n}" for n in range(900)], "no_ack": True},
            10052,
            "too many subjects to compare with each other",
        ),
        ({"subjects": [">"]}, 10052, "capturing all subjects requires no-ack to be true"),
        (
            {"subjects": ["$JS.API.>"]},
            10052,
            "subjects that overlap with jetstream api require no-ack to be true",
        ),
        ({"subjects": ["*.x"]}, 10052, "subjects that overlap with jetstream api require no-ack to be true"),
        ({"subjects": ["$SYS.x"]}, 10052, "subjects that overlap with system api require no-ack to be true"),
        (
            {"subject_transform": {"src": "a..b", "dest": "c"}},
            10155,
            "stream transform source: invalid subject a..b",
        ),
        (
            {"subject_transform": {"src": "a.*", "dest": "c.$3"}},
            10156,
            "stream transform: invalid mapping destination: wildcard index out of range in $3: [3]",
        ),
        (
            {"republish": {"src": ">", "dest": "s.>"}, "subjects": ["s.*"]},
            10052,
            "stream configuration for republish destination forms a cycle",
        ),
        (
            {"republish": {"src": "a.*", "dest": "r.$4"}},
            10052,
            "stream configuration for republish with transform from 'a.*' to 'r.$4' not valid",
        ),
    ],
)
def test_what_is_wrong_is_refused(document: dict[str, object], number: int, words: str) -> None:
    """Each rule has its number and its text."""
    with pytest.raises(JetStreamError) as raised:
        checked(parse_stream_config({"name": "S"} | document))

    assert (number, words) == (raised.value.number, raised.value.description)


@pytest.mark.parametrize("subject", ["$JS.EVENT.ADVISORY.>", "$SYS.ACCOUNT.x", "a.>", "*.x.y.z-$"])
def test_other_subjects_are_allowed(subject: str) -> None:
    """Advisories may be captured, and ordinary subjects."""
    no_ack = subject.startswith("*")

    assert checked(parse_stream_config({"name": "S", "subjects": [subject], "no_ack": no_ack})).subjects


def test_without_acks_all_may_be_captured() -> None:
    """`no_ack` takes away the danger of a circle."""
    assert checked(parse_stream_config({"name": "S", "subjects": [">"], "no_ack": True})).no_ack


def test_an_empty_republish_source_is_everything() -> None:
    """It is written as `>`; pedantic requests must say so themselves."""
    config = parse_stream_config({"name": "S", "republish": {"dest": "r.>"}})
    republish = checked(config).republish

    assert republish is not None
    assert republish.src == ">"
    with pytest.raises(JetStreamError, match="republish source can not be empty"):
        checked(config, pedantic=True)


def test_republish_of_everything_follows_the_transform() -> None:
    """From all to all means the subjects that the stream's transform makes."""
    config = parse_stream_config(
        {
            "name": "S",
            "subjects": ["a.>"],
            "subject_transform": {"src": "a.>", "dest": "b.>"},
            "republish": {"src": ">", "dest": ">"},
        }
    )
    republish = checked(config).republish

    assert republish is not None
    assert (republish.src, republish.dest) == ("b.>", "b.>")
    with pytest.raises(JetStreamError, match="implicit republish based on subject transform"):
        checked(config, pedantic=True)


@pytest.mark.parametrize(
    ("pattern", "other", "is_covered"),
    [
        ("a.>", "a.b", True),
        ("a.>", "a.>", True),
        ("a.*", "a.b", True),
        ("a.*", "a.>", False),
        ("a.b", "a.*", False),
        ("a.*", "a", False),
        (">", "a.*", True),
    ],
)
def test_a_pattern_covers_another(pattern: str, other: str, *, is_covered: bool) -> None:
    """It matches all that the other one matches."""
    assert is_covered == covers(pattern, other)


def test_subjects_are_patterns() -> None:
    """Wildcards are whole tokens, and blanks are not allowed."""
    assert is_subject("a.*.>")
    assert not is_subject("a.>.b")
    assert not is_subject("a\tb")
    assert subjects_overlap("a.*", "*.b")
