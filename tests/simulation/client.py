"""Clients: they speak the protocol over simulated links, and report to the oracle.

A `SimulatedClient` lives as long as the simulation and has one session at a time. After an
unexpected end it reconnects to the next server of its list, and subscribes again.
"""

import json
import math
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from typing import ClassVar, Protocol

from app.domain.events import Link
from app.domain.sessions.wire import Handler, Wire
from tests.simulation.fault_log import FaultLog
from tests.simulation.host import Host
from tests.simulation.network import Network
from tests.simulation.oracle import Oracle, OracleSession, OracleSubscription, Violation
from tests.simulation.scenario import NO_FEATURES, Features

CLIENT_PORT = 4222

PING_SECONDS = 5.0
"""Seconds between pings; a session ends after two of these intervals without input."""

RECONNECT_SECONDS = 1.0
"""Seconds before a client dials again."""

_MODES = (
    {"verbose": False, "pedantic": False, "protocol": 1},
    {"verbose": False, "pedantic": True, "protocol": 1},
    {"verbose": True, "pedantic": False, "protocol": 1},
)
_STATUS = b"NATS/1.0 503\r\nNats-Subject: "


class ClientContext(Protocol):
    """What clients use of the simulation."""

    network: Network
    oracle: Oracle
    fault_log: FaultLog

    def next_session(self) -> int:
        """A number for a new session."""
        ...

    def features_of(self, number: int, server: Host) -> Features:
        """What a client gets of what it asks for, at this server."""
        ...

    def asked_by(self, number: int) -> Features:
        """What a client asks for."""
        ...


@dataclass(frozen=True, slots=True)
class SubscriptionSpec:
    """What a client subscribes to in every session."""

    pattern: str
    queue: str | None = None


