"""Clients: they speak the protocol over simulated links, and tell the truth what they see.

A `Client` lives as long as the simulation and has one `Session` at a time; when that ends
unasked it comes back, at the next server of its list, and subscribes to the same again.
"""

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Protocol

from app.domain.events import Link
from app.domain.sessions.wire import Handler, Wire
from tests.simulation.damage import Damage
from tests.simulation.host import Host
from tests.simulation.network import Network
from tests.simulation.truth import Interest, Member, Truth

CLIENT_PORT = 4222

PING_SECONDS = 5.0
"""A session asks whether its server is there so often; after two of these without an answer it gives up."""

RETURN_SECONDS = 1.0
"""How long a client waits before it dials again."""

_GREETINGS = (
    b'CONNECT {"verbose":false,"pedantic":false,"protocol":1}\r\n',
    b'CONNECT {"verbose":false,"pedantic":true,"protocol":1}\r\n',
    b'CONNECT {"verbose":true,"pedantic":false,"protocol":1}\r\n',
)


class Ground(Protocol):
    """What clients stand on."""

    network: Network
    truth: Truth
    damage: Damage

    def next_member(self) -> int:
        """A number for a new session."""
        ...


@dataclass(frozen=True, slots=True)
class Wish:
    """What a client listens to in every session."""

    pattern: str
    queue: str | None = None


class Session:
    """One connection of a client. Implements `Handler`."""

    _ROOM: ClassVar[memoryview] = memoryview(bytearray(64 * 1024))

    def __init__(self, client: "Client", wire: Wire) -> None:
        self._client = client
        self._ground = client.ground
        self._wire = wire
        self._rest = b""
        self._pongs: deque[Callable[[], None]] = deque()
        self._inbox: Interest | None = None
        self._requests = 0
        self.interests: dict[bytes, Interest] = {}
        """By sid, those given up included."""
        self.member = Member(self._ground.next_member(), client.name, client.host, client.server)
        self.info = b""
        """The last INFO."""
        self.errors: list[bytes] = []
        self.over = False
        self._last_heard = client.ground.network.now()
        wire.write(client.greeting)
        self._timer = client.host.clock.call_later(PING_SECONDS, self._ask)

    # --- what the wire tells --------------------------------------------------------

    @property
    def link(self) -> Link:
        """What the event log would call it."""
        return Link("cid", self.member.number, str(self._wire.peer))

    def opened(self) -> None:
        """Everything was said already."""

    def reserve(self) -> memoryview:
        """Lend the room of all sessions."""
        return self._ROOM

    def received(self, count: int) -> None:
        """Read lines and messages; keep what is incomplete."""
        self._last_heard = self._now
        data = self._rest + bytes(self._ROOM[:count])
        position = 0
        while (end := data.find(b"\r\n", position)) >= 0:
            if data.startswith(b"MSG ", position):
                words = data[position + 4 : end].split()
                position_after = end + 2 + int(words[-1]) + 2
                if position_after > len(data):
                    break
                self._message(words, data[end + 2 : position_after - 2])
                position = position_after
            else:
                self._line(data[position:end])
                position = end + 2
        self._rest = data[position:]

    def eof_received(self) -> None:
        """The server sends no more."""
        self._finish(abrupt=True)
        self._wire.close()
        self._client.left(self)

    def drained(self) -> None:
        """Nothing waits for this."""

    def connection_lost(self, _error: Exception | None) -> None:
        """The link is gone."""
        self._finish(abrupt=True)
        self._client.left(self)

    def _line(self, line: bytes) -> None:
        if line == b"PONG":
            if self._pongs:
                self._pongs.popleft()()
        elif line == b"PING":
            self._wire.write(b"PONG\r\n")
        elif line.startswith(b"INFO "):
            self.info = line[5:]
        elif line.startswith(b"-ERR"):
            self.errors.append(line)
            self._client.note(line.decode())

    def _message(self, words: list[bytes], payload: bytes) -> None:
        interest = self.interests[words[1]]
        number = int(payload.split(b" ", 1)[0])
        self._ground.truth.delivered(interest, number, self._now)
        if len(words) == 4 and interest.queue is not None and not self.over:
            self.publish(words[2].decode(), 1, 0)

    # --- what the client does ---------------------------------------------------------

    @property
    def _now(self) -> float:
        return self._ground.network.now()

    def _ask(self) -> None:
        """Ask whether the server is there; give up on one that has not answered for long."""
        if self._now - self._last_heard > 2 * PING_SECONDS:
            self._client.note("gives up on a silent server")
            self.abort()
            return
        self._pongs.append(_nothing)
        self._wire.write(b"PING\r\n")
        self._timer = self._client.host.clock.call_later(PING_SECONDS, self._ask)

    def subscribe(self, wish: Wish) -> Interest:
        """Listen, and learn when the server knows."""
        interest = self._ground.truth.asked(self.member, wish.pattern, wish.queue, self._now)
        sid = b"%d" % interest.index
        self.interests[sid] = interest
        queue = wish.queue.encode() if wish.queue else b""
        self._wire.write(b"SUB %b %b %b\r\nPING\r\n" % (wish.pattern.encode(), queue, sid))
        self._pongs.append(partial(self._confirm, interest))
        return interest

    def _confirm(self, interest: Interest) -> None:
        interest.confirmed = self._now

    def unsubscribe(self, interest: Interest) -> None:
        """Listen no more."""
        self._ground.truth.given_up(interest, self._now)
        self._wire.write(b"UNSUB %d\r\nPING\r\n" % interest.index)
        self._pongs.append(partial(setattr, interest, "over", True))  # noqa: FBT003 - setattr has no names

    def limit(self, interest: Interest, count: int) -> None:
        """Listen no more after so many messages."""
        interest.limit_asked = True
        self._wire.write(b"UNSUB %d %d\r\nPING\r\n" % (interest.index, count))
        self._pongs.append(partial(self._confirm_limit, interest, count))

    def _confirm_limit(self, interest: Interest, count: int) -> None:
        self._ground.truth.limited(interest, count, self._now)

    def publish(self, subject: str, count: int, size: int, reply: str | None = None) -> None:
        """Publish so many messages in one write, each with its number and so many bytes more."""
        chunks = []
        words = subject if reply is None else f"{subject} {reply}"
        for _ in range(count):
            message = self._ground.truth.published(self.member, subject, reply, self._now)
            payload = b"%d %b" % (message.number, b"x" * size)
            chunks.append(b"PUB %b %d\r\n%b\r\n" % (words.encode(), len(payload), payload))
        self._wire.write(b"".join(chunks))

    def request(self, subject: str) -> None:
        """Ask for an answer, to an inbox of this session."""
        inbox = f"_INBOX.{self.member.number}"
        if self._inbox is None:
            self._inbox = self.subscribe(Wish(f"{inbox}.*"))
        self._requests += 1
        self.publish(subject, 1, 0, f"{inbox}.{self._requests}")

    def stall(self, seconds: float) -> None:
        """Read nothing for a while."""
        self._wire.pause()
        self._client.host.clock.call_later(seconds, self._wire.resume)

    def live_interests(self) -> list[Interest]:
        """What it listens to, inboxes left out."""
        return [i for i in self.interests.values() if i.ended == math.inf and i is not self._inbox]

    def close(self) -> None:
        """Leave in good order; whether what is pending still arrives is not for sure."""
        self._finish(abrupt=self._wire.pending() > 0)
        self._wire.close()

    def abort(self) -> None:
        """Leave at once."""
        self._finish(abrupt=True)
        self._wire.abort()

    def _finish(self, *, abrupt: bool) -> None:
        if self.over:
            return
        self.over = True
        self.member.ended = self._now
        self.member.abrupt = abrupt
        self._timer.cancel()
        for interest in self.interests.values():
            self._ground.truth.given_up(interest, self._now)


