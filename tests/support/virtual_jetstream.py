"""JetStream in virtual time: a broker, streams in memory, and a client that makes requests."""

import json
from collections.abc import Mapping

from app.adapters.streams_memory.storage import MemoryStorage
from app.domain.dataplane.seam import MakePlane
from app.domain.hooks.gate import HookCaller, HookTerms
from app.domain.jetstream.hosting.catalogue import Storages
from app.domain.jetstream.service import JetStream, JetStreamNeeds
from app.domain.jetstream.settings import JetStreamSettings
from app.domain.jetstream.storage.seam import Storage
from app.domain.protocol.compatibility import Compatibility
from tests.fakes.clock import TickingClock
from tests.fakes.event_log import RecordingEventLog
from tests.support.virtual_broker import BrokerSetup, VirtualBroker, VirtualClient

CONNECT = b'CONNECT {"verbose":false,"headers":true,"no_responders":true}\r\n'
SETTINGS = JetStreamSettings(server_name="here", server_id="ID", version="2.11.0")


class VirtualJetStream:
    """A server with streams, on virtual time."""

    def __init__(  # noqa: PLR0913 - by name, and all have a default
        self,
        make_plane: MakePlane,
        *,
        settings: JetStreamSettings = SETTINGS,
        files: Storage | None = None,
        begin: bool = True,
        clock: TickingClock | None = None,
        hooks: tuple[HookTerms, HookCaller] | None = None,
    ) -> None:
        self.clock = clock or TickingClock()
        self.events = RecordingEventLog(debug=False, trace=False)
        setup = BrokerSetup(compatibility=Compatibility.CURRENT, clock=self.clock, hooks=hooks)
        self.server = VirtualBroker(make_plane, events=self.events, setup=setup)
        self.files = files or MemoryStorage()
        self._names = 0
        needs = JetStreamNeeds(
            self.server.broker, Storages(self.files, MemoryStorage()), self.wall, self._identifier
        )
        self.jetstream = JetStream(settings, needs)
        for _ in self.jetstream.recover():
            pass
        if begin:
            self.jetstream.begin()
        self.client = self.connect()
        self.client.send(b"SUB _I.> 1\r\n")
        self._asked = 0

    def wall(self) -> int:
        """The time, in nanoseconds."""
        return round(self.clock.time() * 1e9)

    def _identifier(self) -> str:
        self._names += 1
        return f"{self._names:06}"

    def connect(self) -> VirtualClient:
        """A client of today."""
        client = self.server.connect()
        client.ask(CONNECT)
        return client

    def raw(self, subject: str, payload: bytes = b"", headers: bytes = b"") -> bytes:
        """Make a request; all that the client heard of it."""
        self._asked += 1
        self.client.heard()
        words = f"{subject} _I.{self._asked}".encode()
        if headers:
            line = b"HPUB %b %d %d\r\n" % (words, len(headers), len(headers) + len(payload))
        else:
            line = b"PUB %b %d\r\n" % (words, len(payload))
        self.client.send(line + headers + payload + b"\r\n")
        self.server.advance(0.001)
        return self.client.heard()

    def ask(
        self, subject: str, document: Mapping[str, object] | bytes = b"", headers: bytes = b""
    ) -> dict[str, object]:
        """Make a request of the API; its answer, empty for none."""
        payload = document if isinstance(document, bytes) else json.dumps(document).encode()
        heard = self.raw(f"$JS.API.{subject}", payload, headers)
        if not heard:
            return {}
        answer: dict[str, object] = json.loads(heard.rsplit(b"\r\n", 2)[-2])  # headers may be before it
        return answer

    def refusal(
        self, subject: str, document: Mapping[str, object] | bytes = b"", headers: bytes = b""
    ) -> int:
        """The number of the error that answers; 0 for another answer."""
        error = self.ask(subject, document, headers).get("error")
        return int(error["err_code"]) if isinstance(error, dict) else 0

    def stream(self, name: str = "S", **fields: object) -> dict[str, object]:
        """Make a stream, which listens to `<name>.>` in lower case unless the fields say otherwise."""
        document = {"name": name, "subjects": [f"{name.lower()}.>"], **fields}
        return self.ask(f"STREAM.CREATE.{name}", document)

    def consumer(self, stream: str = "S", name: str = "C", **fields: object) -> dict[str, object]:
        """Make a durable consumer."""
        config = {"durable_name": name, "ack_policy": "explicit", **fields}
        document = {"stream_name": stream, "config": config}
        return self.ask(f"CONSUMER.CREATE.{stream}.{name}", document)

    def publish(self, subject: str, payload: bytes = b"x") -> dict[str, object]:
        """Publish with an answer."""
        answer: dict[str, object] = json.loads(self.raw(subject, payload).split(b"\r\n", 1)[1])
        return answer

    def restarted(self, make_plane: MakePlane) -> "VirtualJetStream":
        """Another server on the same files."""
        return VirtualJetStream(make_plane, files=self.files)