class SimulatedSession:
    """One connection of a client. Implements `Handler`."""

    _ROOM: ClassVar[memoryview] = memoryview(bytearray(64 * 1024))

    def __init__(self, client: "SimulatedClient", wire: Wire) -> None:
        self._client = client
        self._context = client.context
        self._wire = wire
        self._rest = b""
        self._pongs: deque[Callable[[], None]] = deque()
        self._inbox: OracleSubscription | None = None
        self._requests = 0
        self.subscriptions: dict[bytes, OracleSubscription] = {}
        """By sid, removed ones included."""
        given = self._context.features_of(client.number, client.server)
        number = self._context.next_session()
        self.model = OracleSession(number, client.name, client.host, client.server, given)
        self._asked: dict[bytes, int] = {}
        """The messages of requests by the subject of the reply."""
        self._sends_headers = False
        """Whether an INFO has come that allows it."""
        self.info = b""
        """The last INFO."""
        self.errors: list[bytes] = []
        self.over = False
        self._last_heard = client.context.network.now()
        wire.write(client.connect_line)
        self._timer = client.host.clock.call_later(PING_SECONDS, self._ping)

    # --- called by the wire ---------------------------------------------------------

    @property
    def link(self) -> Link:
        """Its name in an event log."""
        return Link("cid", self.model.number, str(self._wire.peer))

    def opened(self) -> None:
        """Nothing to do: CONNECT was written at once."""

    def reserve(self) -> memoryview:
        """The buffer that all sessions share."""
        return self._ROOM

    def received(self, count: int) -> None:
        """Parse lines and messages; keep an incomplete rest."""
        self._last_heard = self._now
        data = self._rest + bytes(self._ROOM[:count])
        position = 0
        while (end := data.find(b"\r\n", position)) >= 0:
            if data.startswith((b"MSG ", b"HMSG "), position):
                verb, *words = data[position:end].split()
                block = int(words.pop(-2)) if verb == b"HMSG" else 0
                start, position_after = end + 2, end + 2 + int(words[-1]) + 2
                if position_after > len(data):
                    break
                self._message(words, data[start : start + block], data[start + block : position_after - 2])
                position = position_after
            else:
                self._line(data[position:end])
                position = end + 2
        self._rest = data[position:]

    def eof_received(self) -> None:
        """The server sent its end of file."""
        self._finish(abrupt=True)
        self._wire.close()
        self._client.session_ended(self)

    def drained(self) -> None:
        """Nothing to do."""

    def connection_lost(self, _error: Exception | None) -> None:
        """The link has ended."""
        self._finish(abrupt=True)
        self._client.session_ended(self)

    def _line(self, line: bytes) -> None:
        if line == b"PONG":
            if self._pongs:
                self._pongs.popleft()()
        elif line == b"PING":
            self._wire.write(b"PONG\r\n")
        elif line.startswith(b"INFO "):
            self.info = line[5:]
            self._sends_headers = self.model.features.headers and b'"headers":true' in line
        elif line.startswith(b"-ERR"):
            self.errors.append(line)
            self._client.note(line.decode())

    def _message(self, words: list[bytes], block: bytes, payload: bytes) -> None:
        if block.startswith(_STATUS):
            self._nobody(words, block[len(_STATUS) :])
            return
        subscription = self.subscriptions[words[1]]
        number = int(payload.split(b" ", 1)[0])
        message = self._context.oracle.delivered(subscription, number, self._now, block)
        if len(payload) != message.size:
            raise Violation(f"payload: {subscription} got {len(payload)} bytes of {message}")
        if len(words) == 4 and subscription.queue is not None and not self.over:
            self.publish(words[2].decode(), 1, 0)

    def _nobody(self, words: list[bytes], subject: bytes) -> None:
        """A request has reached nobody; the rest of the headers is its subject."""
        number = self._asked.get(words[0])
        if number is None:
            raise Violation(
                f"no responders: {self.model.name} got 503 at {words[0]!r}, and has not asked there"
            )
        self._context.oracle.unanswered(
            self.subscriptions[words[1]], number, subject.decode().removesuffix("\r\n\r\n"), self._now
        )

    # --- called by the client -----------------------------------------------------------

    @property
    def _now(self) -> float:
        return self._context.network.now()

    def _ping(self) -> None:
        """Send PING; end the session when the server has been silent for too long."""
        if self._now - self._last_heard > 2 * PING_SECONDS:
            self._client.note("ends its session: no answer to PING")
            self.abort()
            return
        self._pongs.append(_ignore)
        self._wire.write(b"PING\r\n")
        self._timer = self._client.host.clock.call_later(PING_SECONDS, self._ping)

    def subscribe(self, spec: SubscriptionSpec) -> OracleSubscription:
        """Send SUB, and PING to have it confirmed."""
        subscription = self._context.oracle.subscribed(self.model, spec.pattern, spec.queue, self._now)
        sid = b"%d" % subscription.index
        self.subscriptions[sid] = subscription
        queue = spec.queue.encode() if spec.queue else b""
        self._wire.write(b"SUB %b %b %b\r\nPING\r\n" % (spec.pattern.encode(), queue, sid))
        self._pongs.append(partial(self._confirm, subscription))
        return subscription

    def _confirm(self, subscription: OracleSubscription) -> None:
        subscription.confirmed = self._now

    def unsubscribe(self, subscription: OracleSubscription) -> None:
        """Send UNSUB, and PING to have it confirmed."""
        self._context.oracle.unsubscribed(subscription, self._now)
        self._wire.write(b"UNSUB %d\r\nPING\r\n" % subscription.index)
        self._pongs.append(partial(setattr, subscription, "over", True))  # noqa: FBT003 - setattr has no names

    def limit(self, subscription: OracleSubscription, count: int) -> None:
        """Send UNSUB with a maximum, and PING to have it confirmed."""
        subscription.limit_requested = True
        self._wire.write(b"UNSUB %d %d\r\nPING\r\n" % (subscription.index, count))
        self._pongs.append(partial(self._confirm_limit, subscription, count))

    def _confirm_limit(self, subscription: OracleSubscription, count: int) -> None:
        self._context.oracle.limited(subscription, count, self._now)

    def publish(self, subject: str, count: int, size: int, reply: str | None = None) -> None:
        """Publish `count` messages in one write; a payload is the message's number and `size` bytes.

        Most have headers, if the server takes them.
        """
        chunks = []
        words = (subject if reply is None else f"{subject} {reply}").encode()
        for _ in range(count):
            message = self._context.oracle.published(self.model, subject, reply, self._now)
            payload = b"%d %b" % (message.number, b"x" * size)
            message.size = len(payload)
            if self._sends_headers and message.number % 5:
                message.block = block = _block_of(message.number)
                sizes = (len(block), len(block) + len(payload))
                chunks.append(b"HPUB %b %d %d\r\n%b%b\r\n" % (words, *sizes, block, payload))
            else:
                chunks.append(b"PUB %b %d\r\n%b\r\n" % (words, len(payload), payload))
            if reply is not None:
                self._asked[reply.encode()] = message.number
        self._wire.write(b"".join(chunks))

    def request(self, subject: str) -> None:
        """Send a request, with an inbox of this session for the reply."""
        inbox = f"_INBOX.{self.model.number}"
        if self._inbox is None:
            self._inbox = self.subscribe(SubscriptionSpec(f"{inbox}.*"))
        self._requests += 1
        self.publish(subject, 1, 0, f"{inbox}.{self._requests}")

    def stall(self, seconds: float) -> None:
        """Read nothing for some seconds."""
        self._wire.pause()
        self._client.host.clock.call_later(seconds, self._wire.resume)

    def live_subscriptions(self) -> list[OracleSubscription]:
        """Live subscriptions, except the inbox."""
        return [i for i in self.subscriptions.values() if i.ended == math.inf and i is not self._inbox]

    def close(self) -> None:
        """Close the link; pending output may be lost."""
        self._finish(abrupt=self._wire.pending() > 0)
        self._wire.close()

    def abort(self) -> None:
        """Abort the link."""
        self._finish(abrupt=True)
        self._wire.abort()

    def _finish(self, *, abrupt: bool) -> None:
        if self.over:
            return
        self.over = True
        self.model.ended = self._now
        self.model.abrupt = abrupt
        self._timer.cancel()
        for subscription in self.subscriptions.values():
            self._context.oracle.unsubscribed(subscription, self._now)


