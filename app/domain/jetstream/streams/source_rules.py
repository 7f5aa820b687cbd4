"""What `mirror` and `sources` of a stream may be (jetstream-streams.md, section 9)."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from math import isqrt
from typing import NamedTuple

from ..errors import JetStreamError
from ..pattern_table import COMPARISONS, Budget, TooManyPatterns
from .config import External, StreamConfig, StreamSource, SubjectMapping
from .subject_rules import (
    TOO_MANY_TO_COMPARE,
    check_mapping,
    covers,
    is_literal,
    is_subject,
    subjects_overlap,
)

Origins = Callable[[str], StreamConfig | None]
"""The configuration of a stream by its name; None if there is none."""

_NOT_IN_NAMES = frozenset(" \t\r\n\f.*>/\\")
API = "$JS.API"

MAX_SOURCES = 1000
"""Of one stream."""


def no_origin(_name: str) -> StreamConfig | None:
    """The answer where no other stream exists."""
    return None


def _is_name(name: str) -> bool:
    return bool(name) and _NOT_IN_NAMES.isdisjoint(name)


def check_mirror(config: StreamConfig, origins: Origins) -> None:
    """The mirror, and what a mirror may not have besides."""
    mirror = config.mirror
    if mirror is None:
        return
    _check_beside_mirror(config)
    _check_consumer(mirror, 10213)
    if mirror.filter_subject and mirror.subject_transforms:
        raise JetStreamError(10150)
    if config.subject_delete_marker_ttl:
        raise JetStreamError(10052, "subject delete markers forbidden on mirrors")
    if mirror.filter_subject and not is_subject(mirror.filter_subject):
        raise JetStreamError(
            10049, f"subject filter '{mirror.filter_subject}' for the mirror invalid subject"
        )
    _check_transforms(mirror, (10151, 10154, 10152), subjects_overlap)
    if mirror.external is None:
        if not _is_name(mirror.name):
            raise JetStreamError(10142)
        _check_size(config, origins(mirror.name), 10030)
    else:
        _check_external(mirror.external, ())


def _check_beside_mirror(config: StreamConfig) -> None:
    for is_there, number in (
        (config.first_seq > 0, 10143),
        (bool(config.subjects), 10034),
        (bool(config.sources), 10031),
        (config.allow_msg_counter, 10173),
        (config.allow_atomic, 10198),
        (config.allow_batched, 10209),
        (config.allow_msg_schedules, 10186),
    ):
        if is_there:
            raise JetStreamError(number)


def with_mirror_direct(config: StreamConfig, origins: Origins, *, pedantic: bool) -> StreamConfig:
    """`mirror_direct` is `allow_direct` of the origin, if that is known."""
    mirror = config.mirror
    origin = origins(mirror.name) if mirror is not None and mirror.external is None else None
    if origin is None or origin.allow_direct == config.mirror_direct:
        return config
    if pedantic:
        raise JetStreamError(10157, "origin stream has direct get set, mirror has it disabled")
    return replace(config, mirror_direct=origin.allow_direct)


def check_sources(config: StreamConfig, origins: Origins) -> None:
    """All sources."""
    if config.sources and config.allow_msg_schedules:
        raise JetStreamError(10187)
    if len(config.sources) > MAX_SOURCES:
        raise JetStreamError(10052, f"more than {MAX_SOURCES} sources")
    if (len(config.sources) + 1) * len(config.subjects) > COMPARISONS:
        raise JetStreamError(10052, TOO_MANY_TO_COMPARE)
    seen: set[tuple[str, str, str]] = set()
    consumers: set[tuple[str, str]] = set()
    for source in config.sources:
        if not _is_name(source.name):
            raise JetStreamError(10141)
        if source.index in seen:
            raise JetStreamError(10140)
        seen.add(source.index)
        _check_source(config, source, origins)
        if source.consumer is not None:
            used = (source.index[0], source.consumer.name)
            if used in consumers:
                raise JetStreamError(10216)
            consumers.add(used)


def _check_source(config: StreamConfig, source: StreamSource, origins: Origins) -> None:
    if source.filter_subject and source.subject_transforms:
        raise JetStreamError(10144)
    if source.filter_subject and not is_subject(source.filter_subject):
        raise JetStreamError(
            10049, f"subject filter '{source.filter_subject}' for the source: invalid subject"
        )
    _check_transforms(source, (10145, 10146, 10147), covers)
    _check_consumer(source, 10215)
    if source.external is None:
        _check_size(config, origins(source.name), 10046)
    else:
        _check_external(source.external, config.subjects)


def _check_consumer(source: StreamSource, number: int) -> None:
    """The consumer decides where to begin and what comes, so the source may not."""
    consumer = source.consumer
    if consumer is None:
        return
    subject = consumer.deliver_subject
    is_good = _is_name(consumer.name) and is_literal(subject) and is_subject(subject)
    if not is_good or source.opt_start_seq or source.opt_start_time is not None or source.filter_subject:
        raise JetStreamError(number)


def _check_transforms(
    source: StreamSource, numbers: tuple[int, int, int], are_same: Callable[[str, str], bool]
) -> None:
    """`numbers` are the errors for a bad source, a bad destination, and filters that overlap."""
    bad_source, bad_destination, overlapping = numbers
    mappings = source.subject_transforms
    if len(mappings) ** 2 > COMPARISONS:
        raise JetStreamError(bad_source, f"more than {isqrt(COMPARISONS)} transforms")
    for mapping in mappings:
        check_mapping(mapping, bad_source, bad_destination)
    for place, mapping in enumerate(mappings):
        for other in _others(mappings, place):
            if are_same(mapping.src or ">", other.src or ">"):
                raise JetStreamError(overlapping)


def _others(mappings: Sequence[SubjectMapping], place: int) -> list[SubjectMapping]:
    return [*mappings[:place], *mappings[place + 1 :]]


def _check_size(config: StreamConfig, origin: StreamConfig | None, number: int) -> None:
    if origin is not None and 0 < config.max_msg_size < origin.max_msg_size:
        raise JetStreamError(number)


def _check_external(external: External, subjects: Sequence[str]) -> None:
    """Prefixes of another domain: literal, and apart from our own subjects."""
    deliver, api = external.deliver, external.api
    if deliver and not is_literal(deliver):
        raise JetStreamError(10024, deliver)
    for subject in subjects:
        if deliver and subjects_overlap(subject, f"{deliver}.{subject}"):
            raise JetStreamError(10022, deliver, subject)
    if api and not is_literal(api):
        raise JetStreamError(
            10052, f'stream external api prefix "{api}" must be a valid subject without wildcards'
        )
    if api and subjects_overlap(api, API):
        raise JetStreamError(10021, api, API)


class _SourcePath(NamedTuple):
    """A path from a stream to one of its origins."""

    stream: StreamConfig
    subjects: tuple[str, ...] = ()
    """What the streams on it listen to."""
    filters: tuple[str, ...] = ()

    def lets_back(self, pattern: str) -> bool:
        """Whether something passes all its filters, and this one at its end."""
        filters = [each for each in (*self.filters, pattern) if each]
        return not filters or any(
            all(subjects_overlap(subject, each) for each in filters) for subject in self.subjects
        )


def check_cycles(config: StreamConfig, origins: Origins) -> None:
    """No stream may get its own messages back.

    Filters may keep them out: two streams may copy from each other what each has of its own.
    """
    pending = [_SourcePath(config, config.subjects)]
    seen, budget = {(config.name, "")}, Budget()
    while pending:
        path = pending.pop()
        for source in _local_origins(path.stream):
            _spend(budget, 1 + len(path.subjects) * (1 + len(path.filters)))
            known = source.name, source.filter_subject
            if source.name == config.name:
                if source is path.stream.mirror or path.lets_back(source.filter_subject):
                    raise JetStreamError(10052, "detected cycle")
            elif known not in seen and (origin := origins(source.name)) is not None:
                seen.add(known)
                subjects = (*path.subjects, *origin.subjects)
                pending.append(_SourcePath(origin, subjects, (*path.filters, source.filter_subject)))


def check_copies(config: StreamConfig, origins: Origins) -> None:
    """An origin that was found before may not be copied by one that is found later.

    nats-server takes that for a cycle. The order counts, and of filters only that of the copy itself.
    """
    pending, found, budget = deque([config]), set[str](), Budget()
    queued, again = {config.name}, set[str]()
    while pending:
        stream = pending.popleft()
        found.add(stream.name)
        for source in _local_origins(stream):
            _spend(budget, 1 + len(stream.subjects))
            name = source.name
            if name in found:
                path = _SourcePath(stream, stream.subjects)
                if source is stream.mirror or path.lets_back(source.filter_subject):
                    raise JetStreamError(10052, "detected cycle")
            elif name not in again and (origin := origins(name)) is not None:
                pending.append(origin)
                if name in queued:
                    again.add(name)  # until another is found all further visits would be the same as this one
                else:
                    queued.add(name)
                    again.clear()


def _local_origins(stream: StreamConfig) -> list[StreamSource]:
    """The origins of a stream on this server."""
    mirror = () if stream.mirror is None else (stream.mirror,)
    return [source for source in (*stream.sources, *mirror) if source.external is None]


def _spend(budget: Budget, comparisons: int) -> None:
    try:
        budget.spend(comparisons)
    except TooManyPatterns:
        raise JetStreamError(10052, TOO_MANY_TO_COMPARE) from None
