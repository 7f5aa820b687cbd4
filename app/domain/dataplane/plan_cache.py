"""The plan cache of the plain twin: plans by kind of subject, checked when they are used.

See ADR 0008. That of the compiled twin, in ``plan_cache.pxi``, has the same rules.
"""

from collections import Counter
from typing import Generic, Protocol, TypeVar

from ..subjects.changes import WildcardChanges
from ..subjects.subject import has_wildcard, is_plain, tokens_of
from .constants import DEEPEST_KIND, PLAN_BUDGET
from .seam import PlanFigures

ENTRY_BYTES = 300
"""About what an entry takes, with its place in the dict; its key comes on top."""

OTHERS_BYTES = 230
"""About what the dict of further audiences takes at first."""

AUDIENCE_BYTES = 130
"""About what a further audience takes."""

MEMBER_BYTES = 150
"""About what an entry for a queue member takes; the sid comes on top."""


class Kept(Protocol):
    """A plan, as the cache knows it."""

    fanout: int
    cost: int
    uses: int
    epoch: int


P = TypeVar("P", bound=Kept)

_Kind = tuple[bytes, int]
"""A kind of subject: its leading tokens, and how many more it has. None more: one subject."""


class _Entry(Generic[P]):
    """What the plan cache knows of a kind of subject: plans by audience, good as of a change number."""

    __slots__ = ("audience", "others", "plan", "stamp")

    def __init__(self, stamp: int, audience: int, plan: P) -> None:
        self.stamp = stamp
        self.audience = audience
        self.plan = plan
        self.others: dict[int, P] | None = None

    def known(self, audience: int) -> P | None:
        """The plan for an audience."""
        if self.audience == audience:
            return self.plan
        return self.others.get(audience) if self.others is not None else None

    def plans(self) -> list[P]:
        return [self.plan, *(self.others or {}).values()]


