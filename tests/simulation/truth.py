"""What clients asked for and what they got: the truth that the cluster is held to.

It knows only what a client can know: what was written, what was read, and when.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.simulation.damage import Damage
from tests.simulation.host import Host

GRACE = 5.0
"""Seconds within which, on a path that no fault touches, news and messages have arrived."""

FORGOTTEN = 35.0
"""Seconds after which nobody takes a session for alive that is not, whatever happened to its server:
one silence until its server knows (15 s), and at most another until the others know."""


class Violation(Exception):
    """The cluster broke a promise; the text says which, and who saw it."""


def covers(pattern: str, subject: str) -> bool:
    """Whether a subscription on `pattern` gets a message on `subject`."""
    wanted, given = pattern.split("."), subject.split(".")
    for position, word in enumerate(wanted):
        if word == ">":
            return len(given) > position
        if position >= len(given) or word not in ("*", given[position]):
            return False
    return len(wanted) == len(given)


class Member:
    """One session of a client, as far as the truth needs it."""

    def __init__(self, number: int, name: str, client: Host, server: Host) -> None:
        self.number = number
        self.name = name
        self.client = client
        self.server = server
        self.ended = math.inf
        """When it ended, by whatever cause."""
        self.abrupt = False
        """Whether it ended other than by closing after all that it wrote."""
        self.interests = 0
        """Subscriptions it has asked for."""
        self.known_at: dict[Host, int] = {}
        """How many of them a server must know, since a later message of ours came from it."""


@dataclass(eq=False, slots=True)
class Interest:
    """One subscription of one session."""

    member: Member
    index: int
    """Which of the member's subscriptions this is, from 1."""
    pattern: str
    queue: str | None
    asked: float
    """When SUB was sent."""
    confirmed: float = math.inf
    """When a PONG told that its server has it."""
    placed: bool = False
    """Whether a quiet period has passed since, so that every server has it."""
    limit: int = 0
    """Messages it gets at most, once a PONG told that its server knows; 0 for no limit."""
    limit_asked: bool = False
    ended: float = math.inf
    """When it was given up: no message is owed from then on."""
    over: bool = False
    """Whether a PONG told that its server has given it up."""
    seen: set[int] = field(default_factory=set)
    last: dict[int, int] = field(default_factory=dict)
    """The last message by publishing session."""

    def __str__(self) -> str:
        group = f" in group {self.queue}" if self.queue else ""
        return f"{self.member.name} on {self.pattern}{group}"


@dataclass(eq=False, slots=True)
class Message:
    """One published message."""

    number: int
    member: Member
    subject: str
    at: float
    reply: str | None
    interests: int
    """Subscriptions its session had asked for before it."""
    due: dict[Interest, None]
    """Plain subscriptions that know of no reason not to get it."""
    due_groups: dict[str, list[Interest]]
    """Members of groups, of whom one must get it, and soon; without those whose server stands still."""
    leaving: dict[str, list[Interest]] = field(default_factory=dict)
    """Members of these groups that were given up before, of whom the publisher's server may not know that."""
    served: dict[str, Interest] = field(default_factory=dict)
    """By queue group, who got it."""

    def __str__(self) -> str:
        return f"message {self.number} on {self.subject} by {self.member.name}"


