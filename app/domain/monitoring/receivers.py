"""Receivers: who gets a message that is published on a subject, as the index has it now.

Found in steps, see `view`. What comes or goes meanwhile is found or not.
"""

from collections.abc import Generator
from dataclasses import dataclass, field

from ..broker import Broker
from ..interest.index import Part
from ..interest.subscription import LOCAL, Subscription
from ..permissions.rule_set import Filter
from ..sessions.peer import PeerSession
from ..steps import ROW_WORK, Step, Steps
from ..subjects.subject import matches, tokens_of


@dataclass(frozen=True, slots=True)
class ReceivingSubscription:
    """A subscription of a client of this server; `queue` is empty outside of queue groups."""

    subject: str
    queue: str
    cid: int
    name: str
    """The name in the client's CONNECT."""


@dataclass(frozen=True, slots=True)
class ReceivingGroup:
    """A queue group, of which one member gets the message."""

    queue: str
    members: int
    """Subscriptions of clients of this server."""
    routes: tuple[int, ...]
    """Numbers of the routes to servers that have members, too."""


@dataclass(frozen=True, slots=True)
class ReceivingRoute:
    """A server that has receivers among its clients."""

    rid: int
    remote_id: str
    name: str
    """The name of the server."""


@dataclass(frozen=True, slots=True)
class Receivers:
    """All of them, as far as the limit goes."""

    total: int
    """Subscriptions here, members of queue groups among them."""
    subscriptions: tuple[ReceivingSubscription, ...]
    total_groups: int
    groups: tuple[ReceivingGroup, ...]
    routes: tuple[ReceivingRoute, ...]


def receivers(broker: Broker, subject: bytes, limit: int, skipped: int = 0) -> Steps[Receivers]:
    """Who gets a message on this subject.

    At most `limit` subscriptions and queue groups are listed, and all are counted.
    `skipped` is the number of a publisher that gets none of its own messages.
    """
    return _Collector(broker, subject, limit, skipped).collect()


@dataclass(slots=True)
class _Group:
    members: int = 0
    routes: dict[int, None] = field(default_factory=dict)


class _Collector:
    """One search."""

    def __init__(self, broker: Broker, subject: bytes, limit: int, skipped: int) -> None:
        self._broker = broker
        self._subject = subject
        self._limit = limit
        self._skipped = skipped
        self._verdicts: dict[Filter, bool] = {}
        self._plain = 0
        self._rows: list[ReceivingSubscription] = []
        self._groups: dict[bytes, _Group] = {}
        self._routes: dict[int, None] = {}
        self._step = Step()

    def collect(self) -> Steps[Receivers]:
        """All steps."""
        search = self._broker.interest.search(self._subject)
        while (match := search.go_on()) is None:
            yield
        for node in match.ends:
            for one in node.plain_subscriptions():
                self._add_plain(one)
                if self._step.is_over_after(2):
                    yield
            for queue, group in list((node.groups or {}).items()):
                for part in list(group.values()):
                    self._add_part(queue, part)
                    if self._step.is_over_after(2):
                        yield
        yield from self._add_members()
        return self._answer()

    def _is_for(self, rule: Filter | None) -> bool:
        """Whether a filter lets the message pass."""
        if rule is None:
            return True
        dropped = self._verdicts.get(rule)
        if dropped is None:
            dropped = self._verdicts[rule] = rule.drops(self._subject)
        return not dropped

    def _is_receiver(self, one: Subscription) -> bool:
        subscriber = one.subscriber
        return self._is_for(one.filter) and not subscriber.is_closed and subscriber.number != self._skipped

    def _add_plain(self, one: Subscription) -> None:
        if not self._is_receiver(one):
            return
        if one.subscriber.origin != LOCAL:
            self._routes[one.subscriber.origin] = None
            return
        self._plain += 1
        self._add_row(one, self._broker.session_of(one.subscriber.number))

    def _add_row(self, one: Subscription, session: PeerSession | None) -> None:
        if len(self._rows) < self._limit:
            name = session.name if session is not None else ""
            subject, queue = _text(one.subject), _text(one.queue or b"")
            self._rows.append(ReceivingSubscription(subject, queue, one.subscriber.number, name))

    def _add_part(self, queue: bytes, part: Part) -> None:
        if not self._is_for(part.filter):
            return
        group = self._groups.setdefault(queue, _Group())
        if part.origin != LOCAL:
            group.routes[part.origin] = self._routes[part.origin] = None

    def _add_members(self) -> Steps[None]:
        """Count and list the local members of the groups; the index has them as numbers alone."""
        if not self._groups:
            return
        asked = tokens_of(self._subject)
        for session in self._broker.sessions_of_clients():
            if self._step.is_over_after(1):
                yield
            for one in list(session.subscriptions.values()):
                if self._step.is_over_after(1):
                    yield
                group = self._groups.get(one.queue) if one.queue is not None else None
                if group is not None and self._is_receiver(one) and matches(tokens_of(one.subject), asked):
                    group.members += 1
                    self._add_row(one, session)
                    if self._step.is_over_after(ROW_WORK):
                        yield

    def _answer(self) -> Receivers:
        groups = {name: group for name, group in self._groups.items() if group.members or group.routes}
        listed = [
            ReceivingGroup(_text(name), group.members, tuple(group.routes))
            for name, group in list(groups.items())[: self._limit]
        ]
        total = self._plain + sum(group.members for group in groups.values())
        return Receivers(total, tuple(self._rows), len(groups), tuple(listed), tuple(self._known_routes()))

    def _known_routes(self) -> Generator[ReceivingRoute, None, None]:
        """Those that have not ended meanwhile."""
        cluster = self._broker.cluster
        for number in self._routes:
            route = cluster.routes.get(number) if cluster is not None else None
            if route is not None:
                yield ReceivingRoute(number, route.remote_id, route.name)


def _text(data: bytes) -> str:
    """As in `view`."""
    return data.decode("utf-8", "replace")
