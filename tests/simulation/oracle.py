"""The oracle: what clients asked for, what they must receive, and what they received.

It is a model of the service as clients see it. It knows only what was written, what was
read, and when; it never looks into a broker.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.simulation.fault_log import FaultLog
from tests.simulation.host import Host
from tests.simulation.scenario import NO_FEATURES, Features

GRACE = 5.0
"""Seconds within which interest and messages arrive on a path without faults."""

DETECTION_SECONDS = 35.0
"""Seconds after which every server has removed a dead session, whatever happened to its server:
15 s until that server notices the silence, and at most as long again until the others do."""


class Violation(Exception):
    """The cluster broke a promise. The text begins with the promise, and names who saw it."""


def covers(pattern: str, subject: str) -> bool:
    """Whether a subscription on `pattern` gets a message on `subject`."""
    wanted, given = pattern.split("."), subject.split(".")
    for position, word in enumerate(wanted):
        if word == ">":
            return len(given) > position
        if position >= len(given) or word not in ("*", given[position]):
            return False
    return len(wanted) == len(given)


class OracleSession:
    """One session of a client in the model."""

    def __init__(
        self, number: int, name: str, client: Host, server: Host, features: Features = NO_FEATURES
    ) -> None:
        """`features` are what the server gives of what the client asks for."""
        self.features = features
        self.number = number
        self.name = name
        self.client = client
        self.server = server
        self.ended = math.inf
        """When it ended, for any reason."""
        self.abrupt = False
        """Whether it ended in any way but a close after all its output."""
        self.subscriptions = 0
        """Number of subscriptions it has requested."""
        self.known_at: dict[Host, int] = {}
        """By server, how many of them it must know: it has passed on a later message of this session."""


@dataclass(eq=False, slots=True)
class OracleSubscription:
    """One subscription of one session in the model."""

    session: OracleSession
    index: int
    """Its position among the subscriptions of the session, from 1."""
    pattern: str
    queue: str | None
    requested: float
    """When SUB was sent."""
    confirmed: float = math.inf
    """When a PONG confirmed that the server has it."""
    propagated: bool = False
    """Whether a quiet period has passed since, so that every server has it."""
    limit: int = 0
    """Maximum number of messages, set when a PONG confirms the limit; 0 for no limit."""
    limit_requested: bool = False
    ended: float = math.inf
    """When it was removed: no message is expected from then on."""
    over: bool = False
    """Whether a PONG confirmed the UNSUB."""
    seen: set[int] = field(default_factory=set)
    last: dict[int, int] = field(default_factory=dict)
    """The last message by publishing session."""

    def __str__(self) -> str:
        group = f" in group {self.queue}" if self.queue else ""
        return f"{self.session.name} on {self.pattern}{group}"


@dataclass(eq=False, slots=True)
class OracleMessage:
    """One published message in the model."""

    number: int
    session: OracleSession
    subject: str
    at: float
    reply: str | None
    subscriptions: int
    """Number of subscriptions its session had requested before it."""
    expected: dict[OracleSubscription, None]
    """Plain subscriptions that must receive it, unless a later event excuses its loss."""
    expected_groups: dict[str, list[OracleSubscription]]
    """Members of each group, one of which must receive it; without members of frozen servers."""
    leaving: dict[str, list[OracleSubscription]] = field(default_factory=dict)
    """Members of these groups that were removed before, which the publisher's server may not know yet."""
    served: dict[str, OracleSubscription] = field(default_factory=dict)
    """The receiver by queue group."""
    block: bytes = b""
    """Its headers."""
    size: int = 0
    """Bytes of the payload."""
    delivered: bool = False
    """Whether anybody has got it."""
    must_reach_nobody: bool = False
    """Whether its server must answer it with 503, unless a later event excuses that."""
    reached_nobody: bool = False
    """Whether its server has answered it with 503."""

    def __str__(self) -> str:
        return f"message {self.number} on {self.subject} by {self.session.name}"