class SimulatedClient:
    """One client program, on a host of its own."""

    def __init__(self, context: ClientContext, number: int, host: Host, servers: list[Host]) -> None:
        self.context = context
        self.host = host
        self.name = f"client {number}"
        self.number = number
        self.connect_line = _connect_line(number, context.asked_by(number))
        self.server = servers[0]
        """The server it is connected to, or dials."""
        self.specs: list[SubscriptionSpec] = []
        self.session: SimulatedSession | None = None
        self._servers = deque(servers)
        self.wanted = False
        self._attempts = 0

    def note(self, what: str) -> None:
        """Add a line to the trace."""
        self.context.network.trace.note(self.name, what)

    def arrive(self, server: Host) -> None:
        """Connect to a server; on failure, to the next one, until `leave`."""
        while self._servers[0] is not server:
            self._servers.rotate(-1)
        self.wanted = True
        self._dial()

    def leave(self, *, abrupt: bool) -> None:
        """Disconnect, and stay disconnected until `arrive`."""
        self.wanted = False
        self._attempts += 1
        session, self.session = self.session, None
        if session is not None:
            if abrupt:
                session.abort()
            else:
                session.close()

    def subscribe(self, spec: SubscriptionSpec) -> None:
        """Subscribe in this session, and in all later ones."""
        self.specs.append(spec)
        if self.session is not None:
            self.session.subscribe(spec)

    def forget(self, subscription: OracleSubscription) -> None:
        """Do not subscribe to this in later sessions."""
        spec = SubscriptionSpec(subscription.pattern, subscription.queue)
        if spec in self.specs:
            self.specs.remove(spec)

    def session_ended(self, session: SimulatedSession) -> None:
        """A session ended unexpectedly; an earlier session is ignored."""
        if session is self.session:
            self.note("lost its session")
            self.session = None
            self._reconnect()

    def _reconnect(self) -> None:
        if self.wanted:
            self._servers.rotate(-1)
            self.host.clock.call_later(RECONNECT_SECONDS, partial(self._retry, self._attempts))

    def _retry(self, attempt: int) -> None:
        if self.wanted and attempt == self._attempts and self.session is None:
            self._dial()

    def _dial(self) -> None:
        self._attempts += 1
        attempt = self._attempts
        self.server = self._servers[0]
        dialer = self.context.network.dialer(self.host)
        dialer.dial(
            self.server.name,
            CLIENT_PORT,
            lambda wire: self._begin(wire, attempt),
            lambda _reason: self._refused(attempt),
        )

    def _refused(self, attempt: int) -> None:
        if attempt == self._attempts:
            self._reconnect()

    def _begin(self, wire: Wire, attempt: int) -> Handler:
        session = SimulatedSession(self, wire)
        if attempt != self._attempts or not self.wanted:  # it has left or moved meanwhile
            session.close()
            return session
        self.session = session
        for spec in self.specs:
            session.subscribe(spec)
        return session


def _connect_line(number: int, features: Features) -> bytes:
    """The CONNECT of a client; one that asks for nothing leaves the keys out."""
    asked = {**_MODES[number % len(_MODES)], **(asdict(features) if features != NO_FEATURES else {})}
    return b"CONNECT %b\r\n" % json.dumps(asked, separators=(",", ":")).encode()


def _block_of(number: int) -> bytes:
    """The headers of a message; those of some are longer than a read."""
    return b"NATS/1.0\r\nN: %d\r\nX: %b\r\n\r\n" % (number, b"y" * (0 if number % 7 else 3000))


def _ignore() -> None:
    """A PONG that confirms nothing."""