class PlanCache(Generic[P]):
    """Plans that are good as long as nothing changed that bears on them."""

    def __init__(self) -> None:
        self._entries: dict[_Kind, _Entry[P]] = {}
        self._members: dict[bytes, P] = {}  # plans for single queue members, by their sid on routes
        self._depths: Counter[int] = Counter()  # entries of kinds, by leading tokens
        self._sorted_depths: list[int] = []  # the same, without their numbers
        self._fanouts: Counter[int] = Counter()  # plans of subjects, by fan-out
        self._size = 0
        self._epoch = 1  # grows when all is forgotten
        self._changes = WildcardChanges()
        self.generation = 0
        """Grows with every change; a plan remembered elsewhere is good while it is the same."""
        self.hits = 0

    def find(self, audience: int, subject: bytes) -> P | None:
        """The plan that is known for a subject and an audience."""
        plan = self._find(audience, subject)
        if plan is not None:
            self.hits += 1
        return plan

    def enter(self, audience: int, subject: bytes, plan: P, depth: int) -> None:
        """Remember a plan for all subjects that it is good for; `depth` leading tokens decided."""
        self._enter(audience, subject, plan, depth)
        if self._size > PLAN_BUDGET:
            self.forget_all()
            self._enter(audience, subject, plan, depth)

    def _enter(self, audience: int, subject: bytes, plan: P, depth: int) -> None:
        tokens = tokens_of(subject)
        kind = _kind_of(tokens, depth) if depth < min(DEEPEST_KIND, len(tokens)) else (subject, 0)
        entry = self._fresh_entry(kind)
        if entry is None:
            self._new_entry(audience, kind, plan, depth)
        elif entry.known(audience) is not None:
            return
        else:
            if entry.others is None:
                entry.others = {}
                self._size += OTHERS_BYTES
            entry.others[audience] = plan
            self._size += AUDIENCE_BYTES
        self._hold(plan)
        self._fanouts[plan.fanout] += 1

    def _new_entry(self, audience: int, kind: _Kind, plan: P, depth: int) -> None:
        self._entries[kind] = _Entry(self._changes.now, audience, plan)
        self._size += ENTRY_BYTES + len(kind[0])
        if kind[1]:
            self._depths[depth] += 1
            if self._depths[depth] == 1:
                self._sorted_depths = sorted(self._depths)

    def _find(self, audience: int, subject: bytes) -> P | None:
        """The plan for a subject: for it alone, or for one of its kinds."""
        plan = self._known((subject, 0), audience)
        if plan is None and self._depths:
            tokens = tokens_of(subject)
            if is_plain(tokens):
                return self._find_kind(audience, tokens)
        return plan

    def _find_kind(self, audience: int, tokens: list[bytes]) -> P | None:
        """The plan for the first of the kinds that a subject belongs to."""
        for depth in self._sorted_depths:
            if depth >= len(tokens):
                break
            plan = self._known(_kind_of(tokens, depth), audience)
            if plan is not None:
                return plan
        return None

    def _known(self, kind: _Kind, audience: int) -> P | None:
        entry = self._fresh_entry(kind)
        return entry.known(audience) if entry is not None else None

    def _kinds_of(self, tokens: list[bytes]) -> list[tuple[int, _Kind]]:
        """The kinds a subject belongs to, as far as there may be entries for them, with their depths."""
        return [(depth, _kind_of(tokens, depth)) for depth in self._sorted_depths if depth < len(tokens)]

    def _fresh_entry(self, kind: _Kind) -> _Entry[P] | None:
        entry = self._entries.get(kind)
        if entry is not None and entry.stamp != self._changes.now:
            prefix, further = kind
            if self._changes.bear_on(entry.stamp, _tokens_in(kind), further):
                self._drop(kind, prefix.count(b".") + 1 if prefix else 0)
                return None
            entry.stamp = self._changes.now
        return entry

    def _drop(self, kind: _Kind, depth: int) -> None:
        """Forget the plans for a kind, which `depth` tokens decide."""
        entry = self._entries.pop(kind, None)
        if entry is None:
            return
        self._size -= ENTRY_BYTES + len(kind[0])
        if entry.others is not None:
            self._size -= OTHERS_BYTES + AUDIENCE_BYTES * len(entry.others)
        for plan in entry.plans():
            self._let_go(plan)
            _count_down(self._fanouts, plan.fanout)
        if kind[1]:
            _count_down(self._depths, depth)
            if depth not in self._depths:
                self._sorted_depths.remove(depth)

    def _hold(self, plan: P) -> None:
        """One use more; the first one is charged."""
        if plan.epoch != self._epoch:
            plan.epoch = self._epoch
            plan.uses = 0
        if not plan.uses:
            self._size += plan.cost
        plan.uses += 1

    def _let_go(self, plan: P) -> None:
        plan.uses -= 1
        if not plan.uses:
            self._size -= plan.cost

    def member(self, sid: bytes) -> P | None:
        """The plan that is known for a queue member."""
        return self._members.get(sid)

    def enter_member(self, sid: bytes, plan: P) -> None:
        """Remember a plan that is not known until `forget_member`; no change of subjects bears on it."""
        self.forget_member(sid)
        if self._size + MEMBER_BYTES + len(sid) + plan.cost > PLAN_BUDGET:
            self.forget_all()
        self._size += MEMBER_BYTES + len(sid)
        self._members[sid] = plan
        self._hold(plan)

    def forget_member(self, sid: bytes) -> None:
        """The queue member came or went."""
        plan = self._members.pop(sid, None)
        if plan is not None:
            self._size -= MEMBER_BYTES + len(sid)
            self._let_go(plan)
            self.generation += 1

    def forget_all(self) -> None:
        """Forget every plan."""
        self._entries.clear()
        self._members.clear()
        self._depths.clear()
        self._sorted_depths.clear()
        self._fanouts.clear()
        self._size = 0
        self._epoch += 1
        self.generation += 1

    def changed(self, subject: bytes) -> None:
        """A subscription on this subject came or went."""
        self.generation += 1
        tokens = tokens_of(subject)
        if has_wildcard(tokens):
            self._changes.note(tokens)
            return
        self._drop((subject, 0), len(tokens))
        for depth, kind in self._kinds_of(tokens):
            self._drop(kind, depth)

    def figures(self) -> PlanFigures:
        """What is kept of subjects."""
        fanouts = self._fanouts
        total = sum(fanout * count for fanout, count in fanouts.items())
        return PlanFigures(sum(fanouts.values()), max(fanouts, default=0), total, self._size)


def _kind_of(tokens: list[bytes], depth: int) -> _Kind:
    return b".".join(tokens[:depth]), len(tokens) - depth


def _tokens_in(kind: _Kind) -> list[bytes]:
    """Those that all subjects of the kind begin with."""
    prefix, further = kind
    return tokens_of(prefix) if prefix or not further else []


def _count_down(counts: Counter[int], number: int) -> None:
    """One less; a number of which none is left is forgotten."""
    counts[number] -= 1
    if not counts[number]:
        del counts[number]
