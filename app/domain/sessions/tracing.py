"""Protocol tracing: what peers send and what comes of it, in gnatsd's words.

This is usually off. So what is called for each subscription is called only where the log
wants debug facts, or the lines of the protocol.
"""

from ..dataplane.seam import Fault
from ..events import (
    AutoUnsubscribed,
    LineReceived,
    PayloadReceived,
    SubscriptionDeleted,
    UnsubscribeDeferred,
)
from ..interest.subscription import Subscription
from ..protocol.commands import BLANKS, readable
from ..protocol.connect import shown
from .connection import Connection

_LINE_IS_WHOLE = (Fault.ARGUMENTS, Fault.SIZE)


def line_received(connection: Connection, verb: bytes, argument: bytes) -> None:
    """A line came in, whatever becomes of it."""
    if connection.inlet.trace:
        connection.report(LineReceived(connection.link, shown(verb, argument)))


def message_received(connection: Connection, verb: bytes, argument: bytes, payload: bytes) -> None:
    """A message came in; see `Control.traced`."""
    line_received(connection, verb, argument.strip(BLANKS))
    connection.report(PayloadReceived(connection.link, readable(payload)))


def fault_received(connection: Connection, verb: bytes, fault: Fault, text: bytes) -> bytes:
    """A message came in that the data plane could not take; return it as it is shown."""
    if fault is not Fault.TERMINATOR:
        text = text.strip(BLANKS)
    if fault in _LINE_IS_WHOLE:
        line_received(connection, verb, text)
    return text


def deferred(connection: Connection, subscription: Subscription) -> None:
    """An UNSUB with a limit came in that is not reached yet."""
    subject, target = readable(subscription.subject), subscription.target
    connection.report(UnsubscribeDeferred(connection.link, subject, target.limit, target.delivered))


def expired(connection: Connection, subscription: Subscription) -> None:
    """The limit of a subscription is reached."""
    limit, sid = subscription.target.limit, readable(subscription.sid)
    connection.report(AutoUnsubscribed(connection.link, limit, sid))


def removed(connection: Connection, subscription: Subscription) -> None:
    """A subscription has ended, while its connection goes on."""
    connection.report(SubscriptionDeleted(connection.link, readable(subscription.sid)))
