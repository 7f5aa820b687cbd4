"""The state of a stream in JSON (jetstream-api.md, section 4)."""

from typing import NamedTuple

from ...protocol.json_text import rfc3339
from ..storage.seam import StreamLog

MOST_SUBJECTS = 100_000
"""Subjects on one page."""

MOST_DELETED = 1_000_000
"""Sequences in `deleted`; if there are more only their number is said."""


class StateAnswer(NamedTuple):
    """`state`, and the fields of the page beside it."""

    state: dict[str, object]
    total: int
    offset: int
    limit: int


def state_json(
    log: StreamLog,
    consumers: int,
    *,
    subjects_filter: bytes = b"",
    offset: int = 0,
    deleted_details: bool = False,
) -> StateAnswer:
    """The state; on request with the counts of subjects that match, and with deleted sequences."""
    subjects: dict[str, int] = {}
    total, limit = 0, 0
    if subjects_filter:
        found = sorted((name, each.messages) for name, each in log.subjects(subjects_filter))
        total, limit = len(found), MOST_SUBJECTS if found else 0
        offset = min(max(offset, 0), total)
        page = found[offset : offset + limit]
        subjects = {name.decode("utf-8", "replace"): count for name, count in page}
    deleted = log.holes() if deleted_details and log.hole_count <= MOST_DELETED else []
    lost = log.lost
    state: dict[str, object] = {
        "messages": log.count,
        "bytes": log.size,
        "first_seq": log.first if log.last else 0,
        "first_ts": rfc3339(log.first_time),
        "last_seq": log.last,
        "last_ts": rfc3339(log.last_time),
        **_set(num_subjects=log.subject_count, subjects=subjects, num_deleted=log.hole_count),
        **_set(deleted=deleted),
        **({"lost": {"msgs": list(lost.sequences), "bytes": lost.size}} if lost is not None else {}),
        "consumer_count": consumers,
    }
    return StateAnswer(state, total, offset if subjects_filter else 0, limit)


def _set(**fields: object) -> dict[str, object]:
    return {name: value for name, value in fields.items() if value}
