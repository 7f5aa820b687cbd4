"""Faults of one server, on command: the rules, the links that they concern, and recorded conversations."""

from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypedDict, Unpack

from ...domain.broker import Broker
from ...domain.protocol.commands import readable, shown
from ...domain.protocol.encode import NOTHING_PERSONAL
from ...domain.timers import Scheduler, Timer
from ...ports.layers import LinkSetup, Upper
from .arguments import check_chosen, check_effect
from .frames import Frame
from .layer import FaultLayer
from .rules import BOTH, IN, ON_MESSAGES, OUT, Count, FaultKind, Rule, Selector

KEPT_RULES = 100
"""Cleared rules that are kept, for the report of a failed test."""

KEPT_FRAMES = 60
"""Frames of each conversation that are kept."""

KEPT_CONVERSATIONS = 64
SHOWN_BYTES = 200
"""Of a payload in a conversation."""

Run = Callable[[Callable[[], None]], None]


class Chosen(TypedDict, total=False):
    """Which links and messages a rule concerns; see `Selector` and `Count`."""

    client: str
    cid: int
    user: str
    queue: str
    route: str
    direction: str
    on: int
    every: int
    times: int
    probability: float
    seed: int


class Effect(TypedDict, total=False):
    """What a rule does, in figures and words; see `Rule`."""

    seconds: float
    copies: int
    text: str
    server_id: Callable[[], str]


_COUNTS = ("on", "every", "times", "probability", "seed")


