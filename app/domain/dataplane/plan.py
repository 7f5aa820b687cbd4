"""Who gets a message, in the plain twin: places to deliver to, and plans that name them."""

from collections.abc import Container, Iterator, Sequence
from itertools import chain, islice

from . import seam
from .constants import LONGEST_RUN_FANOUT, MOST_CANDIDATES, PLAIN_MARK
from .draw import Draw
from .joining import joined
from .outbox import Outbox
from .own import own
from .reach import Naming
from .seam import Expiring

NOWHERE = -1
"""The place of a target that is in no group."""

PLAN_BYTES = 280
"""About what a plan takes, with its empty tuples."""

SLOT_BYTES = 8
GROUP_BYTES = 64

TARGET_BYTES = 150
"""What a target takes after it retired: old plans know it until they are forgotten."""

CHARGED_TARGETS = 16
"""Targets of one plan that are charged. Most plans list fewer, and those of many are mostly alive."""


class Target:
    """See `seam.Target`."""

    __slots__ = ("delivered", "limit", "outbox", "place", "sid", "subscription")

    def __init__(self, outbox: Outbox, sid: bytes, subscription: Expiring | None) -> None:
        self.outbox: Outbox | None = outbox
        self.sid = sid
        self.subscription = subscription
        self.delivered = 0
        self.limit = 0
        self.place = NOWHERE  # in its group

    def retire(self) -> None:
        """See `seam.Target`."""
        # Plans that are never used again may know the target for long, so it lets go of all else.
        self.outbox = None
        self.subscription = None

    @property
    def direct(self) -> "Target":
        """The same place for a message that its server does not find by its subject."""
        if self.outbox is None or self.outbox.naming != Naming.ALL:
            return self
        return Target(self.outbox, member_sid(self.sid), None)

    @property
    def is_open(self) -> bool:
        """Whether the receiver takes messages."""
        return self.outbox is not None and not self.outbox.closed

    @property
    def ready(self) -> bool:
        """Whether it does, and nobody has to wait for it."""
        return self.outbox is not None and not self.outbox.closed and not self.outbox.congested

    def under(self, sid: bytes) -> "Target":
        """See `seam.Target`."""
        return Target(own(Outbox, self.outbox), sid, self.subscription)

    def bears(self, size: int, most: int) -> int:
        """How many messages, at most `most`, it takes without a decision; `size` is without the sid."""
        outbox = self.outbox
        if outbox is None:
            return most
        if self.limit or outbox.trace or (outbox.leaf and self.sid):
            return 0
        return min(most, outbox.room() // (size + len(self.sid) + 1))


def member_sid(sid: bytes) -> bytes:
    """The sid by which a server finds the one subscription that it names."""
    return b"Q" + sid if sid.startswith(PLAIN_MARK) else sid


class Group:
    """See `seam.Group`."""

    __slots__ = ("far", "lines", "members", "name", "weight")

    def __init__(self, name: bytes = b"") -> None:
        self.members: list[Target] = []
        self.name = name
        self.lines = False
        """Whether its members are at the ends of leaf links: here, or of another server of the cluster."""
        self.weight = 1
        self.far = False

    def __len__(self) -> int:
        return len(self.members)

    def add(self, target: seam.Target) -> None:
        """See `seam.Group`."""
        target = own(Target, target)
        self.members.append(target)
        target.place = len(self.members) - 1
        self.lines = self.far or (target.outbox is not None and target.outbox.leaf)

    def remove(self, target: seam.Target) -> None:
        """See `seam.Group`."""
        target = own(Target, target)
        place = target.place
        if 0 <= place < len(self.members) and self.members[place] is target:
            self.take_out(place)

    def is_alive(self) -> bool:
        """See `seam.Group`."""
        while self.members:
            outbox = self.members[-1].outbox
            if outbox is not None and not outbox.closed:
                return True
            self.take_out(len(self.members) - 1)
        return False

    @property
    def extent(self) -> int:
        """How many numbers of the draw are for its members."""
        return self.weight * len(self.members)

    def take_out(self, place: int) -> None:
        """Take out the member there; the last one takes its place."""
        members = self.members
        members[place].place = NOWHERE
        last = members.pop()
        if place < len(members):
            members[place] = last
            last.place = place


class Plan:
    """See `seam.Plan`. ``cost`` is in bytes; the plan cache has ``uses`` of it since its ``epoch``."""

    __slots__ = (
        "cost",
        "denied",
        "epoch",
        "fanout",
        "groups",
        "hook",
        "links",
        "mixed",
        "narrower",
        "plain",
        "refusal",
        "refused",
        "runs",
        "uses",
    )

    def __init__(
        self,
        plain: tuple[Target, ...],
        groups: tuple[tuple[Group, ...], ...],
        refusal: bytes,
        *,
        denied: bool = False,
        hook: seam.Hook = seam.Hook.NONE,
    ) -> None:
        self.plain, self.groups = plain, groups
        self.links = self.mixed = 0
        """Targets at leaf links, the last ones, and groups that have members there, the first ones.

        They are counted only where there are such groups: then they make up lines together.
        """
        self.narrower: dict[int, Plan] = {}
        """See `narrowing.narrowed`."""
        if any(part.lines for parts in groups for part in parts):
            self._sort()
        self.refusal = refusal
        self.denied = denied
        self.hook = hook
        self.refused = denied or bool(refusal)
        self.fanout = len(plain) + len(groups)
        self.cost = PLAN_BYTES + SLOT_BYTES * self.fanout + TARGET_BYTES * min(len(plain), CHARGED_TARGETS)
        self.cost += sum(GROUP_BYTES + SLOT_BYTES * len(parts) for parts in groups)
        self.uses = self.epoch = 0
        # Runs would change the order among the messages for one connection.
        self.runs = (
            not groups
            and not self.refused
            and len(plain) <= LONGEST_RUN_FANOUT
            and len({target.outbox for target in plain}) == len(plain)
        )

    def _sort(self) -> None:
        """Let the receivers be in the order that lines with several queue groups need."""
        lines = {
            member.outbox for parts in self.groups for part in parts if part.lines for member in part.members
        }
        self.plain = tuple(sorted(self.plain, key=lambda target: _gets_lines(target, lines)))
        self.groups = tuple(sorted(self.groups, key=lambda parts: not any(part.lines for part in parts)))
        self.links = sum(_gets_lines(target, lines) for target in self.plain)
        self.mixed = sum(any(part.lines for part in parts) for parts in self.groups)

    def receivers(self, draw: Draw, skip: Outbox | None) -> list[Target]:
        """See `seam.Plane.receivers`."""
        drawn = (pick(parts, draw, skip) for parts in self.groups)
        found = [
            target
            for target in chain(self.plain, drawn)
            if target is not None and target.is_open and target.outbox is not skip
        ]
        return joined(found, Target) if self.mixed else found

    def must_wait(self) -> bool:
        """Ask each congested receiver whether the publisher has to wait; see `seam.Outbox.congested`."""
        waits = False
        # one after the other: who is asked may change what the next ones are
        members = chain.from_iterable(map(_least_pending, filter(_is_congested, self.groups)))
        for target in chain(self.plain, members):
            outbox = target.outbox
            if outbox is not None and outbox.congested and outbox.owner.pressed():
                waits = True
        return waits

    def serves_another(self, besides: seam.Outbox, low: int) -> bool:
        """See `seam.Inlet.serves_another`."""
        targets = islice(chain(self.plain, chain.from_iterable(map(_members, self.groups))), MOST_CANDIDATES)
        return any(
            outbox is not None and outbox is not besides and not outbox.closed and outbox.starves(low)
            for outbox in (target.outbox for target in targets)
        )


def _gets_lines(target: Target, lines: Container[Outbox | None]) -> bool:
    return target.outbox is not None and (target.outbox.leaf or target.outbox in lines)


def pick(parts: Sequence[Group], draw: Draw, skip: seam.Outbox | None = None) -> Target | None:
    """Draw a member; None if there is none. Members at the outbox to `skip` are not drawn.

    One whose connection is closed is taken out, and the draw repeated. If the receiver
    can take nothing now, the next one that can is taken, if that is near. Those of `far` parts
    are drawn from where the others have nobody.
    """
    if len(parts) == 1:  # the common case, in which near or far makes no difference
        return _pick(parts, parts[0].extent, draw, skip)
    near, far = _near(parts), [part for part in parts if part.far]
    return _pick(near, _extent(near), draw, skip) or _pick(far, _extent(far), draw, skip)


def _near(parts: Sequence[Group]) -> Sequence[Group]:
    return [part for part in parts if not part.far]


def _extent(parts: Sequence[Group]) -> int:
    return sum(part.extent for part in parts)


def _pick(parts: Sequence[Group], total: int, draw: Draw, skip: seam.Outbox | None) -> Target | None:
    """Draw a member of these parts; `total` is the sum of their extents."""
    while total:
        first = draw.below(total)
        part, place = _place(parts, first)
        member = part.members[place]
        if skip is not None and member.outbox is skip:
            return _another(parts, first, total, skip)
        if member.ready:
            return member
        if member.outbox is not None and not member.outbox.closed:
            return _next_ready(parts, first, total, skip) or member
        part.take_out(place)
        total = _extent(parts)
    return None


def _next_ready(parts: Sequence[Group], first: int, total: int, skip: seam.Outbox | None) -> Target | None:
    for number in range(first + 1, first + min(total, MOST_CANDIDATES)):
        part, place = _place(parts, number % total)
        member = part.members[place]
        if member.ready and (skip is None or member.outbox is not skip):
            return member
    return None


def _another(parts: Sequence[Group], first: int, total: int, skip: seam.Outbox | None) -> Target | None:
    """The next member that is open and not to be skipped."""
    for number in range(first + 1, first + total):
        part, place = _place(parts, number % total)
        outbox = part.members[place].outbox
        if outbox is not None and outbox is not skip and not outbox.closed:
            return part.members[place]
    return None


def _place(parts: Sequence[Group], number: int) -> tuple[Group, int]:
    """Where the member with this number among all is."""
    index, part = 0, parts[0]
    while number >= part.extent:
        number -= part.extent
        index += 1
        part = parts[index]
    return part, number % len(part.members)


def _members(parts: Sequence[Group]) -> Iterator[Target]:
    """Those that are drawn from; one of some weight comes as often."""
    near = _near(parts)
    parts = near if any(part.members for part in near) else parts
    return (part.members[number % len(part.members)] for part in parts for number in range(part.extent))


def _is_congested(parts: Sequence[Group]) -> bool:
    """Whether no member, as far as `pick` searches, can take a message now."""
    return not any(member.ready for member in islice(_members(parts), MOST_CANDIDATES))


def _least_pending(parts: Sequence[Group]) -> list[Target]:
    """The one; none if the group is empty."""
    members = list(islice(_members(parts), MOST_CANDIDATES))
    return [min(members, key=_pending)] if members else []


def _pending(member: Target) -> int:
    return member.outbox.pending() if member.outbox is not None else 0