class Client:
    """One client program, on a machine of its own."""

    def __init__(self, ground: Ground, number: int, host: Host, servers: list[Host]) -> None:
        self.ground = ground
        self.host = host
        self.name = f"client {number}"
        self.greeting = _GREETINGS[number % len(_GREETINGS)]
        self.server = servers[0]
        """Where it is, or dials."""
        self.wishes: list[Wish] = []
        self.session: Session | None = None
        self._servers = deque(servers)
        self.wanted = False
        self._attempts = 0

    def note(self, what: str) -> None:
        """Put a word into the trace."""
        self.ground.network.trace.note(self.name, what)

    def arrive(self, server: Host) -> None:
        """Connect to a server; if it does not let us in, to the next, for as long as we are wanted."""
        while self._servers[0] is not server:
            self._servers.rotate(-1)
        self.wanted = True
        self._dial()

    def leave(self, *, abrupt: bool) -> None:
        """Go, and stay away until `arrive`."""
        self.wanted = False
        self._attempts += 1
        session, self.session = self.session, None
        if session is not None:
            if abrupt:
                session.abort()
            else:
                session.close()

    def subscribe(self, wish: Wish) -> None:
        """Listen in this session, and in every one that follows."""
        self.wishes.append(wish)
        if self.session is not None:
            self.session.subscribe(wish)

    def forget(self, interest: Interest) -> None:
        """Do not listen to this in the sessions that follow."""
        wish = Wish(interest.pattern, interest.queue)
        if wish in self.wishes:
            self.wishes.remove(wish)

    def left(self, session: Session) -> None:
        """A session ended unasked; one that is not ours any more does not matter."""
        if session is self.session:
            self.note("lost its session")
            self.session = None
            self._come_back()

    def _come_back(self) -> None:
        if self.wanted:
            self._servers.rotate(-1)
            self.host.clock.call_later(RETURN_SECONDS, partial(self._retry, self._attempts))

    def _retry(self, attempt: int) -> None:
        if self.wanted and attempt == self._attempts and self.session is None:
            self._dial()

    def _dial(self) -> None:
        self._attempts += 1
        attempt = self._attempts
        self.server = self._servers[0]
        dialer = self.ground.network.dialer(self.host)
        dialer.dial(
            self.server.name,
            CLIENT_PORT,
            lambda wire: self._begin(wire, attempt),
            lambda _reason: self._refused(attempt),
        )

    def _refused(self, attempt: int) -> None:
        if attempt == self._attempts:
            self._come_back()

    def _begin(self, wire: Wire, attempt: int) -> Handler:
        session = Session(self, wire)
        if attempt != self._attempts or not self.wanted:  # it went elsewhere meanwhile
            session.close()
            return session
        self.session = session
        for wish in self.wishes:
            session.subscribe(wish)
        return session


def _nothing() -> None:
    """An answer to a question of no consequence."""
