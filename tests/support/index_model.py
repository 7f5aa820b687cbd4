"""A simple model of the subscription index, for comparison with the real one."""

import re
from dataclasses import dataclass

from hypothesis import strategies as st

_TOKENS = (b"a", b"b", b"*", b">", b"a*", b"*a", b">b", b"A", b"\xd0\x96\n")


@dataclass(frozen=True, eq=False)
class ModelListener:
    """A subscription in the index; two on the same subject are distinct."""

    subject: bytes
    queue: bytes | None = None


Answer = tuple[frozenset[ModelListener], dict[bytes | None, frozenset[ModelListener]]]
"""Plain listeners, and members by name of their queue group."""


def covers(pattern: bytes, subject: bytes) -> bool:
    """Whether a valid pattern covers a published subject: the rules, spelt as a regular expression."""
    tokens = pattern.split(b".")
    spelt = [rb"[^.]+" if token == b"*" else re.escape(token) for token in tokens]
    if tokens[-1] == b">":
        spelt[-1] = rb"[^.]+(?:\.[^.]+)*"
    return b"" not in subject.split(b".") and re.fullmatch(rb"\.".join(spelt), subject) is not None


class IndexModel:
    """A list with linear search and a matcher of its own.

    `listeners` may be changed at any time; `match` has no cache.
    """

    def __init__(self) -> None:
        self.listeners: list[ModelListener] = []

    def match(self, subject: bytes) -> Answer:
        """The expected match of a subject."""
        plain: set[ModelListener] = set()
        groups: dict[bytes | None, set[ModelListener]] = {}
        for listener in self.listeners:
            if not covers(listener.subject, subject):
                continue
            if listener.queue is None:
                plain.add(listener)
            else:
                groups.setdefault(listener.queue, set()).add(listener)
        return frozenset(plain), {name: frozenset(group) for name, group in groups.items()}


def subjects() -> st.SearchStrategy[bytes]:
    """Whatever may stand in a PUB: few different tokens, so that much matches; some are empty."""
    token = st.sampled_from((*_TOKENS, b""))
    return st.lists(token, min_size=1, max_size=4).map(b".".join)


def patterns() -> st.SearchStrategy[bytes]:
    """Whatever a SUB may ask for."""
    inner = st.sampled_from([token for token in _TOKENS if token != b">"])
    last = st.sampled_from(_TOKENS)
    return st.builds(lambda head, tail: b".".join([*head, tail]), st.lists(inner, max_size=3), last)


def listeners() -> st.SearchStrategy[ModelListener]:
    """Plain subscriptions, and members of two queue groups."""
    return st.builds(ModelListener, patterns(), st.sampled_from((None, None, b"q", b"r")))
