"""A client without a socket, in the loop of an embedded server."""

import asyncio
import secrets
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Self

from ..domain.protocol.errors import InvalidSubject, PermissionsViolation
from ..domain.protocol.header_block import Headers, decode, encode
from ..domain.sessions.local_client import LocalClient
from ..domain.sessions.local_wire import LocalMessage

UNREAD_BYTES = 8 * 1024 * 1024
"""Messages that a program has not read, above which the client is handed no more: then it is slow."""

UNPROCESSED_BYTES = 1024 * 1024
"""Published messages that the server has not taken, above which `publish` waits."""

_NO_RESPONDERS = "503"
_CHECK_SECONDS = 0.001
_TURNS = 100
"""Of the loop, after which `flush` looks again at times only."""


class NoResponders(Exception):
    """Nobody subscribes to the subject of a request."""

    def __init__(self, subject: str) -> None:
        super().__init__(f"nobody subscribes to {subject!r}")
        self.subject = subject


class ClientClosed(Exception):
    """The client is over: it was left, or its server was stopped, or it was too slow."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message, as a subscription gets it."""

    subject: str
    data: bytes
    reply: str = ""
    """The subject for an answer; empty for none."""
    headers: dict[str, str] = field(default_factory=dict)
    """The first value of each."""
    status: str = ""
    """What a server says of a request, such as ``503``; empty in messages of clients."""


class Subscription:
    """Messages, in order: enter it with ``async with``, and go through it with ``async for``.

    It is in effect when it is entered, or when ``async for`` begins. It ends when its block is left.
    """

    def __init__(self, client: "Client", subject: str, queue: str) -> None:
        self._client = client
        self._subject = subject
        self._queue = queue
        self._sid: bytes | None = None
        self._unread: deque[Message] = deque()
        self._waiting: asyncio.Future[None] | None = None
        self._is_over = False
        self._is_pending = False
        """Whether hooks are asked about it."""
        self._unread_bytes = 0

    async def __aenter__(self) -> Self:
        self.begin()
        await self._permitted()
        return self

    async def __aexit__(self, *_exc: object) -> None:
        self.end()

    def begin(self) -> None:
        """Subscribe. Without effect when that is done."""
        if self._sid is None or self._is_over:
            self._sid = self._client.subscribed(self, self._subject, self._queue)
            self._is_over = False
            self._is_pending = self._client.is_subscribed(self._sid) is None

    async def _permitted(self) -> None:
        """Wait for hooks that are asked. Raises `PermissionError` if they refuse it."""
        while self._sid is not None and self._is_pending:
            permitted = self._client.is_subscribed(self._sid)
            if permitted is None:
                await asyncio.sleep(_CHECK_SECONDS)
                continue
            self._is_pending = False
            if not permitted:
                self.end()
                raise PermissionError(f"hooks refuse the subscription to {self._subject!r}")

    def end(self) -> None:
        """Unsubscribe; what is unread can still be read. `begin` subscribes again."""
        if self._sid is not None and not self._is_over:
            self._client.unsubscribed(self, self._sid)
        self.over()

    def over(self) -> None:
        """Nothing will come any more. What is unread does not hold the client any more."""
        if not self._is_over:
            self._is_over = True
            self._client.was_read(self._unread_bytes)
            self._unread_bytes = 0
        self._wake()

    def __aiter__(self) -> Self:
        if self._sid is None:
            self.begin()
        return self

    async def __anext__(self) -> Message:
        try:
            return await self.next()
        except ClientClosed:
            raise StopAsyncIteration from None

    async def next(self, timeout: float | None = None) -> Message:  # noqa: ASYNC109 - as clients of NATS have it
        """The next message; wait for it for `timeout` seconds, or for ever.

        Raises `TimeoutError`, `ClientClosed` when nothing will come any more, `PermissionError` if hooks
        refuse the subscription, and `RuntimeError` before it was entered.
        """
        if self._sid is None:
            raise RuntimeError("enter the subscription first: async with client.subscribe(...) as messages")
        async with asyncio.timeout(timeout):
            await self._permitted()
            while not self._unread:
                if self._is_over:
                    raise ClientClosed("the subscription is closed")
                self._waiting = self._waiting or asyncio.get_running_loop().create_future()
                await asyncio.shield(self._waiting)
        message = self._unread.popleft()
        if not self._is_over:
            self._unread_bytes -= len(message.data)
            self._client.was_read(len(message.data))
        return message

    def put(self, message: Message) -> None:
        """A message has come."""
        self._unread.append(message)
        self._unread_bytes += len(message.data)
        self._wake()

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None and not waiting.done():
            waiting.set_result(None)


