"""A consumer on a stream in virtual time, and what clients do with it."""

import json
from collections.abc import Mapping
from dataclasses import replace

from app.domain.jetstream.consumers.config import ConsumerConfig, as_json, parse_consumer_config
from app.domain.jetstream.consumers.consumer import Consumer
from app.domain.jetstream.consumers.core import Services
from app.domain.jetstream.consumers.rules import checked
from app.domain.jetstream.consumers.scheduling import ConsumerScheduler
from app.domain.jetstream.streams.config import StreamConfig
from tests.fakes.jetstream import FakeOutlet, FakeState, FakeStream, Sent

INBOX = "_INBOX.a"
SECOND = 10**9
MS = 10**6


def numbers(sent: Sent) -> tuple[int, ...]:
    """Deliveries, stream sequence, consumer sequence, time and pending, from an ack subject."""
    return tuple(map(int, sent.reply.split(b".")[-5:]))


class Harness:
    """One stream, one consumer, one client that listens to `_INBOX.>`."""

    def __init__(self, stream: StreamConfig | None = None, first: int = 1) -> None:
        self.outlet = FakeOutlet()
        self.clock = self.outlet.clock
        self.stream = FakeStream(self.outlet, stream, first)
        self.scheduling = ConsumerScheduler(self.outlet.scheduler)
        self.services = Services(self.outlet, self.scheduling)
        self.state = FakeState()
        self.advisories: list[tuple[str, dict[str, object]]] = []
        self.ended = 0
        self.consumer: Consumer
        self.outlet.subscribe("_INBOX.>")

    def create(self, **fields: object) -> Consumer:
        """A consumer called C with these fields, explicit acks and durable unless they say otherwise."""
        self.make(**fields)
        self.consumer.start()
        self.run()
        return self.consumer

    def make(self, **fields: object) -> Consumer:
        """The same, without its start."""
        document = {"durable_name": "C", "ack_policy": "explicit"} | fields
        config = checked(parse_consumer_config(document), self.stream.config)
        self._open(replace(config, name="C"))
        return self.consumer

    def _open(self, config: ConsumerConfig) -> None:
        self.consumer = Consumer("C", config, self.stream, self.state, self.services)
        self.consumer.on_advisory = lambda kind, fields: self.advisories.append((kind, fields))
        self.consumer.on_inactive = self._end
        self.stream.readers = [self.consumer]

    def _end(self) -> None:
        self.ended += 1

    def reconfigured(self, **fields: object) -> ConsumerConfig:
        """Its configuration with other fields, checked."""
        document = as_json(self.consumer.config) | fields
        return checked(parse_consumer_config(document), self.stream.config)

    def restart(self, keep: int | None = None, away: float = 0.0) -> Consumer:
        """Kill and recover it; `keep` writes after the safe ones, all by default."""
        config = self.consumer.config
        self.consumer.delete()
        self.state = self.state.reopen(keep)
        self.clock.advance(away)
        self._open(config)
        self.consumer.start()
        self.run()
        return self.consumer

    def run(self) -> None:
        """Let all that is due now happen."""
        self.clock.run_pending()

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.advance(seconds)

    def publish(self, count: int = 1, subject: str = "s.a", payload: bytes = b"x") -> None:
        """Store messages."""
        for _ in range(count):
            self.stream.add(subject, payload)
        self.run()

    def ask(self, inbox: str = INBOX, **fields: object) -> list[Sent]:
        """A pull request; returns what came at once."""
        return self.request(fields, inbox)

    def request(self, body: Mapping[str, object], inbox: str = INBOX) -> list[Sent]:
        """The same, with the body as a dictionary."""
        self.consumer.pull(json.dumps(dict(body)).encode() if body else b"", inbox.encode())
        self.run()
        return self.outlet.take(inbox)

    def fetch(self, batch: int = 1) -> list[Sent]:
        """What is there, up to a batch, without the status at the end."""
        return [sent for sent in self.ask(batch=batch, no_wait=True) if sent.reply]

    def ack(self, message: Sent, payload: bytes = b"", *, double: bool = False) -> bool:
        """Say something of a message; answers whether an answer came."""
        tokens = message.reply.split(b".")[-5:]
        self.consumer.ack(tokens, payload, b"_INBOX.ack" if double else b"")
        self.run()
        return bool(self.outlet.take("_INBOX.ack"))

    def count(self, name: str) -> int:
        """A number of consumer info."""
        value = self.consumer.info_json()[name]
        assert isinstance(value, int)
        return value

    @property
    def info(self) -> dict[str, object]:
        """Consumer info."""
        return self.consumer.info_json()

    def place(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """What was delivered, and the ack floor."""
        info = self.info
        return _pair(info["delivered"]), _pair(info["ack_floor"])


def _pair(place: object) -> tuple[int, int]:
    assert isinstance(place, dict)
    return int(place["consumer_seq"]), int(place["stream_seq"])
