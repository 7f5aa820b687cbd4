"""Routing: makes the plan of a message from the subscriptions that cover its subject.

All plain subscriptions get the message, then one member of each queue group,
drawn by the data plane for each message. A publisher is a receiver like any other.

In a cluster (cluster-protocol.md, section 6) another server gets a message once,
however many plain subscriptions it announced, and finds out by itself who they are.
The members of a queue group are drawn from all servers that answer. What came over
a route goes to local clients only: to all plain ones, or to the one member that the
other server has drawn.

A decision may have to examine very much: subscriptions with wildcards in all
combinations, or a hundred thousand receivers. So it is made in steps, and goes on in
the next turn when the time of this one is used up.
"""

from collections.abc import Callable, Generator, Iterable, Sequence
from typing import Final

from ..dataplane.constants import FAR_MEMBER, NOT_FOR
from ..dataplane.joining import is_number, link_of, read_groups
from ..dataplane.reach import RENAMED_AUDIENCE, SERVER_AUDIENCE
from ..dataplane.reserved import USER_INFO
from ..dataplane.seam import NOT_KEPT, Decision, Group, Hook, Plan, Plane, Search, Target
from ..hooks.patterns import HookPatterns
from ..permissions.profiles import Profiles
from ..permissions.rule_set import Filter
from ..protocol.compatibility import Compatibility
from ..protocol.errors import InvalidPublishSubject
from ..subjects import trie
from ..subjects.subject import is_literal, tokens_of
from .failover import Failover, unmarked
from .index import IndexMatch, IndexNode, Part, QueueGroup, SubscriptionIndex
from .message_source import ROUTED, Followers, MessageSource, PlainReceivers, read_not_for
from .subscription import LOCAL, Subscription, member_sid

RECEIVERS_PER_STEP = 256
"""Subscriptions, nodes or queue groups that are examined in one step."""


class Audience:
    """What distinguishes publishers that get different plans for one subject; plain numbers, for speed."""

    LENIENT: Final = 0
    PEDANTIC: Final = 1
    """Subjects with wildcards or empty tokens are refused."""
    ROUTED: Final = 2
    """Other servers: only local plain subscriptions get the message."""
    PASSED: Final = SERVER_AUDIENCE
    """Messages of clients that have gone past the publish hooks."""
    RENAMED: Final = RENAMED_AUDIENCE
    """Messages of the server itself that name another subject: other servers are named each receiver."""
    PROFILE: Final = 5
    """Added for each `Profiles` number: one of the above, for clients with these rights.

    Negative numbers are those of leaf links, see `Routing.links`.
    """


SHARED_PLACES = 512 * 1024
"""References that plans remembered for sharing, and their keys, may hold: some megabytes.
More are made again, which costs only memory."""

PLAN_PLACES = 32
"""What a plan costs beside its references, in as many of these."""

FindMember = Callable[[bytes], Subscription | None]
"""The local subscription that other servers know by this sid, if there is one."""

FindLine = Callable[[int, list[bytes]], Target | None]

_OF_SERVERS = USER_INFO[: USER_INFO.index(b".") + 1]

MOST_WITHOUT = 256
"""Plans that are remembered for messages of routes that are not for all; see `constants.NOT_FOR`."""

_Key = tuple[MessageSource | None, bool, Hook, tuple[IndexNode, ...]]
_Search = trie.Search[Subscription, QueueGroup]
_Steps = Generator[None, None, Decision]


class _Pending:
    """A decision in the making. Implements `seam.Search`."""

    __slots__ = ("_plane", "_steps")

    def __init__(self, plane: Plane, steps: _Steps) -> None:
        self._plane = plane
        self._steps = steps

    def go_on(self) -> Decision | None:
        """At least one step."""
        try:
            while True:
                next(self._steps)
                if self._plane.is_over():
                    return None
        except StopIteration as end:
            decision: Decision = end.value
            return decision


