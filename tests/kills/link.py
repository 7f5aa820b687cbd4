"""A client of the plain protocol that is quick enough to have 10,000 publishes outstanding."""

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple, Self

_CONNECT = b'CONNECT {"verbose":false,"pedantic":false,"headers":true,"no_responders":true}\r\n'
_PIECE = 1 << 18
ANSWER_SECONDS = 60.0
"""How long an answer may take, on a busy machine."""


class Arrival(NamedTuple):
    """A message that came."""

    subject: bytes
    reply: bytes
    headers: bytes
    payload: bytes


Take = Callable[[Arrival], None]


class Link:
    """One connection. `closed` is set when it has ended."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._takers: dict[bytes, Take] = {}
        self._answers: dict[bytes, asyncio.Future[Arrival]] = {}
        self._asked = 0
        self.closed = asyncio.Event()
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def connect(cls, port: int) -> Self:
        """Connect to a server of this machine."""
        link = cls(*await asyncio.open_connection("127.0.0.1", port, limit=_PIECE))
        link.send(_CONNECT)
        link.subscribe(b"_R.>", link._take_answer)
        return link

    def send(self, data: bytes) -> None:
        """Send it, if the connection has not ended."""
        if not self.closed.is_set():
            self._writer.write(data)

    def subscribe(self, subject: bytes, take: Take) -> None:
        """Have `take` called with each message."""
        sid = b"%d" % (len(self._takers) + 1)
        self._takers[sid] = take
        self.send(b"SUB %s %s\r\n" % (subject, sid))

    def unsubscribe_last(self) -> None:
        """Want no more messages of the last subscription."""
        sid, _ = self._takers.popitem()
        self.send(b"UNSUB %s\r\n" % sid)

    def publish(self, subject: bytes, reply: bytes, payload: bytes) -> None:
        """Publish a message."""
        self.send(b"PUB %s %s %d\r\n%s\r\n" % (subject, reply, len(payload), payload))

    async def request(self, subject: bytes, content: object = None) -> dict[str, object]:
        """Ask for something in JSON; returns what it is answered with."""
        arrival = await self.ask(subject, b"" if content is None else json.dumps(content).encode())
        parsed: dict[str, object] = json.loads(arrival.payload)
        return parsed

    async def ask(self, subject: bytes, payload: bytes) -> Arrival:
        """Ask for something. Raises `ConnectionError`."""
        self._asked += 1
        reply = b"_R.%d" % self._asked
        self._answers[reply] = answer = asyncio.get_running_loop().create_future()
        self.publish(subject, reply, payload)
        return await asyncio.wait_for(answer, ANSWER_SECONDS)

    async def first(self, inbox: bytes, subject: bytes, payload: bytes = b"") -> Arrival:
        """Ask for something; returns the first message that this inbox gets, whatever its subject."""
        got: asyncio.Future[Arrival] = asyncio.get_running_loop().create_future()
        self.subscribe(inbox, got.set_result)
        self.publish(subject, inbox, payload)
        return await asyncio.wait_for(got, ANSWER_SECONDS)

    def _take_answer(self, arrival: Arrival) -> None:
        answer = self._answers.pop(arrival.subject, None)
        if answer is not None and not answer.done():
            answer.set_result(arrival)

    async def close(self) -> None:
        """End it, and wait for that."""
        self._writer.close()
        await self._reading
        with suppress(OSError):
            await self._writer.wait_closed()

    async def _read(self) -> None:
        data = b""
        try:
            while piece := await self._reader.read(_PIECE):
                data = self._take(data + piece)
        except OSError:
            pass
        self.closed.set()
        self._writer.close()
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(ConnectionError("the server is gone"))
                answer.exception()  # so that nobody has to wait for it

    def _take(self, data: bytes) -> bytes:
        """Take whole messages; returns the rest."""
        at = 0
        while (end := data.find(b"\r\n", at)) >= 0:
            words = data[at:end].split(b" ")
            start = end + 2
            if words[0] == b"PING":
                self.send(b"PONG\r\n")
            elif words[0] in (b"MSG", b"HMSG"):
                has_headers = words[0] == b"HMSG"
                total = int(words[-1])
                if len(data) < start + total + 2:
                    break
                split = start + (int(words[-2]) if has_headers else 0)
                reply = words[3] if len(words) > 4 + has_headers else b""
                arrival = Arrival(words[1], reply, data[start:split], data[split : start + total])
                self._takers[words[2]](arrival)
                start += total + 2
            at = start
        return data[at:]