class Faults:
    """What happens to the traffic of a server. Without rules, nothing does. Implements `layer.Watcher`.

    Each method makes a `Rule`, which has `hits`, `clear` and `must_hit`. `client`, `cid`, `user`, `queue`
    and `route` choose links; a subject is a pattern. Of the messages that are chosen `on` hits the n-th,
    `every` each n-th, `times` a number of them at most, and `probability` a part, the same one for the
    same `seed`.
    """

    def __init__(self, *, record: bool = False) -> None:
        """`record` keeps the last frames of each link; see `conversation`."""
        self.rules: list[Rule] = []
        """Those that are active, and the last ones that were cleared."""
        self._latest: list[Rule] = []
        """Those that were active when the last one was made, and that."""
        self.run: Run = lambda work: work()
        """Calls what changes the server, in its thread."""
        self.is_watching = record
        self._record = record
        self._broker: Broker | None = None
        self._scheduler: Scheduler | None = None
        self._layers: dict[FaultLayer, None] = {}
        self._conversations: OrderedDict[int, deque[str]] = OrderedDict()
        self._timers: dict[Rule, Timer] = {}
        """The ends of stalls."""
        self._max_payload = 0
        """Of the server's configuration."""

    def bind(self, broker: Broker | None, scheduler: Scheduler | None) -> None:
        """This server starts; None when it has stopped. Rules that are active stay in effect."""
        self._broker = broker
        self._scheduler = scheduler
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        if broker is not None:
            self._conversations.clear()
            self._max_payload = broker.limits.max_payload
            if self._active(FaultKind.LIMIT):
                self._apply_limits()
            for rule in self._active(FaultKind.STALL):
                self._time(rule)

    def let_go(self) -> None:
        """The server is about to stop: hold nothing, so that links can end."""
        for layer in list(self._layers):
            layer.let_go()

    def layer(self, upper: Upper, setup: LinkSetup) -> Upper:
        """The layer of a new link: a `LayerFactory`."""
        return FaultLayer(upper, setup, self)

    # --- rules ------------------------------------------------------------------------

    def cut(self, subject: str = "", **chosen: Unpack[Chosen]) -> Rule:
        """Close the link when a message is hit, which is not handled."""
        return self._message_rule(FaultKind.CUT, subject, chosen)

    def drop(self, subject: str = "", **chosen: Unpack[Chosen]) -> Rule:
        """Lose messages."""
        return self._message_rule(FaultKind.DROP, subject, chosen)

    def delay(self, subject: str = "", *, seconds: float, **chosen: Unpack[Chosen]) -> Rule:
        """Hold messages for a time; what comes after them on their link waits too, so order is kept."""
        return self._message_rule(FaultKind.DELAY, subject, chosen, seconds=seconds)

    def duplicate(self, subject: str = "", *, copies: int = 1, **chosen: Unpack[Chosen]) -> Rule:
        """Handle messages again, `copies` times."""
        return self._message_rule(FaultKind.DUPLICATE, subject, chosen, copies=copies)

    def error(self, subject: str, text: str, **chosen: Unpack[Chosen]) -> Rule:
        """Answer messages that are published with ``-ERR`` and this text, and lose them."""
        return self._message_rule(FaultKind.ERROR, subject, chosen, text=text)

    def stall(self, *, seconds: float | None = None, **chosen: Unpack[Chosen]) -> Rule:
        """Stop reading from links (``in``), writing to them (``out``), or both by default.

        For `seconds`, or until it is cleared.
        """
        chosen.setdefault("direction", BOTH)
        rule = self._rule(FaultKind.STALL, "", chosen, **({} if seconds is None else {"seconds": seconds}))
        rule.on_clear = lambda: self._end_stall(rule)

        def begin() -> None:
            self._add(rule)
            self._time(rule)
            self._stalls_changed()

        self.run(begin)
        return rule

    def _time(self, stall: Rule) -> None:
        if stall.seconds and self._scheduler is not None:
            self._timers[stall] = self._scheduler.call_later(stall.seconds, stall.clear)

    def _end_stall(self, stall: Rule) -> None:
        timer = self._timers.pop(stall, None)
        if timer is not None:
            timer.cancel()
        self._stalls_changed()

    def refuse(self, *, reason: str = "Authorization Violation", **chosen: Unpack[Chosen]) -> Rule:
        """Refuse clients that connect, with ``-ERR`` and this reason."""
        rule = self._rule(FaultKind.REFUSE, "", chosen, text=reason)
        self.run(lambda: self._add(rule))
        return rule

    def limit(self, *, max_payload: int) -> Rule:
        """Lower the limit of the server for payloads. Of several limits the lowest counts."""
        rule = self._rule(FaultKind.LIMIT, "", {}, max_payload=max_payload)
        rule.on_clear = self._apply_limits

        def begin() -> None:
            self._check_live()
            self._add(rule)
            self._apply_limits()
            rule.hits += 1

        self.run(begin)
        return rule

    def _apply_limits(self) -> None:
        lowest = min([self._max_payload, *(rule.max_payload for rule in self._active(FaultKind.LIMIT))])
        if self._broker is not None:
            self._broker.apply(replace(self._broker.limits, max_payload=lowest))

    def lame_duck(self) -> Rule:
        """Say with INFO that the server is about to stop, to clients that take it, and let no more in."""
        rule = self._rule(FaultKind.LAME_DUCK, "", {})

        def begin() -> None:
            broker = self._check_live()
            self._add(rule)
            for session in broker.sessions.values():
                session.tell(replace(NOTHING_PERSONAL, ldm=True))
                rule.hits += 1
            broker.deferred.flush()

        self.run(begin)
        return rule

    def clear(self) -> None:
        """Clear all rules."""
        for rule in self.rules:
            rule.clear()

    def _message_rule(self, kind: FaultKind, subject: str, chosen: Chosen, **effect: Unpack[Effect]) -> Rule:
        rule = self._rule(kind, subject, chosen, **effect)
        self.run(lambda: self._add(rule))
        return rule

    def _rule(self, kind: FaultKind, subject: str, chosen: Chosen, **effect: Any) -> Rule:  # noqa: ANN401 - see Effect
        """Raises `ValueError` and `TypeError` for what cannot be chosen."""
        given: dict[str, Any] = dict(chosen)
        check_chosen(kind, subject, given)
        check_effect(kind, effect)
        counts = {name: given.pop(name) for name in _COUNTS if name in given}
        if "queue" in given:
            given["direction"] = OUT
        selector = Selector(subject=subject, **given)
        return Rule(kind, selector, Count(**counts), run=self.run, **effect)

    def _active(self, kind: FaultKind) -> list[Rule]:
        return [rule for rule in self._latest if rule.is_about((kind,))]

    def _add(self, rule: Rule) -> None:
        active = [other for other in self._latest if other.is_active]
        self._latest = [*active, rule]
        cleared = [other for other in self.rules if not other.is_active]
        del cleared[:-KEPT_RULES]
        self.rules = [other for other in self.rules if other.is_active or other in cleared]
        self.rules.append(rule)
        self._watch()

    def _watch(self) -> None:
        if not self.is_watching:
            self.is_watching = True
            for layer in list(self._layers):
                layer.watch()

    def _check_live(self) -> Broker:
        if self._broker is None:
            raise RuntimeError("the server does not run")
        return self._broker

    # --- partitions ---------------------------------------------------------------------

    def block(self, server_id: Callable[[], str], name: str = "") -> Rule:
        """Have no route to a server: end the one that is there, and each new one.

        `server_id` is asked again for each route, because a start makes a new id; `name` is shown.
        """
        return self._route_rule(FaultKind.PARTITION, server_id, name)

    def mute(self, server_id: Callable[[], str], name: str = "") -> Rule:
        """Lose what is sent to a server; the parameters are those of `block`.

        When it is cleared the route is ended, so that a new one begins with what is true.
        """
        rule = self._route_rule(FaultKind.ONE_WAY, server_id, name)

        def end() -> None:
            for layer in list(self._layers):
                if layer.muted_by is rule:
                    layer.cut()

        rule.on_clear = end
        return rule

    def _route_rule(self, kind: FaultKind, server_id: Callable[[], str], name: str) -> Rule:
        rule = self._rule(kind, "", {"route": name}, server_id=server_id)

        def begin() -> None:
            self._add(rule)
            for layer in list(self._layers):
                self.find(layer)
                self._judge_route(layer)

        self.run(begin)
        return rule

    def heal(self) -> None:
        """End all partitions and one-way links of this server."""
        for rule in [*self._active(FaultKind.PARTITION), *self._active(FaultKind.ONE_WAY)]:
            rule.clear()

    def _judge_route(self, layer: FaultLayer) -> None:
        if not layer.is_route or not layer.server_id:
            return
        for rule in self._active(FaultKind.PARTITION):
            if rule.server_id() == layer.server_id:
                rule.hits += 1
                self._later(layer.cut)
        muting = [rule for rule in self._active(FaultKind.ONE_WAY) if rule.server_id() == layer.server_id]
        layer.muted_by = muting[0] if muting else layer.muted_by

    def _later(self, work: Callable[[], None]) -> None:
        if self._scheduler is not None:
            self._scheduler.call_soon(work)

    # --- asked by the layers --------------------------------------------------------------

    def joined(self, layer: FaultLayer) -> None:
        """See `Watcher`."""
        self._layers[layer] = None
        if self._active(FaultKind.LAME_DUCK):
            self._later(lambda: self._turn_away(layer))

    def _turn_away(self, layer: FaultLayer) -> None:
        if layer in self._layers and layer.link is not None and layer.link.kind != "rid":
            layer.cut()

    def left(self, layer: FaultLayer) -> None:
        """See `Watcher`."""
        self._layers.pop(layer, None)

    def find(self, layer: FaultLayer) -> None:
        """See `Watcher`."""
        link, broker = layer.link, self._broker
        if link is None or broker is None:
            return
        layer.cid, layer.is_route = link.number, link.kind == "rid"
        if layer.is_route:
            self._find_route(layer, broker)
            return
        session = broker.sessions.get(layer.cid)
        if session is None:
            return
        layer.name = session.profile.name or layer.name
        layer.user = session.profile.user or layer.user

    def queue_of(self, layer: FaultLayer, sid: bytes) -> str:
        """See `Watcher`."""
        session = self._broker.sessions.get(layer.cid) if self._broker is not None else None
        found = session.subscriptions.get(sid) if session is not None else None
        return (found.queue or b"").decode(errors="replace") if found is not None else ""

    def unprocessed(self, layer: FaultLayer) -> bytes:
        """See `Watcher`."""
        link, broker = layer.link, self._broker
        connection = broker.connections.get(link.number) if link is not None and broker is not None else None
        return b"" if connection is None else connection.unprocessed()

    @property
    def max_payload(self) -> int:
        """See `Watcher`."""
        return self._broker.limits.max_payload if self._broker is not None else self._max_payload

    def _find_route(self, layer: FaultLayer, broker: Broker) -> None:
        remotes = broker.cluster.remotes if broker.cluster is not None else {}
        for remote_id, session in remotes.items():
            if session.connection.cid == layer.cid:
                layer.server_id, layer.name = remote_id, session.name or layer.name

    def known(self, layer: FaultLayer) -> None:
        """See `Watcher`."""
        link = layer.link
        if link is not None:
            layer.cid, layer.is_route = link.number, link.kind == "rid"
        if layer.is_route:
            self._judge_route(layer)
        self._apply_stalls(layer)

    def judge(self, layer: FaultLayer, direction: str, frame: Frame) -> list[Rule]:
        """See `Watcher`."""
        if frame.verb == b"CONNECT":
            return [
                rule for rule in self._latest if rule.kind is FaultKind.REFUSE and self._refuses(rule, layer)
            ]
        if not self._latest or not frame.is_message:
            return []
        if not layer.name:
            self.find(layer)
        return [
            rule
            for rule in self._latest
            if rule.is_about(ON_MESSAGES) and rule.selector.takes(layer, direction, frame) and rule.strikes()
        ]

    @staticmethod
    def _refuses(rule: Rule, layer: FaultLayer) -> bool:
        return rule.is_active and rule.selector.takes_link(layer) and rule.strikes()

    def _stalls_changed(self) -> None:
        for layer in list(self._layers):
            self.find(layer)
            self._apply_stalls(layer)

    def _apply_stalls(self, layer: FaultLayer) -> None:
        hit = {rule for rule in self._active(FaultKind.STALL) if rule.selector.takes_link(layer)}
        for rule in hit - layer.stalled_by:
            rule.hits += 1
        layer.stalled_by = hit
        for direction in (IN, OUT):
            layer.stall(direction, stalled=any(rule.selector.direction in (direction, BOTH) for rule in hit))

    # --- recorded conversations -------------------------------------------------------------

    def seen(self, layer: FaultLayer, direction: str, frame: Frame) -> None:
        """See `Watcher`."""
        if not self._record or (link := layer.link) is None:
            return
        lines = self._conversations.get(link.number)
        if lines is None:
            lines = self._conversations[link.number] = deque(maxlen=KEPT_FRAMES)
            if len(self._conversations) > KEPT_CONVERSATIONS:
                self._conversations.popitem(last=False)
        lines.append(f"{'-->' if direction == IN else '<--'} {_shown(frame)}")

    def conversation(self, number: int) -> list[str]:
        """The last frames of a link by its cid or rid, oldest first: ``-->`` from the peer, ``<--`` to it.

        Empty unless the server records. Secrets are left out.
        """
        return list(self._conversations.get(number, ()))

    @property
    def conversations(self) -> dict[int, list[str]]:
        """All that are kept, by number."""
        return {number: list(lines) for number, lines in list(self._conversations.items())}


def _shown(frame: Frame) -> str:
    line, _, payload = frame.raw.partition(b"\n")
    words = line.split(maxsplit=1)
    text = shown(frame.verb, words[1].strip()) if len(words) > 1 else readable(line.strip().upper())
    if not frame.is_message:
        return text
    content = payload.removesuffix(b"\r\n")
    more = "" if len(content) <= SHOWN_BYTES else f" … {len(content)} bytes"
    return f"{text} {readable(content[:SHOWN_BYTES])!r}{more}"