class Routing:
    """Makes plans. Subjects with the same receivers share one."""

    def __init__(
        self,
        index: SubscriptionIndex,
        find_member: FindMember = lambda _sid: None,
        failover: Failover | None = None,
        *,
        compatibility: Compatibility = Compatibility.GNATSD,
    ) -> None:
        """`compatibility` selects the texts of refusals."""
        self._index = index
        self._find_member = find_member
        self.failover = failover or Failover(index)
        self._made: dict[_Key, Plan] = {}
        self._places = 0
        self._version = 0
        """Grows when receivers change."""
        self._failover_version = 0
        """The same, when it was last asked for a failover."""
        self._compatibility = compatibility
        self._refusal: Plan | None = None
        self._denials: dict[bytes, Plan] = {}
        """By the refusal that comes before."""
        self.hooks: HookPatterns | None = None
        """Which messages hooks see."""
        self._to_hooks: Plan | None = None
        self._answers = compatibility is Compatibility.CURRENT
        self.followers: Followers = lambda _subscription: ()
        self.profiles = Profiles()
        """The rights of publishers."""
        self.links: dict[int, MessageSource] = {}
        """Leaf links, by the audience that is theirs: their number, negative."""
        self._without: dict[tuple[bytes, bytes], Plan] = {}
        self.find_line: FindLine = lambda _number, _names: None
        """Finds a leaf link by its number, as the place for messages to these queue groups there."""
        self.suspected: set[int] = set()
        """Origins whose servers do not answer."""
        self.matches = 0
        """Searches of the index, ever."""

    def plan(self, plane: Plane, audience: int, subject: bytes) -> Decision | Search:
        """Decide who gets a message on this subject from such a publisher, and whether it may publish it."""
        if audience < 0:
            return self._plan_for_link(plane, self.links.get(audience), subject)
        if audience <= Audience.PEDANTIC and self.hooks is None and subject != USER_INFO:
            lone = self._index.lone(subject)
            if lone is not None and lone.filter is None and lone.subscriber.origin == LOCAL:
                self.matches += 1
                return plane.plan((lone.target,), ()), subject.count(b".") + 1
        profile, audience = divmod(audience, Audience.PROFILE)
        if not profile:
            return self._plan(plane, audience, subject, 0)
        allowed, decisive = self.profiles.verdict(profile, subject)
        if allowed:
            return self._plan(plane, audience, subject, decisive)
        malformed = audience == Audience.PEDANTIC and not is_literal(subject)
        refusal = InvalidPublishSubject().wire(self._compatibility) if malformed else b""
        return self._denial(plane, refusal), NOT_KEPT if decisive is None else decisive

    def _plan_for_link(self, plane: Plane, link: MessageSource | None, subject: bytes) -> Decision | Search:
        """Decide who gets a message of a leaf link; if it is closed, no subscription does."""
        if link is None:
            return self._denial(plane, b""), NOT_KEPT
        allowed, decisive = link.rules.permits(subject) if link.rules is not None else (True, 0)
        if not allowed:
            return self._denial(plane, b""), NOT_KEPT if decisive is None else decisive
        return self._plan(plane, Audience.PASSED, subject, decisive, link)

    def _denial(self, plane: Plane, refusal: bytes) -> Plan:
        """A plan that denies; what the publisher gets first is the same for all."""
        plan = self._denials.get(refusal)
        if plan is None:
            plan = self._denials[refusal] = plane.plan((), (), refusal, denied=True)
        return plan

    def _plan(
        self,
        plane: Plane,
        audience: int,
        subject: bytes,
        least: int | None,
        source: MessageSource | None = None,
    ) -> Decision | Search:
        """Decide who gets it. `least` leading tokens allowed it; None: this message alone is allowed."""
        if audience == Audience.PEDANTIC and not is_literal(subject):
            if self._refusal is None:
                self._refusal = plane.plan((), (), InvalidPublishSubject().wire(self._compatibility))
            return self._refusal, _depth(subject.count(b".") + 1, least)
        hook = Hook.NONE
        if audience == Audience.ROUTED:
            source = ROUTED
        if self.hooks is not None:
            is_new = audience in (Audience.LENIENT, Audience.PEDANTIC)
            hook, decisive = self.hooks.stage(subject, is_new=is_new)
            least = None if least is None else max(least, decisive)
            if hook is Hook.PUBLISH:
                return self._for_publish_hooks(plane), _depth(decisive, least)
        if self._answers and source is None:
            is_asked, decisive = _asks_server(subject)
            hook = Hook.ANSWER if is_asked and audience != Audience.RENAMED else hook
            least = None if least is None else max(least, decisive)
        self.matches += 1
        message = _Undecided(subject, least, source, hook)
        if audience == Audience.RENAMED:
            message.followers = self.followers
        return self._search(plane, message)

    def _for_publish_hooks(self, plane: Plane) -> Plan:
        if self._to_hooks is None:
            self._to_hooks = plane.plan((), (), hook=Hook.PUBLISH)
        return self._to_hooks

    def _search(self, plane: Plane, message: "_Undecided") -> Decision | Search:
        """Look for the receivers."""
        search = self._index.search(message.subject)
        match = search.go_on()
        if match is not None:
            plan = self._made.get(message.key(match.ends))
            if plan is None:
                plan = self._make_at_once(plane, match.ends, message)
            if plan is not None:
                return plan, message.depth(match.decisive)
        pending = _Pending(plane, self._decide(plane, search, match, message))
        return pending.go_on() or pending

    def _make_at_once(self, plane: Plane, nodes: tuple[IndexNode, ...], message: "_Undecided") -> Plan | None:
        """A plan for the one subscription at each node; None if something else is there, or much."""
        subscriptions = []
        for node in nodes:
            if node.groups is not None or isinstance(node.plain, dict):
                return None
            if node.plain is not None:
                if node.plain.filter is not None:
                    return None
                subscriptions.append(node.plain)
        if len(subscriptions) > RECEIVERS_PER_STEP:
            return None
        chosen = PlainReceivers(message.source, message.followers)
        chosen.add(subscriptions)
        targets = chosen.finish()
        plan = message.plan(plane, targets, ())
        self._share(message.key(nodes), plan, len(targets))
        return plan

    def _decide(
        self, plane: Plane, search: _Search, match: IndexMatch | None, message: "_Undecided"
    ) -> _Steps:
        """Search on, unless the match is known, and find the plan for it."""
        version = self._version
        while match is None:
            yield
            match = search.go_on()
        key = message.key(match.ends)
        plan = self._made.get(key) if version == self._version else None
        if plan is None:
            plan, places = yield from self._make(plane, match.ends, message)
            if version == self._version and not message.filtered:
                self._share(key, plan, places)
        return plan, message.depth(match.decisive) if version == self._version else NOT_KEPT

    def _share(self, key: _Key, plan: Plan, places: int) -> None:
        self._places += places + len(key[-1]) + PLAN_PLACES
        if self._places > SHARED_PLACES:
            self.forget_shared()
        else:
            self._made[key] = plan

    def _make(
        self, plane: Plane, nodes: tuple[IndexNode, ...], message: "_Undecided"
    ) -> Generator[None, None, tuple[Plan, int]]:
        """A plan for those at the nodes, and how many references it holds."""
        chosen = PlainReceivers(message.source, message.followers)
        groups: dict[bytes, list[QueueGroup]] = {}
        steps = 0
        for node in nodes:
            receivers = node.plain_subscriptions()
            chosen.add(message.undropped(receivers[:RECEIVERS_PER_STEP]))
            for start in range(RECEIVERS_PER_STEP, len(receivers), RECEIVERS_PER_STEP):
                yield
                chosen.add(message.undropped(receivers[start : start + RECEIVERS_PER_STEP]))
            if node.groups is not None and message.has_groups:
                steps += len(node.groups)
                for queue, group in node.groups.items():
                    groups.setdefault(queue, []).append(group)
            steps += 1
            if steps >= RECEIVERS_PER_STEP:
                steps = 0
                yield
        parts: list[list[Group]] = []
        for named in groups.values():
            members = self._parts(named, message)
            if members:
                parts.append(members)
            if len(parts) % RECEIVERS_PER_STEP == 0:
                yield
        plain = chosen.finish()
        return message.plan(plane, plain, parts), len(plain) + sum(map(len, parts))

    def _parts(self, groups: Iterable[QueueGroup], message: "_Undecided") -> list[Group]:
        """The members, without those that will not hear of it; all, where that leaves nobody.

        None of those whose filter drops the message. Those at the ends of leaf links are the last: they
        are drawn from where nobody of this cluster is left.
        """
        eligible = [part for group in groups for part in group.values() if message.serves_part(part)]
        eligible.sort(key=_is_far)
        parts = [(part.origin, part.members) for part in eligible]
        answering = [members for origin, members in parts if origin not in self.suspected]
        return answering or [members for _, members in parts]

    def member(self, plane: Plane, sid: bytes) -> Plan | None:
        """Only the subscription gets the message that another server has chosen.

        A plain one is named where the message has another subject than it subscribes to; which one is
        not known here, so one with rules gets nothing.
        """
        if unmarked(sid) is not sid or sid.startswith(NOT_FOR) or read_groups(sid) is not None:
            return None
        if self.failover.is_left(sid):
            return None
        subscription = self._find_member(sid)
        if sid.startswith(FAR_MEMBER) and (subscription is None or sid != member_sid(subscription)):
            return None
        if subscription is not None and self._depends_on_subject(subscription):
            return None if subscription.queue is not None else plane.plan((), ())
        return plane.plan((), ()) if subscription is None else plane.plan((subscription.target,), ())

    def _depends_on_subject(self, member: Subscription) -> bool:
        """Whether its filter, or a hook, has to see the subject of each message."""
        if member.filter is not None:
            return True
        return self.hooks is not None and self.hooks.delivers_on(tokens_of(member.subject))

    def plan_failover(self, plane: Plane, sid: bytes, subject: bytes) -> Plan:
        """The member may have left: then another one of its group gets the message."""
        if self._failover_version != self._version:
            self._failover_version = self._version
            self.failover.forget()
            self._without.clear()
        if sid.startswith(NOT_FOR):
            return self._plan_without(plane, sid, subject)
        groups = read_groups(sid)
        if groups is not None:
            return self._plan_line(plane, sid, groups, subject)
        member = self._find_member(unmarked(sid))
        plan = self.failover.plan(plane, sid, subject, member, self.suspected)
        if member is None and sid.startswith(FAR_MEMBER):
            plan = self._plan_without_member(plane, sid, subject, plan)
        if self.hooks is not None and self.hooks.stage(subject, is_new=False)[0] is Hook.DELIVER:
            return plane.plan(plane.receivers(plan, None), (), hook=Hook.DELIVER)
        return plan

    def _plan_line(self, plane: Plane, sid: bytes, groups: tuple[int, list[bytes]], subject: bytes) -> Plan:
        """A message for several queue groups at one of our links; another member for one that has left."""
        plan = self._without.get((sid, subject))
        if plan is not None:
            return plan
        number, names = groups
        known = self._index.queues_at(number, subject)
        missing = [name for name in names if name not in known]
        target = self.find_line(number, [name for name in names if name in known])
        if len(missing) == len(names):
            plain = self._index.plain_at(number, subject)
            target = plain.target if plain is not None else None
        targets = () if target is None else (target,)
        if not missing:
            self._remember(sid, subject, plan := plane.plan(targets, ()))
            return plan
        plans = (self.failover.plan_for_group(plane, name, subject, self.suspected) for name in missing)
        substitutes = [each for plan in plans for each in plane.receivers(plan, None)]
        return plane.plan([*targets, *substitutes], ())

    def _remember(self, sid: bytes, subject: bytes, plan: Plan) -> None:
        """Keep a plan for messages of routes that are for some only."""
        if len(self._without) >= MOST_WITHOUT:
            self._without.clear()
        self._without[sid, subject] = plan

    def _plan_without_member(self, plane: Plane, sid: bytes, subject: bytes, plan: Plan) -> Plan:
        """A member at one of our links has left; this message is for the plain subscriptions there, too.

        The server that has sent it leaves the link out of those for all plain subscriptions.
        """
        number = link_of(sid)
        plain = self._index.plain_at(int(number), subject) if is_number(number) else None
        return plan if plain is None else plane.plan([plain.target, *plane.receivers(plan, None)], ())

    def _plan_without(self, plane: Plane, sid: bytes, subject: bytes) -> Plan:
        """Who gets a message of another server of this cluster that is not for some leaf nodes."""
        plan = self._without.get((sid, subject))
        if plan is None:
            message = _Undecided(subject, None, read_not_for(sid), Hook.NONE)
            if self.hooks is not None:
                message.hook = self.hooks.stage(subject, is_new=False)[0]
            answer = self._search(plane, message)
            while not isinstance(answer, tuple):
                answer = answer.go_on() or answer
            plan = answer[0]
            self._remember(sid, subject, plan)
        return plan

    def forget(self) -> None:
        """Receivers changed: share no plan with the time before."""
        self._version += 1
        if self._made:
            self.forget_shared()

    def forget_shared(self) -> None:
        """Share no plan with what comes."""
        self._made.clear()
        self._places = 0