class Client:
    """Publishes and subscribes in the process of the server. To be entered with ``async with``.

    It needs no login and may do everything. Subjects are checked as those of other clients.
    """

    def __init__(self, connect: Callable[[], LocalClient]) -> None:
        """`connect` is called when the client is entered."""
        self._connect = connect
        self._entered: LocalClient | None = None
        self._subscriptions: set[Subscription] = set()
        self._unread = 0
        self._requests: dict[str, asyncio.Future[Message]] = {}
        self._inbox = ""

    async def __aenter__(self) -> Self:
        if self._entered is not None and not self._entered.closed:
            raise RuntimeError("the client has been entered already; create another one")
        self._inbox, self._unread = "", 0
        self._entered = self._connect()
        self._entered.on_closed = self._over
        return self

    async def __aexit__(self, *_exc: object) -> None:
        if self._entered is not None:
            try:
                with suppress(ClientClosed):
                    await self.flush()
            finally:
                self._entered.close()

    async def publish(
        self, subject: str, data: bytes = b"", *, reply: str = "", headers: Headers | None = None
    ) -> None:
        """Publish a message. It waits while a receiver holds the publishers of a subject.

        Raises `ValueError` for a subject, a reply or headers that cannot be sent, or a message above
        `max_payload`, `TypeError` for what is of another type, and `ClientClosed`.
        """
        payload = _bytes(data)
        words = _word("subject", subject), payload, _word("reply", reply) or None
        self._local.publish(*words, encode(headers))
        while self._entered is not None and self._entered.waiting > UNPROCESSED_BYTES:  # noqa: ASYNC110 - rare
            await asyncio.sleep(_CHECK_SECONDS)

    async def flush(self) -> None:
        """Wait until the server has taken what was published."""
        turns = 0
        while self._local.waiting:  # some turns of the loop do it, but for what is held
            await asyncio.sleep(0 if turns < _TURNS else _CHECK_SECONDS)
            turns += 1

    def subscribe(self, subject: str, queue: str = "") -> Subscription:
        """Messages of a subject, which may have wildcards; members of one `queue` share them.

        Raises `TypeError` for what is no text.
        """
        _word("subject", subject)
        _word("queue", queue)
        return Subscription(self, subject, queue)

    async def request(
        self,
        subject: str,
        data: bytes = b"",
        *,
        timeout: float = 1.0,  # noqa: ASYNC109 - as clients of NATS have it
        headers: Headers | None = None,
    ) -> Message:
        """Publish, and wait for the first answer, for `timeout` seconds.

        Raises `NoResponders`, `TimeoutError`, and what `publish` raises.
        """
        token = secrets.token_hex(8)
        answer: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._requests[token] = answer
        try:
            await self.publish(subject, data, reply=f"{self._inbox_prefix()}.{token}", headers=headers)
            async with asyncio.timeout(timeout):
                message = await answer
        finally:
            del self._requests[token]
        if message.status == _NO_RESPONDERS and not message.data:
            raise NoResponders(subject)
        return message

    def _inbox_prefix(self) -> str:
        if not self._inbox:
            self._inbox = f"_INBOX.{secrets.token_hex(11)}"
            self._local.subscribe(f"{self._inbox}.*".encode(), self._answered)
        return self._inbox

    def _answered(self, received: LocalMessage) -> None:
        message = _message(received)
        answer = self._requests.get(message.subject.rpartition(".")[2])
        if answer is not None and not answer.done():
            answer.set_result(message)

    # --- for subscriptions ---------------------------------------------------------------

    def subscribed(self, subscription: Subscription, subject: str, queue: str) -> bytes:
        """Subscribe; return the sid. Raises `ValueError`, `ClientClosed` and `PermissionError`."""

        def deliver(received: LocalMessage) -> None:
            message = _message(received)
            self._unread += len(message.data)
            self._local.hold(held=self._unread > UNREAD_BYTES)
            subscription.put(message)

        try:
            sid = self._local.subscribe(subject.encode(), deliver, queue.encode() or None)
        except InvalidSubject:
            raise ValueError(
                f"{subject!r} is no subject: tokens are separated by dots, and none is empty"
            ) from None
        except PermissionsViolation as error:
            raise PermissionError(error.what.decode(errors="replace")) from None
        self._subscriptions.add(subscription)
        return sid

    def is_subscribed(self, sid: bytes) -> bool | None:
        """Whether a subscription is in effect; None while hooks are asked about it."""
        return self._local.is_subscribed(sid)

    def unsubscribed(self, subscription: Subscription, sid: bytes) -> None:
        """End a subscription."""
        self._subscriptions.discard(subscription)
        if self._entered is not None:
            self._entered.unsubscribe(sid)

    def was_read(self, size: int) -> None:
        """The program has taken messages of this many bytes, or is not to take them."""
        was_full = self._unread > UNREAD_BYTES
        self._unread -= size
        if was_full and self._entered is not None:
            self._entered.hold(held=self._unread > UNREAD_BYTES)

    @property
    def _local(self) -> LocalClient:
        if self._entered is None:
            raise ClientClosed("enter the client first: async with server.client() as client")
        if self._entered.closed:
            raise ClientClosed("the client is closed")
        return self._entered

    def _over(self) -> None:
        for subscription in list(self._subscriptions):
            subscription.over()
        self._subscriptions.clear()
        for answer in self._requests.values():
            if not answer.done():
                answer.set_exception(ClientClosed("the client is closed"))


def _word(what: str, text: object) -> bytes:
    if not isinstance(text, str):
        raise TypeError(f"a {what} is a str, not {text!r}")
    return text.encode()


def _bytes(data: object) -> bytes:
    if isinstance(data, str):
        raise TypeError(f"the data of a message is bytes, not a str: encode it, as {data[:20]!r}.encode()")
    if not isinstance(data, bytes | bytearray | memoryview):
        raise TypeError(f"the data of a message is bytes, not {data!r}")
    return bytes(data)


def _message(received: LocalMessage) -> Message:
    headers, status = decode(received.headers) if received.headers else ({}, "")
    return Message(
        received.subject.decode(errors="replace"),
        received.payload,
        (received.reply or b"").decode(errors="replace"),
        headers,
        status,
    )
