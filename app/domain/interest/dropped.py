"""Subscriptions that cover a subject, but whose rules drop its messages."""

from collections.abc import Callable, Iterator

from ..dataplane.seam import HookedMessage
from .interest import Interest
from .subscription import Subscription


def dropped(
    interest: Interest, message: HookedMessage, is_over: Callable[[], bool]
) -> Iterator[Subscription]:
    """Those of no queue group that are here, as far as they are found before the turn `is_over`."""
    subject = message.to or message.subject
    search = interest.search(subject)
    while (match := search.go_on()) is None:
        if is_over():
            return
    for node in match.ends:
        for one in node.plain_subscriptions():
            if is_over():
                return
            if one.filter is not None and not one.subscriber.is_closed and one.filter.drops(subject):
                yield one