class Truth:
    """All sessions, subscriptions and messages of a run."""

    def __init__(self, damage: Damage) -> None:
        self._damage = damage
        self._interests: dict[str, dict[Interest, None]] = {}
        """The live ones by pattern."""
        self._ghosts: list[Interest] = []
        """Members of groups that were given up since the last quiet period."""
        self._joined: list[Interest] = []
        """Members of groups that were asked for since the last quiet period."""
        self._matches: dict[str, list[str]] = {}
        self.messages: list[Message] = []
        self._judged = 0
        self.deliveries = 0
        self.owed = 0
        """Deliveries that were owed, and found."""

    # --- subscriptions -----------------------------------------------------------

    def asked(self, member: Member, pattern: str, queue: str | None, now: float) -> Interest:
        """A session sent SUB."""
        member.interests += 1
        interest = Interest(member, member.interests, pattern, queue, now)
        if queue is not None:
            self._joined.append(interest)
        if pattern not in self._interests:
            self._interests[pattern] = {}
            self._matches.clear()
        self._interests[pattern][interest] = None
        return interest

    def given_up(self, interest: Interest, now: float) -> None:
        """A session sent UNSUB, got all it asked for, or ended."""
        if interest.ended == math.inf:
            interest.ended = now
            del self._interests[interest.pattern][interest]
            if interest.queue is not None:
                self._ghosts.append(interest)

    def limited(self, interest: Interest, limit: int, now: float) -> None:
        """A PONG told that a server knows the limit: what it had delivered by then, it had."""
        interest.limit = max(limit, len(interest.seen))
        if len(interest.seen) >= interest.limit:
            self.given_up(interest, now)

    @property
    def live(self) -> int:
        """How many subscriptions there are."""
        return sum(map(len, self._interests.values()))

    def live_interests(self) -> Iterable[Interest]:
        """All subscriptions that were not given up."""
        for interests in self._interests.values():
            yield from interests

    # --- publishing ----------------------------------------------------------------

    def published(self, member: Member, subject: str, reply: str | None, now: float) -> Message:
        """A session sent PUB; note to whom it is owed."""
        due: dict[Interest, None] = {}
        groups: dict[str, list[Interest]] = {}
        for pattern in self._patterns(subject):
            for interest in self._interests[pattern]:
                if interest.queue is not None:
                    groups.setdefault(interest.queue, []).append(interest)
                elif self._knows(member, interest, now):
                    due[interest] = None
        awake = {
            name: [one for one in members if not self._passed_over(one, member, now)]
            for name, members in groups.items()
        }
        owed = {name: members for name, members in awake.items() if self._serves(member, members, now)}
        message = Message(len(self.messages), member, subject, now, reply, member.interests, due, owed)
        for ghost in self._ghosts:
            if ghost.queue in owed and not self._gone(ghost, member, now) and covers(ghost.pattern, subject):
                message.leaving.setdefault(ghost.queue, []).append(ghost)
        self.messages.append(message)
        return message

    def _patterns(self, subject: str) -> list[str]:
        patterns = self._matches.get(subject)
        if patterns is None:
            patterns = [pattern for pattern in self._interests if covers(pattern, subject)]
            self._matches[subject] = patterns
        return patterns

    def _path(self, publisher: Member, receiver: Member) -> tuple[Host, ...]:
        if publisher.server is receiver.server:
            return publisher.client, publisher.server, receiver.client
        return publisher.client, publisher.server, receiver.server, receiver.client

    def _knows(self, publisher: Member, interest: Interest, now: float) -> bool:
        """Whether the publisher's server must know of the subscription, over a path that nothing touched."""
        receiver = interest.member
        if self._damage.since(*self._path(publisher, receiver)) < math.inf:
            return False
        if interest.placed or receiver.known_at.get(publisher.server, 0) >= interest.index:
            return True
        patience = 0.0 if publisher.server is receiver.server else GRACE
        return interest.confirmed + patience <= now

    def _serves(self, publisher: Member, members: list[Interest], now: float) -> bool:
        """Whether a member must be found: one is known, and none is behind a path that was touched."""
        return any(self._knows(publisher, member, now) for member in members) and all(
            self._damage.since(*self._path(publisher, member.member)) == math.inf for member in members
        )

    def _passed_over(self, interest: Interest, publisher: Member, now: float) -> bool:
        """Whether the publisher's server must know that the member's server does not answer."""
        server = interest.member.server
        return (
            self._damage.frozen_since(server) + GRACE <= now
            and self._damage.since(publisher.client, publisher.server) == math.inf
            and self._damage.since_pair(publisher.server, server) == math.inf
        )

    def _gone(self, ghost: Interest, publisher: Member, now: float) -> bool:
        """Whether the publisher's server must know that this one was given up."""
        clean = self._damage.since(*self._path(publisher, ghost.member)) == math.inf
        return ghost.ended + (GRACE if clean else FORGOTTEN) <= now

    # --- delivery --------------------------------------------------------------------

    def delivered(self, interest: Interest, number: int, now: float) -> Message:
        """A session got a message for a subscription: once, in order, and nobody else of its group."""
        message = self.messages[number]
        if number in interest.seen:
            raise Violation(f"at most once: {interest} got {message} twice")
        if not covers(interest.pattern, message.subject):
            raise Violation(f"wrong subject: {interest} got {message}")
        if interest.over:
            raise Violation(f"UNSUB: {interest} got {message} after its server had confirmed the UNSUB")
        publisher = message.member.number
        if interest.last.get(publisher, -1) > number and not self._may_overtake(interest):
            raise Violation(f"order: {interest} got {message} after message {interest.last[publisher]}")
        if interest.limit and len(interest.seen) >= interest.limit:
            raise Violation(f"UNSUB with max: {interest} got {message} beyond its limit {interest.limit}")
        if interest.queue is not None:
            other = message.served.setdefault(interest.queue, interest)
            if other is not interest:
                raise Violation(f"one member per group: {message} was served to {other} and to {interest}")
        if now - message.at > GRACE and self._was_due(message, interest):
            raise Violation(f"in time: {interest} got {message} {now - message.at:.3f} s late")
        interest.seen.add(number)
        interest.last[publisher] = number
        self.deliveries += 1
        if interest.limit and len(interest.seen) >= interest.limit:
            self.given_up(interest, now)
        known = message.member.known_at
        known[interest.member.server] = max(known.get(interest.member.server, 0), message.interests)
        return message

    # --- quiet periods -----------------------------------------------------------------

    def judge(self) -> None:
        """All has come to rest: what was owed must have arrived. Subscriptions are in place from now on."""
        for message in self.messages[self._judged :]:
            for interest in message.due:
                if self._owed(message, interest):
                    self.owed += 1
                    if message.number not in interest.seen:
                        raise Violation(f"exactly once: {interest} did not get {message} of {message.at:.6f}")
            for name, members in message.due_groups.items():
                members.extend(self._joined_later(message, name))
                if self._group_is_owed(message, members, message.leaving.get(name, [])):
                    self.owed += 1
                    if name not in message.served:
                        raise Violation(
                            f"exactly once: nobody of group {name} got {message} of {message.at:.6f}"
                        )
        self._judged = len(self.messages)
        self._ghosts.clear()
        self._joined.clear()
        for interest in self.live_interests():
            if interest.confirmed == math.inf:
                raise Violation(f"service: no PONG behind the SUB of {interest}")
            interest.placed = True

    def _may_overtake(self, interest: Interest) -> bool:
        """Whether messages may reach it by way of a server whose member has left, and others directly."""
        return interest.queue is not None and any(ghost.queue == interest.queue for ghost in self._ghosts)

    def _group_is_owed(self, message: Message, members: list[Interest], ghosts: list[Interest]) -> bool:
        """Whether a member must have got it: one stayed, and all who left did so in good order."""
        stayed = [member for member in members if self._owed(message, member)]
        leavers = ghosts + [member for member in members if not self._owed(message, member)]
        if not stayed or not all(self._left_cleanly(message, leaver, stayed) for leaver in leavers):
            return False
        homes = {member.member.server for member in stayed}
        return len({leaver.member.server for leaver in leavers} - homes) <= 1  # a message is sent on once

    def _left_cleanly(self, message: Message, leaver: Interest, stayed: list[Interest]) -> bool:
        """Whether it took all it was sent until its UNSUB was confirmed, and nothing came between."""
        if not leaver.over or (message.member.abrupt and message.member.ended <= message.at + GRACE):
            return False
        publisher, left = message.member, leaver.member
        ways = [self._path(publisher, left)]
        ways += [self._path(publisher, other.member) for other in stayed]
        ways += [(left.server, other.member.server, other.member.client) for other in stayed]
        return all(self._damage.since(*way) > message.at + GRACE for way in ways) and any(
            other.placed or other.confirmed + GRACE <= message.at for other in stayed
        )

    def _joined_later(self, message: Message, group: str) -> list[Interest]:
        """Members whose SUB may have overtaken the message on its way to the publisher's server."""
        return [
            member
            for member in self._joined
            if member.queue == group
            and message.at <= member.asked <= message.at + GRACE
            and covers(member.pattern, message.subject)
        ]

    def _was_due(self, message: Message, interest: Interest) -> bool:
        """Whether it, or any other of its group, should have had the message long ago."""
        if interest.queue is None:
            return interest in message.due and self._owed(message, interest)
        members = message.due_groups.get(interest.queue)
        return (
            members is not None
            and interest.queue not in message.leaving
            and all(self._owed(message, member) for member in members)
        )

    def _owed(self, message: Message, interest: Interest) -> bool:
        """Whether nothing that happened soon enough after the message excuses its loss."""
        publisher, receiver = message.member, interest.member
        excused = min(
            self._damage.since(*self._path(publisher, receiver)),
            interest.ended,
            receiver.ended,
            publisher.ended if publisher.abrupt else math.inf,
        )
        return excused > message.at + GRACE
