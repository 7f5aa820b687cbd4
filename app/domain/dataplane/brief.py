"""Brief subscriptions: for one message, as a client makes one for the answer to each of its requests.

Such a client sends ``SUB <inbox> <sid>``, ``UNSUB <sid> 1`` and its PUB together. Between them and the
answer nobody else looks at the subscription, as a rule. So a plane may keep the two lines, deliver the one
message itself, and give the lines to `Control.line` later, or never: see ADR 0065. The plain twin obeys
every line at once, and the compiled one has to look as if it did.
"""

from typing import Protocol

MOST_BRIEF = 64
"""Brief subscriptions that a plane keeps at most: all of them may have to be obeyed in one turn."""


class Briefs(Protocol):
    """The brief subscriptions of one plane."""

    @property
    def passed(self) -> int:
        """Subscriptions that came and went without the control plane, ever."""
        ...

    def allow(self, *, allowed: bool) -> None:
        """Whether lines may be kept from now on: nobody is to hear of each subscription. At first not."""
        ...

    def settle(self) -> None:
        """Obey all lines that are kept, as of when they came.

        Called before anybody reads subscriptions, and before what decides about them changes.
        """
        ...


class NoBriefs:
    """Those of the plain twin, which keeps no lines."""

    passed = 0

    def allow(self, *, allowed: bool) -> None:
        """See `Briefs`."""

    def settle(self) -> None:
        """See `Briefs`."""
