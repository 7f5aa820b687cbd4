"""What subjects, transforms and republishing of a stream may be (jetstream-streams.md, sections 1 and 2)."""

from collections.abc import Sequence
from dataclasses import replace

from ...permissions.rule_set import overlap
from ...subjects.subject import ONE, REST, is_pattern, tokens_of
from ..errors import JetStreamError
from ..pattern_table import Budget, PatternTable, TooManyPatterns
from .config import StreamConfig, SubjectMapping
from .transform import BadTransform, SubjectTransform

MAX_SUBJECTS = 10_000
"""Subjects of one stream. Each is a subscription, and no client is served while they are made."""

TOO_MANY_TO_COMPARE = "too many subjects to compare with each other"

_NOT_IN_SUBJECTS = frozenset(" \t\r\n\f")


def is_subject(subject: str) -> bool:
    """Whether a stream may listen to it, or a consumer filter by it."""
    return _NOT_IN_SUBJECTS.isdisjoint(subject) and is_pattern(tokens_of(subject.encode()))


def is_literal(subject: str) -> bool:
    """Whether it is a subject without wildcards."""
    return is_subject(subject) and not {"*", ">"} & set(subject.split("."))


def subjects_overlap(one: str, other: str) -> bool:
    """Whether a subject exists that both match."""
    return overlap(tokens_of(one.encode()), tokens_of(other.encode()))


def covers(pattern: str, other: str) -> bool:
    """Whether the pattern matches all that the other one matches."""
    return _covers(tokens_of(pattern.encode()), tokens_of(other.encode()))


def _covers(pattern: Sequence[bytes], other: Sequence[bytes]) -> bool:
    for mine, theirs in zip(pattern, other, strict=False):
        if mine == REST:
            return True
        if theirs == REST or mine not in (ONE, theirs):
            return False
    return len(pattern) == len(other)


def _invalid(words: str) -> JetStreamError:
    return JetStreamError(10052, words)


def check_subjects(config: StreamConfig) -> None:
    """The subjects that a stream listens to."""
    if len(config.subjects) > MAX_SUBJECTS:
        raise _invalid(f"more than {MAX_SUBJECTS} subjects")
    for subject in config.subjects:
        if not is_subject(subject):
            raise _invalid("invalid subject")
        if not config.no_ack:
            _check_namespaces(subject)
    _check_overlaps(config.subjects)


def _check_overlaps(subjects: Sequence[str]) -> None:
    table, budget = PatternTable(), Budget()
    for subject in subjects:
        try:
            others = table.overlapping(subject, budget)
        except TooManyPatterns:
            raise _invalid(TOO_MANY_TO_COMPARE) from None
        if others:
            first = next(each for each in subjects if each in others)
            raise _invalid(f'subject "{first}" overlaps with "{subject}"')
        table.add(subject, subject)


def _check_namespaces(subject: str) -> None:
    """An ack to a stream that captures acks would go round for ever."""
    if subject == ">":
        raise _invalid("capturing all subjects requires no-ack to be true")
    own = ("$JS.>", "$JSC.>", "$NRG.>")
    if any(subjects_overlap(subject, each) for each in own) and not covers("$JS.EVENT.>", subject):
        raise _invalid("subjects that overlap with jetstream api require no-ack to be true")
    if subjects_overlap(subject, "$SYS.>") and not covers("$SYS.ACCOUNT.>", subject):
        raise _invalid("subjects that overlap with system api require no-ack to be true")


def check_mapping(mapping: SubjectMapping, source_error: int, destination_error: int) -> None:
    """A transform, with the numbers of its errors."""
    if mapping.src and not is_subject(mapping.src):
        raise JetStreamError(source_error, f"invalid subject {mapping.src}")
    try:
        SubjectTransform(mapping.src, mapping.dest)
    except BadTransform as error:
        raise JetStreamError(destination_error, str(error)) from None


def check_transform(config: StreamConfig) -> None:
    """The transform of what is published."""
    if config.subject_transform is not None:
        check_mapping(config.subject_transform, 10155, 10156)


def with_republish(config: StreamConfig, *, pedantic: bool) -> StreamConfig:
    """An empty source is `>`; from `>` to `>` means the subjects that the transform makes."""
    republish, transform = config.republish, config.subject_transform
    if republish is None:
        return config
    if not republish.src:
        if pedantic:
            raise JetStreamError(10157, "republish source can not be empty")
        republish = replace(republish, src=">")
    if (republish.src, republish.dest) == (">", ">") and transform and config.subjects == (transform.src,):
        if pedantic:
            raise JetStreamError(10157, "implicit republish based on subject transform")
        republish = replace(republish, src=transform.dest, dest=transform.dest)
    return replace(config, republish=republish)


def check_republish(config: StreamConfig) -> None:
    """Copies may not come back, and the transform must be one."""
    republish = config.republish
    if republish is None:
        return
    if any(subjects_overlap(republish.dest, subject) for subject in config.subjects):
        raise _invalid("stream configuration for republish destination forms a cycle")
    try:
        SubjectTransform(republish.src, republish.dest)
    except BadTransform:
        raise _invalid(
            f"stream configuration for republish with transform from '{republish.src}'"
            f" to '{republish.dest}' not valid"
        ) from None