class Oracle:
    """All sessions, subscriptions and messages of a run."""

    def __init__(self, fault_log: FaultLog) -> None:
        self._fault_log = fault_log
        self._subscriptions: dict[str, dict[OracleSubscription, None]] = {}
        """The live ones by pattern."""
        self._leavers: list[OracleSubscription] = []
        """Subscriptions that were removed since the last quiet period."""
        self._joined: list[OracleSubscription] = []
        """Subscriptions that were added since the last quiet period."""
        self._matches: dict[str, list[str]] = {}
        self.messages: list[OracleMessage] = []
        self._checked = 0
        self.deliveries = 0
        self.expected = 0
        """Number of expected deliveries that were verified."""
        self.mixed = False
        """Whether some servers take no headers."""
        self.headed = 0
        """Number of deliveries with headers."""
        self.requests_to_nobody = 0
        """Number of requests that were answered with 503."""

    # --- subscriptions -----------------------------------------------------------

    def subscribed(
        self, session: OracleSession, pattern: str, queue: str | None, now: float
    ) -> OracleSubscription:
        """A session sent SUB."""
        session.subscriptions += 1
        subscription = OracleSubscription(session, session.subscriptions, pattern, queue, now)
        self._joined.append(subscription)
        if pattern not in self._subscriptions:
            self._subscriptions[pattern] = {}
            self._matches.clear()
        self._subscriptions[pattern][subscription] = None
        return subscription

    def unsubscribed(self, subscription: OracleSubscription, now: float) -> None:
        """A session sent UNSUB, received its maximum, or ended."""
        if subscription.ended == math.inf:
            subscription.ended = now
            del self._subscriptions[subscription.pattern][subscription]
            self._leavers.append(subscription)

    def limited(self, subscription: OracleSubscription, limit: int, now: float) -> None:
        """A PONG confirmed the limit; earlier deliveries count, and stay valid beyond it."""
        subscription.limit = max(limit, len(subscription.seen))
        if len(subscription.seen) >= subscription.limit:
            self.unsubscribed(subscription, now)

    @property
    def live(self) -> int:
        """Number of live subscriptions."""
        return sum(map(len, self._subscriptions.values()))

    def live_subscriptions(self) -> Iterable[OracleSubscription]:
        """All live subscriptions."""
        for subscriptions in self._subscriptions.values():
            yield from subscriptions

    # --- publishing ----------------------------------------------------------------

    def published(self, session: OracleSession, subject: str, reply: str | None, now: float) -> OracleMessage:
        """A session sent PUB; record which deliveries are expected."""
        plain: dict[OracleSubscription, None] = {}
        groups: dict[str, list[OracleSubscription]] = {}
        for pattern in self._patterns(subject):
            for subscription in self._subscriptions[pattern]:
                if subscription.session is session and not session.features.echo:
                    continue
                if subscription.queue is not None:
                    groups.setdefault(subscription.queue, []).append(subscription)
                elif self._must_know(session, subscription, now):
                    plain[subscription] = None
        expected = self._expected_groups(session, groups, now)
        number, known = len(self.messages), session.subscriptions
        message = OracleMessage(number, session, subject, now, reply, known, plain, expected)
        for leaver in self._leavers:
            known_gone = self._must_know_removal(session, leaver, now)
            if leaver.queue in expected and not known_gone and covers(leaver.pattern, subject):
                message.leaving.setdefault(leaver.queue, []).append(leaver)
        if reply is not None and session.features.no_responders:
            message.must_reach_nobody = self._is_unheard(session, subject, now)
        self.messages.append(message)
        return message

    def _is_unheard(self, session: OracleSession, subject: str, now: float) -> bool:
        """Whether nobody listens to this subject, and the publisher's server must know that."""
        return (
            not any(self._subscriptions[pattern] for pattern in self._patterns(subject))
            and self._fault_log.first_fault(session.client, session.server) == math.inf
            and all(
                self._must_know_removal(session, leaver, now)
                for leaver in self._leavers
                if covers(leaver.pattern, subject)
            )
        )

    def _expected_groups(
        self, session: OracleSession, groups: dict[str, list[OracleSubscription]], now: float
    ) -> dict[str, list[OracleSubscription]]:
        responsive = {
            name: [one for one in members if not self._must_suspect(session, one, now)]
            for name, members in groups.items()
        }
        return {name: members for name, members in responsive.items() if self._serves(session, members, now)}

    def _patterns(self, subject: str) -> list[str]:
        patterns = self._matches.get(subject)
        if patterns is None:
            patterns = [pattern for pattern in self._subscriptions if covers(pattern, subject)]
            self._matches[subject] = patterns
        return patterns

    def _path(self, publisher: OracleSession, receiver: OracleSession) -> tuple[Host, ...]:
        if publisher.server is receiver.server:
            return publisher.client, publisher.server, receiver.client
        return publisher.client, publisher.server, receiver.server, receiver.client

    def _must_know(self, publisher: OracleSession, subscription: OracleSubscription, now: float) -> bool:
        """Whether the publisher's server must know the subscription: its path has had no fault."""
        receiver = subscription.session
        if self._fault_log.first_fault(*self._path(publisher, receiver)) < math.inf:
            return False
        if subscription.propagated or receiver.known_at.get(publisher.server, 0) >= subscription.index:
            return True
        delay = 0.0 if publisher.server is receiver.server else GRACE
        return subscription.confirmed + delay <= now

    def _serves(self, publisher: OracleSession, members: list[OracleSubscription], now: float) -> bool:
        """Whether a member must be found: one is known, and no path to a member has had a fault."""
        return any(self._must_know(publisher, member, now) for member in members) and all(
            self._fault_log.first_fault(*self._path(publisher, member.session)) == math.inf
            for member in members
        )

    def _must_suspect(self, publisher: OracleSession, subscription: OracleSubscription, now: float) -> bool:
        """Whether the publisher's server must suspect the member's server, which is frozen."""
        server = subscription.session.server
        return (
            self._fault_log.frozen_since(server) + GRACE <= now
            and self._fault_log.first_fault(publisher.client, publisher.server) == math.inf
            and self._fault_log.first_fault_between(publisher.server, server) == math.inf
        )

    def _must_know_removal(self, publisher: OracleSession, leaver: OracleSubscription, now: float) -> bool:
        """Whether the publisher's server must know that the member was removed."""
        clean = self._fault_log.first_fault(*self._path(publisher, leaver.session)) == math.inf
        return leaver.ended + (GRACE if clean else DETECTION_SECONDS) <= now

    # --- delivery --------------------------------------------------------------------

    def delivered(
        self, subscription: OracleSubscription, number: int, now: float, block: bytes = b""
    ) -> OracleMessage:
        """A session received a message for a subscription; raises `Violation` if it must not have.

        `block` are the headers that came with it.
        """
        message = self.messages[number]
        self._check_delivery(subscription, message)
        self._check_features(subscription, message, block)
        message.delivered = True
        self.headed += bool(block)
        if subscription.queue is not None:
            other = message.served.setdefault(subscription.queue, subscription)
            if other is not subscription:
                raise Violation(f"one member per group: {other} and {subscription} got {message}")
        if now - message.at > GRACE and self._was_expected(message, subscription):
            raise Violation(f"in time: {subscription} got {message} {now - message.at:.3f} s late")
        subscription.last[message.session.number] = number
        self.deliveries += 1
        self._count(subscription, number, now)
        known, server = message.session.known_at, subscription.session.server
        known[server] = max(known.get(server, 0), message.subscriptions)
        return message

    def _check_delivery(self, subscription: OracleSubscription, message: OracleMessage) -> None:
        """What holds for every delivery, whatever faults there were."""
        number, last = message.number, subscription.last.get(message.session.number, -1)
        if number in subscription.seen:
            raise Violation(f"at most once: {subscription} got {message} twice")
        if not covers(subscription.pattern, message.subject):
            raise Violation(f"wrong subject: {subscription} got {message}")
        if subscription.over:
            raise Violation(f"UNSUB: {subscription} got {message} after its server had confirmed the UNSUB")
        if last > number and not self._may_overtake(subscription, message):
            raise Violation(f"order: {subscription} got {message} after message {last}")
        if subscription.limit and len(subscription.seen) >= subscription.limit:
            raise Violation(f"UNSUB with max: {subscription} got {message} beyond its limit")

    def _check_features(self, subscription: OracleSubscription, message: OracleMessage, block: bytes) -> None:
        """What holds for every delivery to a client of today, whatever faults there were."""
        features = subscription.session.features
        if (
            subscription.session is message.session
            and not features.echo
            and not self._may_overtake(subscription, message)
        ):
            raise Violation(f"echo: {subscription} got {message}, its own")
        if message.reached_nobody:
            raise Violation(f"no responders: {subscription} got {message}, which had reached nobody")
        if block and not features.headers:
            raise Violation(f"headers: {subscription} takes none, and got those of {message}")
        if block and block != message.block:
            raise Violation(f"headers: {subscription} got others than those of {message}")
        # What was sent on may have been at a server that takes none.
        may_be_cut = not features.headers or (self.mixed and self._may_overtake(subscription, message))
        if message.block and not block and not may_be_cut:
            raise Violation(f"headers: {subscription} got {message} without its headers")

    def unanswered(self, subscription: OracleSubscription, number: int, subject: str, now: float) -> None:
        """A session received 503 for a request of its own, with this subject in it, at a subscription."""
        message, session = self.messages[number], subscription.session
        if message.session is not session or not session.features.no_responders:
            raise Violation(f"no responders: {session.name} has not asked for 503 to {message}")
        if subject != message.subject or not covers(subscription.pattern, message.reply or ""):
            raise Violation(f"no responders: {subscription} got 503 for {subject!r} instead of {message}")
        if number in subscription.seen or subscription.over:
            raise Violation(f"no responders: {subscription} got 503 for {message} once too often")
        if message.delivered:
            raise Violation(f"no responders: {session.name} got 503 for {message}, which was delivered")
        if subscription.limit and len(subscription.seen) >= subscription.limit:
            raise Violation(f"UNSUB with max: {subscription} got 503 for {message} beyond its limit")
        self.requests_to_nobody += not message.reached_nobody
        message.reached_nobody = True
        self._count(subscription, number, now)

    def _count(self, subscription: OracleSubscription, number: int, now: float) -> None:
        """A subscription has had this message, or 503 for it; that may have been its last."""
        subscription.seen.add(number)
        if subscription.limit and len(subscription.seen) >= subscription.limit:
            self.unsubscribed(subscription, now)

    # --- quiet periods -----------------------------------------------------------------

    def check(self) -> None:
        """A quiet period ends: expected messages have arrived, and every server knows every subscription."""
        for message in self.messages[self._checked :]:
            self._check_plain(message)
            self._check_groups(message)
            self._check_nobody(message)
        self._checked = len(self.messages)
        self._leavers.clear()
        self._joined.clear()
        for subscription in self.live_subscriptions():
            if subscription.confirmed == math.inf:
                raise Violation(f"service: no PONG after the SUB of {subscription}")
            subscription.propagated = True

    def _check_plain(self, message: OracleMessage) -> None:
        for subscription in message.expected:
            if self._is_expected(message, subscription):
                self.expected += 1
                if message.number not in subscription.seen:
                    raise Violation(f"exactly once: {subscription} did not get {message} of {message.at:.6f}")

    def _check_groups(self, message: OracleMessage) -> None:
        for name, members in message.expected_groups.items():
            members.extend(self._joined_later(message, name))
            if self._group_is_expected(message, members, message.leaving.get(name, [])):
                self.expected += 1
                if name not in message.served:
                    raise Violation(
                        f"exactly once: no member of group {name} got {message} of {message.at:.6f}"
                    )

    def _check_nobody(self, message: OracleMessage) -> None:
        """A request that nobody heard has been answered, if its session lived to hear that."""
        session, late = message.session, message.at + GRACE
        if (
            message.must_reach_nobody
            and not message.delivered
            and session.ended > late
            and self._fault_log.first_fault(session.client, session.server) > late
            and not any(
                message.at <= joined.requested <= late and covers(joined.pattern, message.subject)
                for joined in self._joined
            )
        ):
            self.expected += 1
            if not message.reached_nobody:
                raise Violation(f"no responders: {session.name} did not hear that nobody got {message}")

    def _may_overtake(self, subscription: OracleSubscription, _message: OracleMessage) -> bool:
        """Whether a message may arrive through a server whose member has left, and a later one directly."""
        return subscription.queue is not None and any(
            leaver.queue == subscription.queue for leaver in self._leavers
        )

    def _group_is_expected(
        self, message: OracleMessage, members: list[OracleSubscription], leavers: list[OracleSubscription]
    ) -> bool:
        """Whether a member must have received it: one stayed, and all that left did so cleanly."""
        stayed = [member for member in members if self._is_expected(message, member)]
        leavers = leavers + [member for member in members if not self._is_expected(message, member)]
        if not stayed or not all(self._left_cleanly(message, leaver, stayed) for leaver in leavers):
            return False
        homes = {member.session.server for member in stayed}
        return (
            len({leaver.session.server for leaver in leavers} - homes) <= 1
        )  # a message is forwarded to another server once

    def _left_cleanly(
        self, message: OracleMessage, leaver: OracleSubscription, stayed: list[OracleSubscription]
    ) -> bool:
        """Whether it received all messages until its UNSUB was confirmed, without a fault."""
        if not leaver.over or (message.session.abrupt and message.session.ended <= message.at + GRACE):
            return False
        publisher, left = message.session, leaver.session
        paths = [self._path(publisher, left)]
        paths += [self._path(publisher, other.session) for other in stayed]
        paths += [(left.server, other.session.server, other.session.client) for other in stayed]
        return all(self._fault_log.first_fault(*path) > message.at + GRACE for path in paths) and any(
            other.propagated or other.confirmed + GRACE <= message.at for other in stayed
        )

    def _joined_later(self, message: OracleMessage, group: str) -> list[OracleSubscription]:
        """Members whose SUB may have overtaken the message on its way to the publisher's server."""
        return [
            member
            for member in self._joined
            if member.queue == group
            and (member.session is not message.session or member.session.features.echo)
            and message.at <= member.requested <= message.at + GRACE
            and covers(member.pattern, message.subject)
        ]

    def _was_expected(self, message: OracleMessage, subscription: OracleSubscription) -> bool:
        """Whether the message was expected within `GRACE` at it, or at every member of its group."""
        if subscription.queue is None:
            return subscription in message.expected and self._is_expected(message, subscription)
        members = message.expected_groups.get(subscription.queue)
        return (
            members is not None
            and subscription.queue not in message.leaving
            and all(self._is_expected(message, member) for member in members)
        )

    def _is_expected(self, message: OracleMessage, subscription: OracleSubscription) -> bool:
        """Whether no fault or end within `GRACE` after the message excuses its loss."""
        publisher, receiver = message.session, subscription.session
        excused = min(
            self._fault_log.first_fault(*self._path(publisher, receiver)),
            subscription.ended,
            receiver.ended,
            publisher.ended if publisher.abrupt else math.inf,
        )
        return excused > message.at + GRACE
