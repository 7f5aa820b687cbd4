"""Faults of one server, on command: the rules, the links that they concern, and recorded conversations."""

from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypedDict, Unpack

from ...domain.broker import Broker
from ...domain.protocol.commands import readable, shown
from ...domain.protocol.encode import NOTHING_PERSONAL
from ...domain.subjects.subject import is_pattern, tokens_of
from ...domain.timers import Scheduler
from ...ports.layers import LinkSetup, Upper
from .frames import Frame
from .layer import FaultLayer
from .rules import BOTH, IN, OUT, Count, FaultKind, Rule, Selector

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
        """All that were made, active or not."""
        self.run: Run = lambda work: work()
        """Calls what changes the server, in its thread."""
        self.is_watching = record
        self._record = record
        self._broker: Broker | None = None
        self._scheduler: Scheduler | None = None
        self._layers: dict[FaultLayer, None] = {}
        self._conversations: OrderedDict[int, deque[str]] = OrderedDict()
        self._blocked: set[str] = set()
        self._muted: set[str] = set()
        self._is_lame = False

    def bind(self, broker: Broker | None, scheduler: Scheduler | None) -> None:
        """This server has started; None when it has stopped."""
        self._broker = broker
        self._scheduler = scheduler

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
        rule = self._rule(FaultKind.STALL, "", chosen)

        def begin() -> None:
            self._add(rule)
            rule.on_clear = self._stalls_changed
            self._stalls_changed()
            if seconds is not None and self._scheduler is not None:
                self._scheduler.call_later(seconds, rule.clear)

        self.run(begin)
        return rule

    def refuse(self, *, reason: str = "Authorization Violation", **chosen: Unpack[Chosen]) -> Rule:
        """Refuse clients that connect, with ``-ERR`` and this reason."""
        rule = self._rule(FaultKind.REFUSE, "", chosen, text=reason)
        self.run(lambda: self._add(rule))
        return rule

    def limit(self, *, max_payload: int) -> Rule:
        """Lower the limit of the server for payloads."""
        rule = self._rule(FaultKind.SERVER, "", {})

        def begin() -> None:
            broker = self._live
            before = broker.limits
            broker.apply(replace(before, max_payload=max_payload))
            rule.on_clear = lambda: broker.apply(before)
            rule.hits += 1
            self._add(rule)

        self.run(begin)
        return rule

    def lame_duck(self) -> Rule:
        """Say with INFO that the server is about to stop, to clients that take it, and let no more in."""
        rule = self._rule(FaultKind.SERVER, "", {})

        def begin() -> None:
            broker = self._live
            self._add(rule)
            self._is_lame = True
            rule.on_clear = self._end_lame_duck
            for session in broker.sessions.values():
                session.tell(replace(NOTHING_PERSONAL, ldm=True))
                rule.hits += 1
            broker.deferred.flush()

        self.run(begin)
        return rule

    def _end_lame_duck(self) -> None:
        self._is_lame = False

    def clear(self) -> None:
        """Clear all rules."""
        for rule in self.rules:
            rule.clear()

    def _message_rule(self, kind: FaultKind, subject: str, chosen: Chosen, **effect: Unpack[Effect]) -> Rule:
        rule = self._rule(kind, subject, chosen, **effect)
        self.run(lambda: self._add(rule))
        return rule

    def _rule(self, kind: FaultKind, subject: str, chosen: Chosen, **effect: Unpack[Effect]) -> Rule:
        """Raises `ValueError` for what cannot be chosen."""
        if subject and not is_pattern(tokens_of(subject.encode())):
            raise ValueError(f"{subject!r} is no subject, nor a pattern of subjects")
        given: dict[str, Any] = dict(chosen)
        counts = {name: given.pop(name) for name in _COUNTS if name in given}
        if given.get("direction", IN) not in (IN, OUT, BOTH):
            raise ValueError(f"a direction is {IN!r}, {OUT!r} or {BOTH!r}, not {given['direction']!r}")
        selector = Selector(subject=subject, **given)
        return Rule(kind, selector, Count(**counts), run=self.run, **effect)

    def _add(self, rule: Rule) -> None:
        self.rules.append(rule)
        self._watch()

    def _watch(self) -> None:
        if not self.is_watching:
            self.is_watching = True
            for layer in list(self._layers):
                layer.watch()

    @property
    def _live(self) -> Broker:
        if self._broker is None:
            raise RuntimeError("the server does not run")
        return self._broker

    # --- partitions ---------------------------------------------------------------------

    def block(self, server_id: str) -> None:
        """Have no route to this server: end the one that is there, and each new one."""
        self._blocked.add(server_id)
        self._watch()
        for layer in list(self._layers):
            self._judge_route(layer)

    def mute(self, server_id: str) -> None:
        """Lose what is sent to this server."""
        self._muted.add(server_id)
        self._watch()
        for layer in list(self._layers):
            self._judge_route(layer)

    def heal(self) -> None:
        """End both. A route that has lost something is ended, so that a new one begins with what is true."""
        self._blocked.clear()
        self._muted.clear()
        for layer in list(self._layers):
            if layer.mutes:
                layer.cut()

    def _judge_route(self, layer: FaultLayer) -> None:
        if layer.server_id in self._blocked:
            self._later(layer.cut)
        layer.mutes = layer.server_id in self._muted

    def _later(self, work: Callable[[], None]) -> None:
        if self._scheduler is not None:
            self._scheduler.call_soon(work)

    # --- asked by the layers --------------------------------------------------------------

    def joined(self, layer: FaultLayer) -> None:
        """See `Watcher`."""
        self._layers[layer] = None
        if self._is_lame:
            self._later(layer.cut)

    def left(self, layer: FaultLayer) -> None:
        """See `Watcher`."""
        self._layers.pop(layer, None)

    def find(self, layer: FaultLayer) -> None:
        """See `Watcher`."""
        link, broker = layer.link, self._broker
        if link is None or broker is None:
            return
        is_new = layer.cid != link.number
        layer.cid, layer.is_route = link.number, link.kind == "rid"
        if layer.is_route:
            self._find_route(layer, broker)
            return
        session = broker.sessions.get(layer.cid)
        if session is None:
            return
        layer.name = session.profile.name or layer.name
        layer.user = session.profile.user or layer.user
        layer.sids = {sid: (one.queue or b"").decode() for sid, one in session.subscriptions.items()}
        if is_new:
            layer.resume_after(session.connection.unprocessed())

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
                rule for rule in self.rules if rule.kind is FaultKind.REFUSE and self._refuses(rule, layer)
            ]
        if not self.rules or not frame.is_message:
            return []
        if not layer.name:
            self.find(layer)
        return [
            rule
            for rule in self.rules
            if rule.kind not in (FaultKind.REFUSE, FaultKind.STALL, FaultKind.SERVER)
            and rule.is_active
            and rule.selector.takes(layer, direction, frame)
            and rule.strikes()
        ]

    @staticmethod
    def _refuses(rule: Rule, layer: FaultLayer) -> bool:
        return rule.is_active and rule.selector.takes_link(layer) and rule.strikes()

    def _stalls_changed(self) -> None:
        for layer in list(self._layers):
            self.find(layer)
            self._apply_stalls(layer)

    def _apply_stalls(self, layer: FaultLayer) -> None:
        stalls = [rule for rule in self.rules if rule.kind is FaultKind.STALL and rule.is_active]
        hit = [rule for rule in stalls if rule.selector.takes_link(layer)]
        for direction in (IN, OUT):
            chosen = [rule for rule in hit if rule.selector.direction in (direction, BOTH)]
            layer.stall(direction, stalled=bool(chosen))
        for rule in hit:
            rule.hits += 1

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
        return {number: list(lines) for number, lines in self._conversations.items()}


def _shown(frame: Frame) -> str:
    line, _, payload = frame.raw.partition(b"\n")
    verb, _, argument = line.strip().partition(b" ")
    text = shown(verb.upper(), argument)
    if not frame.is_message:
        return text
    content = payload.removesuffix(b"\r\n")
    more = "" if len(content) <= SHOWN_BYTES else f" … {len(content)} bytes"
    return f"{text} {readable(content[:SHOWN_BYTES])!r}{more}"
