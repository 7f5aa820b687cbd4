"""A client inside the process: it subscribes and publishes without a socket.

Its messages take the way of all others: through an inlet and an outbox of the data plane, so both
twins serve it alike, flow control holds it, and a queue group may have it as a member. It is not
greeted, logs in to nothing, is not pinged, and is no connection for monitoring.
"""

from collections.abc import Callable
from functools import partial
from typing import ClassVar

from ..hooks.gate import Verdict
from ..hooks.hook_event import HookPoint, subscription_event
from ..interest.routing import Audience
from ..peer_kind import PeerKind
from ..protocol.commands import Subscribe
from ..protocol.errors import PermissionsViolation, ProtocolError
from ..security.credentials import Identity
from .asking_hooks import ask, subscribe_if
from .connection import Connection
from .host import Host
from .local_wire import LocalMessage, LocalWire
from .peer import PeerSession
from .wire import Wire

Deliver = Callable[[LocalMessage], None]
"""Gets each message of a subscription, in a turn of its own."""

Tap = Callable[[LocalWire, Callable[[Wire], Connection]], tuple[Connection, Callable[[], int]]]
"""Makes the connection of a local client, over a wire of its own, and sets the handler of the local wire.

It returns, too, what counts the bytes of the client that it holds.
"""

_FORBIDDEN = (b" ", b"\t", b"\r", b"\n", b"\0")


class LocalSession(PeerSession):
    """The session of a local client: it may do everything from the start."""

    kind: PeerKind = PeerKind.CLIENT

    __slots__ = ("_ended", "_is_seen", "_name", "undecided")

    def __init__(
        self,
        host: Host,
        connection: Connection,
        name: str,
        ended: Callable[[], None],
        *,
        seen_by_hooks: bool = True,
    ) -> None:
        self._name = name
        self._is_seen = seen_by_hooks
        self._ended = ended
        self.undecided: set[bytes] = set()
        """Subscriptions, by sid, that hooks are asked about."""
        super().__init__(host, connection, admitted=True)
        inlet = connection.inlet
        inlet.audience = Audience.LENIENT if seen_by_hooks else Audience.PASSED
        inlet.publishing = True
        inlet.headers = connection.outbox.headers = True
        inlet.no_responders = True

    @property
    def name(self) -> str:
        """As it was given."""
        return self._name

    @property
    def seen_by_hooks(self) -> bool:
        """False for a part of the server itself."""
        return self._is_seen

    def refuse(self, error: ProtocolError) -> None:
        """End it: it checks what it sends, so a limit was lowered while its messages waited.

        What hooks have refused is in the log.
        """
        if not isinstance(error, PermissionsViolation):
            self.end(self.event_of(error))

    def subscribe(self, command: Subscribe) -> None:
        """Add a subscription, if hooks allow it. Raises `PermissionsViolation` if they refuse at once."""
        hooks = self.host.hooks
        if hooks is None or not (self._is_seen and hooks.asks(HookPoint.SUBSCRIBE)):
            super().subscribe(command)
            return
        self.undecided.add(command.sid)
        event = subscription_event(self.hook_client, command)
        ask(self, hooks, HookPoint.SUBSCRIBE, event, partial(self._settle, command))

    def _settle(self, command: Subscribe, verdict: Verdict) -> None:
        self.undecided.discard(command.sid)
        subscribe_if(command, partial(super().subscribe, command), verdict)

    def process_connect(self, argument: bytes) -> None:
        """Nothing to do."""

    def process_info(self, argument: bytes) -> None:
        """Nothing to do."""

    def process_err(self, argument: bytes) -> None:
        """Nothing to do."""

    def let_in(self, identity: Identity) -> bool:
        """It is in."""
        del identity
        return True

    def login_expired(self) -> None:
        """It needs no login."""

    def closed(self) -> None:
        """Its client hears of it, and is not referred to any more."""
        super().closed()
        ended, self._ended = self._ended, _nothing
        ended()


