"""The plan cache of the plain twin: plans by kind of subject, checked when they are used.

See ADR 0008. That of the compiled twin, in ``plan_cache.pxi``, has the same rules.
"""

from collections import Counter
from collections.abc import Callable
from typing import Generic, TypeVar

from app.domain.changes import Freshness, WildcardChanges
from app.domain.dataplane.seam import DEEPEST_KIND, PLAN_BUDGET, PLAN_COST
from app.domain.subject import has_wildcard, is_plain, tokens_of

P = TypeVar("P")

_Kind = tuple[tuple[bytes, ...], int]
"""A kind of subject: its leading tokens, and how many more it has. None more: one subject."""


class _Entry(Generic[P]):
    """What the plan cache knows of a kind of subject: plans by audience, good as of a change number."""

    __slots__ = ("plans", "stamp")

    def __init__(self, stamp: int) -> None:
        self.stamp = stamp
        self.plans: dict[int, P] = {}


class PlanCache(Generic[P]):
    """Plans that are good as long as nothing changed that bears on them."""

    def __init__(self) -> None:
        self._entries: dict[_Kind, _Entry[P]] = {}
        self._members: dict[bytes, P] = {}  # plans for single queue members, by their sid on routes
        self._depths: Counter[int] = Counter()  # entries of kinds, by leading tokens
        self._size = 0
        self._changes = WildcardChanges()
        self.generation = 0
        """Grows with every change; whoever remembers a plan asks again when it has grown."""
        self.hits = 0

    def find(self, audience: int, subject: bytes) -> P | None:
        """The plan that is known for a subject and an audience."""
        entry = self._find(subject)
        plan = entry.plans.get(audience) if entry else None
        if plan is not None:
            self.hits += 1
        return plan

    def enter(self, audience: int, subject: bytes, plan: P, decisive: Callable[[bytes], int]) -> None:
        """Remember a plan for all subjects that it is good for; `decisive` is `Planner.decisive`."""
        entry = self._find(subject)
        if entry is None:
            tokens = tokens_of(subject)
            depth = decisive(subject)
            entry = self._new_entry(_kind_of(tokens, depth if depth < DEEPEST_KIND else len(tokens)))
        entry.plans[audience] = plan

    def _find(self, subject: bytes) -> _Entry[P] | None:
        """The entry for a subject: one of its own, or one for all of its kind."""
        tokens = tokens_of(subject)
        entry = self._fresh_entry(_kind_of(tokens, len(tokens)))
        if entry is None and is_plain(tokens):
            for kind in self._kinds_of(tokens):
                entry = self._fresh_entry(kind)
                if entry is not None:
                    break
        return entry

    def _kinds_of(self, tokens: list[bytes]) -> list[_Kind]:
        """The kinds a subject belongs to, as far as there may be entries for them."""
        return [_kind_of(tokens, depth) for depth in sorted(self._depths) if depth < len(tokens)]

    def _fresh_entry(self, kind: _Kind) -> _Entry[P] | None:
        entry = self._entries.get(kind)
        if entry is not None and entry.stamp != self._changes.now:
            prefix, further = kind
            if self._changes.since(entry.stamp, prefix, further) is not Freshness.FRESH:
                self._drop(kind)
                return None
            entry.stamp = self._changes.now
        return entry

    def _new_entry(self, kind: _Kind) -> _Entry[P]:
        entry: _Entry[P] = _Entry(self._changes.now)
        self._spend(_cost_of(kind))
        self._entries[kind] = entry
        if kind[1]:
            self._depths[len(kind[0])] += 1
        return entry

    def _spend(self, cost: int) -> None:
        """Make sure that the budget bears one entry more."""
        if self._size + cost > PLAN_BUDGET:
            self.forget_all()
        self._size += cost

    def _drop(self, kind: _Kind) -> None:
        if self._entries.pop(kind, None) is not None:
            self._size -= _cost_of(kind)
            if kind[1]:
                self._depths[len(kind[0])] -= 1
                self._depths += Counter()  # forgets the depths that none is left of

    def member(self, sid: bytes) -> P | None:
        """The plan that is known for a queue member."""
        return self._members.get(sid)

    def enter_member(self, sid: bytes, plan: P) -> None:
        """Remember a plan that is not known until `forget_member`; no change of subjects bears on it."""
        self._spend(PLAN_COST + len(sid))
        self._members[sid] = plan

    def forget_member(self, sid: bytes) -> None:
        """The queue member came or went."""
        if self._members.pop(sid, None) is not None:
            self._size -= PLAN_COST + len(sid)
            self.generation += 1

    def forget_all(self) -> None:
        """Forget every plan."""
        self._entries.clear()
        self._members.clear()
        self._depths.clear()
        self._size = 0
        self.generation += 1

    def changed(self, subject: bytes) -> None:
        """A subscription on this subject came or went."""
        self.generation += 1
        tokens = tokens_of(subject)
        if has_wildcard(tokens):
            self._changes.note(tokens, added=True)
            return
        self._drop(_kind_of(tokens, len(tokens)))
        for kind in self._kinds_of(tokens):
            self._drop(kind)


def _kind_of(tokens: list[bytes], depth: int) -> _Kind:
    return tuple(tokens[:depth]), len(tokens) - depth


def _cost_of(kind: _Kind) -> int:
    prefix, _ = kind
    return PLAN_COST + len(b".".join(prefix))