class _Undecided:
    """The message that a decision is for, as far as it matters."""

    __slots__ = ("_least", "_verdicts", "followers", "hook", "source", "subject")

    def __init__(self, subject: bytes, least: int | None, source: MessageSource | None, hook: Hook) -> None:
        self.source = source
        """What it came over; None for a message of this server's clients."""
        self.followers: Followers | None = None
        """Set if other servers of the cluster are named each receiver."""
        self.hook = hook
        self.subject = subject
        self._least = least
        """Leading tokens that decided, besides those of the index; None: all is for this message alone."""
        self._verdicts: dict[Filter, bool] = {}

    def key(self, nodes: tuple[IndexNode, ...]) -> _Key:
        """What a plan for it may be shared by."""
        return self.source, self.followers is not None, self.hook, nodes

    @property
    def filtered(self) -> bool:
        """Whether a filter was asked: others at the same nodes may find another verdict."""
        return bool(self._verdicts)

    @property
    def has_groups(self) -> bool:
        """Whether queue groups are drawn for here: servers of the cluster have drawn already."""
        return self.source is None or self.source.is_leaf

    def serves_part(self, part: Part) -> bool:
        """Whether these members may get it."""
        if self.source is not None and not self.source.serves_part(part):
            return False
        return part.filter is None or not self.dropped(part.filter)

    def undropped(self, subscriptions: Sequence[Subscription]) -> Iterable[Subscription]:
        """Those whose filter lets it pass."""
        return [one for one in subscriptions if one.filter is None or not self.dropped(one.filter)]

    def dropped(self, rule: Filter) -> bool:
        """Whether a filter drops it."""
        dropped = self._verdicts.get(rule)
        if dropped is None:
            dropped, decisive = rule.verdict(self.subject)
            self._verdicts[rule] = dropped
            if self._least is not None:
                self._least = max(self._least, decisive)
        return dropped

    def plan(self, plane: Plane, plain: Sequence[Target], groups: Sequence[Sequence[Group]]) -> Plan:
        """A plan for these receivers; where there are none, hooks have nothing to see."""
        is_seen = plain or groups or self.hook is Hook.ANSWER
        return plane.plan(plain, groups, hook=self.hook if is_seen else Hook.NONE)

    def depth(self, decisive: int) -> int:
        """How many leading tokens decided, where the index says `decisive`."""
        return _depth(decisive, self._least)


def _asks_server(subject: bytes) -> tuple[bool, int]:
    """Whether the server answers what is published there, and how many leading tokens decided."""
    if not subject.startswith(_OF_SERVERS):
        return False, 1
    return subject == USER_INFO, min(subject.count(b"."), USER_INFO.count(b".")) + 1


def _depth(decisive: int, least: int | None) -> int:
    """How many leading tokens decided, in the index and before that."""
    return NOT_KEPT if least is None else max(decisive, least)


def _is_far(part: Part) -> bool:
    return part.via is not None
