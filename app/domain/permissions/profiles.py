"""Profiles: numbers for the rights of publishers, as the data plane knows them."""

from .responses import OpenReplies
from .rule_set import RuleSet
from .rules import Permissions

MOST_IDLE = 16
"""Rights that are remembered although no client has them: one that comes back finds its number."""


class Rights:
    """What some clients may do, and their number."""

    __slots__ = ("clients", "number", "permissions", "replies", "rules")

    def __init__(
        self, number: int, permissions: Permissions, rules: RuleSet, replies: OpenReplies | None
    ) -> None:
        self.number = number
        self.permissions = permissions
        self.rules = rules
        self.replies = replies
        """Those of the one client that has these rights; None if they may be shared."""
        self.clients = 0


class Profiles:
    """The rights that are in use. A number is never given to others; 0 is for those without rules.

    Clients with equal permissions share one, and so the plans made for it. One whose
    responses are counted has a number of its own, with the rules that all share.
    """

    def __init__(self) -> None:
        self._shared: dict[Permissions, Rights] = {}
        self._idle: dict[Permissions, None] = {}
        """Rights that no client has now, the oldest first."""
        self._numbered: dict[int, Rights] = {}
        self._last = 0

    def take(self, permissions: Permissions) -> Rights:
        """The rights for one client more with these permissions, until `release`."""
        rights = self._shared.get(permissions)
        if rights is None:
            rights = self._shared[permissions] = self._add(permissions, RuleSet(permissions), None)
        self._idle.pop(permissions, None)
        rights.clients += 1
        return rights

    def take_own(self, permissions: Permissions, replies: OpenReplies) -> Rights:
        """Rights for one client alone, until `release`."""
        return self._add(permissions, self.take(permissions).rules, replies)

    def _add(self, permissions: Permissions, rules: RuleSet, replies: OpenReplies | None) -> Rights:
        self._last += 1
        rights = self._numbered[self._last] = Rights(self._last, permissions, rules, replies)
        return rights

    def release(self, rights: Rights) -> None:
        """A client with these rights has gone."""
        if rights.replies is not None:
            del self._numbered[rights.number]
        shared = self._shared[rights.permissions]
        shared.clients -= 1
        if shared.clients:
            return
        self._idle[shared.permissions] = None
        if len(self._idle) > MOST_IDLE:
            oldest = next(iter(self._idle))
            del self._idle[oldest]
            del self._numbered[self._shared.pop(oldest).number]

    def __len__(self) -> int:
        """How many numbers are known."""
        return len(self._numbered)

    def verdict(self, number: int, subject: bytes) -> tuple[bool, int | None]:
        """Whether the message at hand may be published, and how many leading tokens of the subject decided.

        None in place of these if it holds for no later message. With a number that is not in use
        nothing may be published.
        """
        rights = self._numbered.get(number)
        if rights is None:
            return False, None
        allowed, decisive = rights.rules.may_publish(subject)
        if allowed or rights.replies is None:
            return allowed, decisive
        return rights.replies.grant(subject), None
