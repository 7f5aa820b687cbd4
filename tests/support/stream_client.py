"""A client that makes requests of the stream API and may break every rule, and a witness of the others."""

import json
import os
import socket
from collections.abc import Mapping
from itertools import count
from typing import Any, Self

SECONDS = 600.0 if os.environ.get("PYNATSD_FULL_SIZE") == "1" else 60.0
"""How long an answer may take on a busy machine; a hundred thousand requests may be before it."""

_NUMBERS = count()

CONNECT = b'CONNECT {"verbose":false,"pedantic":false,"headers":true,"no_responders":true,"lang":"test"}\r\n'


class StreamClient:
    """Sends what it is asked to, and reads lines and messages."""

    def __init__(self, port: int) -> None:
        self.link = socket.create_connection(("127.0.0.1", port), timeout=SECONDS)
        self._file = self.link.makefile("rb")
        self._asked = 0
        self.inbox = f"_I.{next(_NUMBERS)}"
        """What it asks for answers on: that of no other client."""
        self._file.readline()
        self.send(CONNECT + b"SUB %b.> 1\r\n" % self.inbox.encode())
        self.fence()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """End the connection."""
        self._file.close()
        self.link.close()

    def send(self, data: bytes) -> None:
        """As it is."""
        self.link.sendall(data)

    def fence(self) -> list[bytes]:
        """Wait until all that was sent is obeyed; the payloads that came meanwhile."""
        self.send(b"PING\r\n")
        found: list[bytes] = []
        while (message := self.read()) is not None:
            found.append(message[2])
        return found

    def read(self) -> tuple[str, bytes, bytes] | None:
        """The next message: subject, header block, payload; None for a PONG."""
        while True:
            words = self._file.readline().split()
            if not words:
                raise AssertionError("the server closed the connection")
            if words[0] == b"PONG":
                return None
            if words[0] == b"-ERR":
                raise AssertionError(b" ".join(words).decode())
            if words[0] in (b"MSG", b"HMSG"):
                data = self._file.read(int(words[-1]) + 2)[:-2]
                head = int(words[-2]) if words[0] == b"HMSG" else 0
                return words[1].decode(), data[:head], data[head:]

    def publish(self, subject: str, payload: bytes = b"", reply: str = "", headers: bytes = b"") -> None:
        """Send a message."""
        self.send(message(subject, payload, reply, headers))

    def request(self, subject: str, payload: bytes = b"", headers: bytes = b"") -> tuple[bytes, bytes]:
        """Make a request; the header block and the payload of its first answer."""
        self._asked += 1
        reply = f"{self.inbox}.{self._asked}"
        self.publish(subject, payload, reply, headers)
        while True:
            found = self.read()
            if found is not None and found[0] == reply:
                return found[1], found[2]

    def api(self, call: str, document: Mapping[str, object] | bytes = b"") -> dict[str, Any]:
        """Make a call; its answer."""
        payload = document if isinstance(document, bytes) else json.dumps(document).encode()
        answer: dict[str, Any] = json.loads(self.request(f"$JS.API.{call}", payload)[1])
        return answer

    def refusal(self, call: str, document: Mapping[str, object] | bytes = b"") -> int:
        """The number of the error; 0 for success."""
        error = self.api(call, document).get("error", {})
        return int(error.get("err_code", 0))


def message(subject: str, payload: bytes = b"", reply: str = "", headers: bytes = b"") -> bytes:
    """The bytes of a message."""
    words = " ".join(filter(None, (subject, reply))).encode()
    if headers:
        return b"HPUB %b %d %d\r\n%b%b\r\n" % (
            words,
            len(headers),
            len(headers) + len(payload),
            headers,
            payload,
        )
    return b"PUB %b %d\r\n%b\r\n" % (words, len(payload), payload)


class StreamWitness:
    """A client that works with its own stream, and must not notice the others."""

    def __init__(self, port: int) -> None:
        self._client = StreamClient(port)
        self._stored = 0
        assert not self._client.refusal("STREAM.CREATE.WITNESS", {"name": "WITNESS", "subjects": ["witness"]})
        consumer = {"durable_name": "W", "ack_policy": "explicit"}
        document = {"stream_name": "WITNESS", "config": consumer}
        assert not self._client.refusal("CONSUMER.DURABLE.CREATE.WITNESS.W", document)

    def expect_unharmed(self) -> None:
        """A message is stored, delivered and settled, in order."""
        self._stored += 1
        payload = b"%d" % self._stored
        ack = json.loads(self._client.request("witness", payload)[1])
        assert ack == {"stream": "WITNESS", "seq": self._stored}
        self._client.publish("$JS.API.CONSUMER.MSG.NEXT.WITNESS.W", b"1", f"{self._client.inbox}.pulled")
        delivered = self._client.read()
        assert delivered is not None
        assert delivered[::2] == ("witness", payload)
        info = self._client.api("CONSUMER.INFO.WITNESS.W")
        assert info["delivered"]["stream_seq"] == self._stored
        settled = f"$JS.ACK.WITNESS.W.1.{self._stored}.{self._stored}.1.0"
        assert self._client.request(settled, b"+ACK") == (b"", b"")

    def close(self) -> None:
        """End its connection."""
        self._client.close()