class LocalClient:
    """Subscribes and publishes for a part of the program. Used from the broker's thread."""

    connection_type: ClassVar[type[Connection]] = Connection
    seen_by_hooks: ClassVar[bool] = True
    """False for a part of the server itself."""

    def __init__(
        self,
        host: Host,
        name: str,
        tap: Tap | None = None,
        wire: LocalWire | None = None,
    ) -> None:
        """`name` is what logs call it; `tap` may put something between wire and connection.

        `wire` is one that hands messages over in its own way.
        """
        self._host = host
        self._wire = LocalWire(host.scheduler, self._dispatch) if wire is None else wire
        self.connection, self._held = (tap or _plain)(
            self._wire, partial(self.connection_type, host, host.next_number())
        )
        self.session = LocalSession(host, self.connection, name, self._over, seen_by_hooks=self.seen_by_hooks)
        self.on_closed: Callable[[], None] | None = None
        """Called once when it is over, for any reason."""
        self._callbacks: dict[bytes, Deliver] = {}
        self._last_sid = 0
        self._is_announcing = False

    @property
    def closed(self) -> bool:
        """Whether it is over: by `close`, by the end of the server, or as a slow consumer."""
        return self.connection.closed

    @property
    def waiting(self) -> int:
        """Bytes that were published and are not processed: they grow while a slow receiver holds it."""
        return 0 if self.closed else self._wire.waiting + self._held() + len(self.connection.inlet.kept())

    def subscribe(self, subject: bytes, deliver: Deliver, queue: bytes | None = None) -> bytes:
        """Have messages delivered from now on; the sid is what `unsubscribe` takes.

        Raises `ValueError` for a subject or queue group that is no word, or too long for a
        line, `InvalidSubject` for a malformed subject, `PermissionsViolation` where hooks refuse it at once,
        and `RuntimeError` when the client is closed. Hooks may also answer later: see `is_subscribed`.
        """
        sid = self.listen(subject, queue)
        self._callbacks[sid] = deliver
        return sid

    def listen(self, subject: bytes, queue: bytes | None = None) -> bytes:
        """Subscribe, without a receiver of its own for the messages; raises as `subscribe` does."""
        self._check_open()
        _check_word("subject", subject)
        words = [subject]
        if queue is not None:
            _check_word("queue group", queue)
            words.append(queue)
        self._last_sid += 1
        sid = b"%d" % self._last_sid
        self._check_line(b" ".join([*words, sid]))
        self.session.subscribe(Subscribe(subject, queue, sid))
        self.announce_soon()
        return sid

    def announce_soon(self) -> None:
        """Announce it to other servers in a later turn, once: no read follows that would send it."""
        if not self._is_announcing:
            self._is_announcing = True
            self._host.scheduler.call_soon(self._announce)

    def _announce(self) -> None:
        self._is_announcing = False
        self._host.deferred.flush()

    def is_subscribed(self, sid: bytes) -> bool | None:
        """Whether a subscription is in effect; None while hooks are asked about it."""
        return None if sid in self.session.undecided else sid in self.session.subscriptions

    def unsubscribe(self, sid: bytes) -> None:
        """End a subscription; nothing is delivered any more. Without effect on one that is over."""
        if self._callbacks.pop(sid, None) is not None and not self.closed:
            self.session.process_unsub(sid)
            self.announce_soon()

    def hold(self, *, held: bool) -> None:
        """While `held` nothing is delivered; what comes stays pending, and flow control counts it."""
        if not self.closed:
            self._wire.hold(held=held)

    def publish(
        self, subject: bytes, payload: bytes = b"", reply: bytes | None = None, headers: bytes = b""
    ) -> None:
        """Publish, in a later turn and in order; `headers` is a whole header block, or empty.

        Nobody listens: a message without payload comes to `reply`, whose header block has the status 503.

        Raises `ValueError` for a subject or reply that is no word, or a payload and headers above
        `max_payload`, and `RuntimeError` when the client is closed.
        """
        self._check_open()
        _check_word("subject", subject)
        words = [b"HPUB" if headers else b"PUB", subject]
        if reply is not None:
            _check_word("reply subject", reply)
            words.append(reply)
        size, max_payload = len(headers) + len(payload), self._host.limits.max_payload
        if size > max_payload:
            raise ValueError(f"{size} bytes of payload exceed max_payload {max_payload}")
        if headers:
            words.append(b"%d" % len(headers))
        words.append(b"%d" % size)
        line = b" ".join(words)
        self._check_line(line)
        self._wire.publish(b"%b\r\n%b%b\r\n" % (line, headers, payload))

    def close(self) -> None:
        """End it; what was published and is not processed yet is lost. May be called again."""
        self._callbacks.clear()
        self.connection.close()

    def _over(self) -> None:
        if self.on_closed is not None:
            self.on_closed()

    def _dispatch(self, message: LocalMessage) -> None:
        deliver = self._callbacks.get(message.sid)
        if deliver is not None:
            deliver(message)

    def _check_line(self, line: bytes) -> None:
        """What a client could not write may not reach a route either, which would end."""
        longest = self._host.limits.max_control_line
        if len(line) > longest:
            raise ValueError(f"the subjects exceed max_control_line {longest}")

    def _check_open(self) -> None:
        if self.closed:
            raise RuntimeError("the local client is closed")


def _plain(local: LocalWire, connect: Callable[[Wire], Connection]) -> tuple[Connection, Callable[[], int]]:
    """Without a tap: nothing in between."""
    connection = connect(local)
    local.handler = connection
    return connection, int


def _nothing() -> None:
    """In place of a client that has heard of its end."""


def _check_word(what: str, word: bytes) -> None:
    if not word or any(byte in word for byte in _FORBIDDEN):
        raise ValueError(f"a {what} is one word without blanks, not {word!r}")
