"""Faults of one server, on command: the rules, the links that they concern, and recorded conversations."""

from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import replace
from typing import ClassVar

from ...domain.broker import Broker
from ...domain.closing_reason import ClosingReason
from ...domain.protocol.commands import readable
from ...domain.protocol.connect import shown
from ...domain.protocol.encode import NOTHING_PERSONAL
from ...domain.sessions.connection import Connection
from ...domain.timers import Scheduler, Timer
from ...ports.layers import LinkSetup, Upper
from .commands import FaultSpec
from .disk import DiskFault, DiskFaults
from .frames import Frame
from .layer import FaultLayer
from .rule_book import RuleBook
from .rules import ABOUT_SERVERS, BOTH, IN, ON_MESSAGES, OUT, FaultKind, Rule, Tally

KEPT_FRAMES = 60
"""Frames of each conversation that are kept."""

KEPT_CONVERSATIONS = 64
SHOWN_BYTES = 200
"""Of a payload in a conversation."""


class Faults(RuleBook):
    """What happens to the traffic of a server. Without rules, nothing does. Implements `layer.Watcher`."""

    def __init__(self, *, record: bool = False) -> None:
        """`record` keeps the last frames of each link; see `conversation`."""
        super().__init__()
        self.disk_faults = DiskFaults()
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
            if self.active(FaultKind.LIMIT):
                self._apply_limits()
            for rule in self.active(FaultKind.STALL):
                self._time(rule)

    def let_go(self) -> None:
        """The server is about to stop: hold nothing, so that links can end."""
        for layer in list(self._layers):
            layer.let_go()

    def layer(self, upper: Upper, setup: LinkSetup) -> Upper:
        """The layer of a new link: a `LayerFactory`."""
        return FaultLayer(upper, setup, self)

    def disk(self, *, full: bool = False, failing: bool = False, sync_seconds: float = 0.0) -> DiskFault:
        """Have the disk with the streams be full, fail, or take this time for each sync."""
        return self.disk_faults.begin(full=full, failing=failing, sync_seconds=sync_seconds)

    def clear(self) -> None:
        """Clear all rules, and those of the disk."""
        super().clear()
        self.disk_faults.clear()

    # --- rules ------------------------------------------------------------------------

    def begin(self, spec: FaultSpec, tally: Tally | None = None) -> Rule:
        """See `RuleBook`. A rule of this server alone that is about the server needs it to run.

        Raises `RuntimeError` if it does not.
        """
        if tally is None and spec.kind in ABOUT_SERVERS and self._broker is None:
            raise RuntimeError("the server is not running")
        return super().begin(spec, tally)

    def _begin(self, rule: Rule) -> None:
        super()._begin(rule)
        rule.on_clear = lambda: self._end(rule)
        self._set_watching()
        begin = self._BEGINNINGS.get(rule.kind)
        if begin is not None:
            begin(self, rule)

    def _end(self, rule: Rule) -> None:
        end = self._ENDINGS.get(rule.kind)
        if end is not None:
            end(self, rule)
        self._set_watching()

    def _set_watching(self) -> None:
        """Links are watched while they are recorded, or while a rule is about their traffic."""
        rules = (rule for rule in self._latest if rule.is_active)
        is_watching = self._record or any(rule.kind not in ABOUT_SERVERS for rule in rules)
        if is_watching == self.is_watching:
            return
        self.is_watching = is_watching
        for layer in list(self._layers):
            if is_watching:
                layer.watch()
            else:
                self._later(layer.unwatch)

    def _begin_stall(self, rule: Rule) -> None:
        self._time(rule)
        self._stalls_changed()

    def _time(self, stall: Rule) -> None:
        if stall.seconds and self._scheduler is not None:
            self._timers[stall] = self._scheduler.call_later(stall.seconds, stall.clear)

    def _end_stall(self, stall: Rule) -> None:
        timer = self._timers.pop(stall, None)
        if timer is not None:
            timer.cancel()
        self._stalls_changed()

    def _begin_limit(self, rule: Rule) -> None:
        if self._broker is not None:
            self._apply_limits()
            rule.hits += 1

    def _end_limit(self, _rule: Rule) -> None:
        self._apply_limits()

    def _apply_limits(self) -> None:
        lowest = min([self._max_payload, *(rule.max_payload for rule in self.active(FaultKind.LIMIT))])
        if self._broker is not None:
            self._broker.apply(replace(self._broker.limits, max_payload=lowest))

    def _begin_lame_duck(self, rule: Rule) -> None:
        if self._broker is not None:
            for session in self._broker.sessions.values():
                session.tell(NOTHING_PERSONAL._replace(ldm=True))
                rule.hits += 1
            self._broker.deferred.flush()

    # --- routes -------------------------------------------------------------------------

    def _begin_between(self, rule: Rule) -> None:
        """Routes that are there are ended or muted."""
        del rule
        for layer in list(self._layers):
            self.find(layer)
            self._judge_route(layer)

    def _end_muted(self, rule: Rule) -> None:
        """A new route begins with what is true."""
        for layer in list(self._layers):
            if layer.muted_by is rule:
                layer.cut()

    def _judge_route(self, layer: FaultLayer) -> None:
        if not layer.is_route or not layer.server_id:
            return
        for rule in self.against(layer.server_id, FaultKind.PARTITION):
            rule.hits += 1
            self._later(layer.cut)
        muting = self.against(layer.server_id, FaultKind.ONE_WAY)
        layer.muted_by = muting[0] if muting else layer.muted_by

    def _later(self, work: Callable[[], None]) -> None:
        if self._scheduler is not None:
            self._scheduler.call_soon(work)

    # --- asked by the layers --------------------------------------------------------------

    def joined(self, layer: FaultLayer) -> None:
        """See `Watcher`."""
        self._layers[layer] = None
        if self.active(FaultKind.LAME_DUCK):
            self._later(lambda: self._turn_away(layer))

    def _turn_away(self, layer: FaultLayer) -> None:
        is_client = layer.link is not None and layer.link.kind != "rid" and not layer.is_local
        if layer in self._layers and is_client:
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
        session = self._broker.session_of(layer.cid) if self._broker is not None else None
        found = session.subscriptions.get(sid) if session is not None else None
        return (found.queue or b"").decode(errors="replace") if found is not None else ""

    def unprocessed(self, layer: FaultLayer) -> bytes:
        """See `Watcher`."""
        connection = self._connection(layer)
        return b"" if connection is None else connection.unprocessed()

    def close(self, layer: FaultLayer) -> None:
        """See `Watcher`."""
        connection = self._connection(layer)
        if connection is None:
            layer.cut()
        else:
            connection.closes_for(ClosingReason.CLIENT_CLOSED)
            connection.close()

    def _connection(self, layer: FaultLayer) -> Connection | None:
        link, broker = layer.link, self._broker
        return broker.connection_of(link.number) if link is not None and broker is not None else None

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

    def judge_frame(self, layer: FaultLayer, direction: str, frame: Frame) -> list[Rule]:
        """See `Watcher`."""
        if frame.verb == b"CONNECT":
            return self.judge((FaultKind.REFUSE,), lambda selector: selector.takes_link(layer))
        if not self._latest or not frame.is_message:
            return []
        if not layer.name:
            self.find(layer)
        return self.judge(ON_MESSAGES, lambda selector: selector.takes(layer, direction, frame))

    def _stalls_changed(self) -> None:
        for layer in list(self._layers):
            self.find(layer)
            self._apply_stalls(layer)

    def _apply_stalls(self, layer: FaultLayer) -> None:
        hit = {rule for rule in self.active(FaultKind.STALL) if rule.selector.takes_link(layer)}
        for rule in hit - layer.stalled_by:
            rule.hits += 1
        layer.stalled_by = hit
        for direction in (IN, OUT):
            layer.stall(direction, stalled=any(rule.selector.direction in (direction, BOTH) for rule in hit))

    # --- recorded conversations -------------------------------------------------------------

    def seen(self, layer: FaultLayer, direction: str, frame: Frame, lost_by: str = "") -> None:
        """See `Watcher`."""
        if not self._record or (link := layer.link) is None:
            return
        lines = self._conversations.get(link.number)
        if lines is None:
            lines = self._conversations[link.number] = deque(maxlen=KEPT_FRAMES)
            if len(self._conversations) > KEPT_CONVERSATIONS:
                self._conversations.popitem(last=False)
        lost = f" [{lost_by}]" if lost_by else ""
        lines.append(f"{'-->' if direction == IN else '<--'} {_shown(frame)}{lost}")

    def conversation(self, number: int) -> list[str]:
        """The last frames of a link by its cid or rid, oldest first: ``-->`` from the peer, ``<--`` to it.

        What a rule has lost has its kind after it, as ``[drop]``. Empty unless the server records.
        Secrets are left out.
        """
        return list(self._conversations.get(number, ()))

    @property
    def conversations(self) -> dict[int, list[str]]:
        """All that are kept, by number."""
        return {number: list(lines) for number, lines in list(self._conversations.items())}

    _BEGINNINGS: ClassVar[dict[FaultKind, Callable[["Faults", Rule], None]]] = {
        FaultKind.STALL: _begin_stall,
        FaultKind.LIMIT: _begin_limit,
        FaultKind.LAME_DUCK: _begin_lame_duck,
        FaultKind.PARTITION: _begin_between,
        FaultKind.ONE_WAY: _begin_between,
    }
    """What some kinds do when they begin; the others wait for traffic."""

    _ENDINGS: ClassVar[dict[FaultKind, Callable[["Faults", Rule], None]]] = {
        FaultKind.STALL: _end_stall,
        FaultKind.LIMIT: _end_limit,
        FaultKind.ONE_WAY: _end_muted,
    }


def _shown(frame: Frame) -> str:
    line, _, payload = frame.raw.partition(b"\n")
    words = line.split(maxsplit=1)
    text = shown(frame.verb, words[1].strip()) if len(words) > 1 else readable(line.strip().upper())
    if not frame.is_message:
        return text
    content = payload.removesuffix(b"\r\n")
    more = "" if len(content) <= SHOWN_BYTES else f" … {len(content)} bytes"
    return f"{text} {readable(content[:SHOWN_BYTES])!r}{more}"
