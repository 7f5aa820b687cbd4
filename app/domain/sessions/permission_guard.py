"""Permission guard: checks what one client publishes and subscribes to."""

from ..events import PublishDenied, SubscriptionDenied, SubscriptionRemoved
from ..interest.subscription import Subscription
from ..permissions.responses import OpenReplies
from ..permissions.rule_set import Filter
from ..permissions.rules import Permissions
from ..protocol.commands import Subscribe, readable
from ..protocol.encode import ACCOUNT
from ..protocol.errors import PermissionsViolation
from ..protocol.quoting import quoted
from ..security.nkey import public_user_key
from .connection import Connection
from .host import Host


class PermissionGuard:
    """Decides for a client with rules, as long as it is connected."""

    __slots__ = ("_connection", "_profiles", "_rights")

    def __init__(self, host: Host, connection: Connection, permissions: Permissions) -> None:
        """From now on they hold. A client whose responses are counted has rights of its own."""
        self._connection = connection
        self._profiles = host.interest.profiles
        if permissions.responses is None:
            self._rights = self._profiles.take(permissions)
            return
        inlet = connection.inlet
        replies = OpenReplies(permissions.responses, host.scheduler.monotonic, lambda: inlet.in_msgs)
        self._rights = self._profiles.take_own(permissions, replies)
        connection.watch(replies.received)

    @property
    def number(self) -> int:
        """That of the rights, see `Profiles`; 0 if it may publish everything, as those without rules."""
        return self._rights.number if self._rights.rules.limits_publishing else 0

    def may_publish(self, subject: bytes) -> bool:
        """Whether the rules say so; open replies do not count."""
        return self._rights.rules.may_publish(subject)[0]

    def opens(self, subject: bytes) -> bool:
        """Whether this is the reply subject of a message that the client may answer now."""
        return self._rights.replies is not None and self._rights.replies.is_open(subject)

    def filter_now(self, subscription: Subscription) -> tuple[bool, Filter | None]:
        """Whether a subscription may stay, and what it is not to get."""
        subject, queue, rules = subscription.subject, subscription.queue, self._rights.rules
        if not rules.may_subscribe(subject, queue):
            return False, None
        return True, rules.filter_of(subject, queue)

    def report_removed(self, subscription: Subscription, user: str) -> None:
        """Log that a subscription has ended because a right is gone."""
        subject, sid = _escaped(subscription.subject), readable(subscription.sid)
        self._connection.report(SubscriptionRemoved(self._connection.link, who(user), subject, sid))

    def filter_for(self, command: Subscribe, user: str) -> Filter | None:
        """What a subscription of this user is not to get. Raises `PermissionsViolation`, and logs it."""
        subject, queue, sid = command
        rules = self._rights.rules
        if rules.may_subscribe(subject, queue):
            return rules.filter_of(subject, queue)
        link = self._connection.link
        group = _escaped(queue or b"")
        self._connection.report(SubscriptionDenied(link, who(user), _escaped(subject), group, readable(sid)))
        raise PermissionsViolation(what=named_subscription(subject, queue))

    def close(self) -> None:
        """The client is gone."""
        if self._rights.replies is not None:
            self._connection.watch(None)
        self._profiles.release(self._rights)


def named_subscription(subject: bytes, queue: bytes | None) -> bytes:
    """A subscription, in the words of an error."""
    text = b"Subscription to " + quoted(subject)
    return text if queue is None else text + b" using queue " + quoted(queue)


def publish_violation(subject: bytes, reply: bytes) -> PermissionsViolation:
    """The error for a message that may not be published, for its `reply` subject if that is not empty."""
    if reply:
        return PermissionsViolation(what=b"Publish with Reply of " + quoted(reply))
    return PermissionsViolation(what=b"Publish to " + quoted(subject))


def publish_denied(connection: Connection, subject: bytes, reply: bytes, user: str) -> PublishDenied:
    """The fact for the log; as above."""
    what = "Reply" if reply else "Subject"
    return PublishDenied(connection.link, who(user), what, _escaped(reply or subject))


def removal(subscription: Subscription) -> PermissionsViolation:
    """The error for a subscription that is not allowed any more."""
    named = quoted(subscription.subject) + b" (sid " + quoted(subscription.sid) + b")"
    return PermissionsViolation(what=b"Subscription to " + named)


def _escaped(text: bytes) -> str:
    return quoted(text).decode()[1:-1]


def who(user: str) -> str:
    """A client, as nats-server names it in the log; the user may be an nkey, or empty."""
    if not user:
        return ACCOUNT
    return f"{ACCOUNT}/nkey:{user}" if public_user_key(user) is not None else f"{ACCOUNT}/user:{user}"
