"""A client of JetStream, steps that it takes, and the answers of our server beside those of nats-server."""

import json
import re
import shutil
import socket
import sysconfig
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

from tests.support.patience import PATIENCE
from tests.support.server_process import CURRENT, ServerProcess

PROGRAM = shutil.which("nats-server", path=sysconfig.get_path("scripts"))

Answer = tuple[str, str]
"""Header block and payload."""

Headers = dict[str, str]

_TIME = re.compile(r"20\d\d-\d\d-\d\dT[0-9:.]+Z")
_LEFT_OUT = frozenset({"ts", "active", "created", "cluster", "time", "metadata"})


class NatsServer(ServerProcess):
    """nats-server on a free port."""

    command: ClassVar[tuple[str, ...]] = (str(PROGRAM), "-a", "127.0.0.1", "-p", "-1")


class Client:
    """Asks, and waits for the answers."""

    def __init__(self, port: int) -> None:
        self._link = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self._file = self._link.makefile("rb")
        self._asked = 0
        self._replied = b""
        """The subject of the last answer, or the number of the subscription that `listen` made."""
        self._flow = b""
        """The reply subject of the last request for flow control."""
        self._kept: list[tuple[bytes, Answer]] = []
        self._file.readline()
        options = b'{"verbose":false,"pedantic":false,"headers":true,"no_responders":true}'
        self._link.sendall(b"CONNECT %b\r\nSUB _I.> 1\r\nPING\r\n" % options)
        while not self._file.readline().startswith(b"PONG"):
            pass

    def close(self) -> None:
        """End the connection."""
        self._file.close()
        self._link.close()

    def ask(self, subject: str, payload: str = "", headers: Headers | None = None) -> Answer:
        """Publish with a reply subject; the first answer."""
        self._asked += 1
        self._publish(subject, payload, headers, f"_I.{self._asked}")
        return self._read()

    def ask_until_refused(
        self, subject: str, payload: str, headers: Headers | None, reply: str
    ) -> list[Answer]:
        """Publish with this reply subject; all answers before that to a message which is refused after it."""
        self._publish(subject, payload, headers, f"_I.{reply}")
        answers = [self.ask(subject, "", {"Nats-Expected-Stream": "another"})]
        while self._replied != f"_I.{self._asked}".encode():
            answers.append(self._read())
        return answers[:-1]

    def _publish(self, subject: str, payload: str, headers: Headers | None, reply: str) -> None:
        data = payload.encode()
        if headers is None:
            head = f"PUB {subject} {reply} {len(data)}\r\n".encode()
        else:
            block = "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode()
            block = b"NATS/1.0\r\n%b\r\n" % block
            head = f"HPUB {subject} {reply} {len(block)} {len(block) + len(data)}\r\n".encode()
            data = block + data
        self._link.sendall(head + data + b"\r\n")

    def listen(self, subject: str) -> None:
        """Subscribe to it as 2."""
        self._link.sendall(f"SUB {subject} 2\r\n".encode())

    def hear(self, subject: str) -> Answer:
        """The next message on this subject, or of subscription 2; others are kept."""
        for place, (to, answer) in enumerate(self._kept):
            if to == subject.encode():
                del self._kept[place]
                return answer
        while True:
            answer = self._read()
            if self._replied == subject.encode():
                return answer
            self._kept.append((self._replied, answer))

    def answer(self, headers: Headers) -> None:
        """Answer the last request for flow control."""
        block = "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode()
        block = b"NATS/1.0\r\n%b\r\n" % block
        self._link.sendall(b"HPUB %b %d %d\r\n%b\r\n" % (self._flow, len(block), len(block), block))

    def ask_for(self, subject: str, payload: str = "") -> Answer:
        """Publish with a reply subject; the answer there, whatever comes before it."""
        self._asked += 1
        self._publish(subject, payload, None, f"_I.{self._asked}")
        return self.hear(f"_I.{self._asked}")

    def ask_many(self, subject: str, payload: str) -> list[Answer]:
        """A request that is answered by messages and a status at their end."""
        answers = [self.ask(subject, payload)]
        while not answers[-1][0].startswith("NATS/1.0 "):
            answers.append(self._read())
        return answers

    def _read(self) -> Answer:
        while True:
            words = self._file.readline().split()
            if words[0] == b"PING":
                self._link.sendall(b"PONG\r\n")
            elif words[0] in (b"MSG", b"HMSG"):
                self._replied = words[1] if words[2] == b"1" else words[2]
                if words[3].startswith(b"$JS.FC."):
                    self._flow = words[3]
                data = self._file.read(int(words[-1]) + 2)[:-2]
                split = int(words[-2]) if words[0] == b"HMSG" else 0
                return data[:split].decode(), data[split:].decode()


Step = Callable[[Client], object]


def call(name: str, /, **body: object) -> Step:
    """A call of the API; what differs by nature is left out of the answer."""
    return lambda client: comparable(
        json.loads(client.ask(f"$JS.API.{name}", json.dumps(body) if body else "")[1])
    )


def pub(subject: str, payload: str = "", **headers: str) -> Step:
    """A publish; in names of header fields `_` is `-`, and `Nats-` comes before them."""
    fields = {"Nats-" + name.replace("_", "-"): value for name, value in headers.items()}
    return lambda client: client.ask(subject, payload, fields or None)


def get(name: str, payload: str = "") -> Step:
    """A direct get."""
    many = "batch" in payload or "multi_last" in payload
    subject = f"$JS.API.DIRECT.GET.{name}"
    return lambda client: [
        comparable(each) for each in (client.ask_many if many else client.ask)(subject, payload)
    ]


def comparable(value: object) -> object:
    """Without times, and without what a server says of itself."""
    if isinstance(value, dict):
        return {key: comparable(each) for key, each in value.items() if key not in _LEFT_OUT}
    if isinstance(value, list | tuple):
        return [comparable(each) for each in value]
    return _TIME.sub("TIME", value) if isinstance(value, str) else value


def stream(name: str, /, **fields: object) -> Step:
    """Make a stream in memory, on subjects of its name in lower case."""
    given: dict[str, object] = {"name": name, "subjects": [f"{name.lower()}.*"], "storage": "memory"}
    return call(f"STREAM.CREATE.{name}", **(given | fields))


@contextmanager
def connected(server: ServerProcess) -> Iterator[Client]:
    """A client of a server that runs within this block."""
    with server:
        client = Client(server.port)
        try:
            yield client
        finally:
            client.close()


Scenes = Mapping[str, Sequence[Step]]
"""Steps by the name of what they show; each scene goes on where the one before it ended."""

Answers = dict[str, list[object]]
"""By scene, one for each step."""


def played(server: ServerProcess, scenes: Scenes) -> Answers:
    """All scenes at one server."""
    with connected(server) as client:
        return {scene: [step(client) for step in steps] for scene, steps in scenes.items()}


def played_at_both(scenes: Scenes, directory: Path) -> tuple[Answers, Answers]:
    """What our server answers, and nats-server; without that the first is compared with itself."""
    ours = played(ServerProcess(*CURRENT, "-js", "-sd", str(directory / "ours")), scenes)
    if PROGRAM is None:
        return ours, ours
    return ours, played(NatsServer("-js", "-sd", str(directory / "theirs")), scenes)
