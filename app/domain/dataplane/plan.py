"""Who gets a message, in the plain twin: places to deliver to, and plans that name them."""

from itertools import chain, islice
from typing import cast

from app.domain.dataplane.draw import Draw
from app.domain.dataplane.outbox import Outbox
from app.domain.dataplane.seam import LOOK_AROUND, Expiring


class Target:
    """See `seam.Target`."""

    __slots__ = ("delivered", "limit", "outbox", "sid", "subscription")

    def __init__(self, outbox: Outbox, sid: bytes, subscription: Expiring) -> None:
        self.outbox: Outbox | None = outbox
        self.sid = sid
        self.subscription: Expiring | None = subscription
        self.delivered = 0
        self.limit = 0

    def retire(self) -> None:
        # Plans that are never used again may know the target for long, so it lets go of all else.
        self.outbox = None
        self.subscription = None

    @property
    def ready(self) -> bool:
        """Whether the receiver takes messages, and nobody has to wait for it."""
        return self.outbox is not None and not self.outbox.closed and not self.outbox.congested

    def under(self, sid: bytes) -> "Target":
        return Target(cast("Outbox", self.outbox), sid, cast("Expiring", self.subscription))

    def bears(self, size: int, most: int) -> int:
        """How many messages, at most `most`, it takes without a decision; `size` is without the sid."""
        outbox = self.outbox
        if outbox is None:
            return most
        if self.limit or outbox.trace:
            return 0
        return min(most, outbox.room() // (size + len(self.sid) + 1))


class Plan:
    """See `seam.Plan`."""

    __slots__ = ("fanout", "groups", "plain", "refusal", "runs")

    def __init__(
        self, plain: tuple[Target, ...], groups: tuple[tuple[Target, ...], ...], refusal: bytes
    ) -> None:
        self.plain = plain
        self.groups = groups
        self.refusal = refusal
        self.fanout = len(plain) + len(groups)
        # Runs would change the order among the messages for one connection.
        separate = len({target.outbox for target in plain}) == len(plain)
        self.runs = separate and not groups and not refusal

    def must_wait(self) -> bool:
        """Ask each congested receiver whether the publisher has to wait; see `seam.Outbox.congested`."""
        waits = False
        for target in chain(self.plain, map(_least_pending, filter(_is_congested, self.groups))):
            outbox = target.outbox
            if outbox is not None and outbox.congested and outbox.owner.pressed():
                waits = True
        return waits

    def serves_another(self, besides: Outbox, low: int) -> bool:
        """See `seam.Inlet.serves_another`."""
        targets = islice(chain(self.plain, chain.from_iterable(self.groups)), LOOK_AROUND)
        return any(
            outbox is not None and outbox is not besides and not outbox.closed and outbox.starves(low)
            for outbox in (target.outbox for target in targets)
        )


def pick(group: tuple[Target, ...], draw: Draw) -> Target:
    """Draw a member; if its receiver can take nothing now, take the next one that can, if that is near."""
    count = len(group)
    first = draw.below(count)
    if group[first].ready:
        return group[first]
    for place in range(first + 1, first + min(count, LOOK_AROUND)):
        if group[place % count].ready:
            return group[place % count]
    return group[first]


def _is_congested(group: tuple[Target, ...]) -> bool:
    """Whether no member, as far as `pick` looks, can take a message now."""
    return not any(member.ready for member in islice(group, LOOK_AROUND))


def _least_pending(group: tuple[Target, ...]) -> Target:
    return min(islice(group, LOOK_AROUND), key=_pending)


def _pending(member: Target) -> int:
    return member.outbox.pending() if member.outbox is not None else 0
