"""Who gets a message, in the plain twin: places to deliver to, and plans that name them."""

from app.domain.dataplane.outbox import Outbox
from app.domain.dataplane.seam import Expiring


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
