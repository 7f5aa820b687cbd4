"""Streams of a small company, with consumers that keep up, that are behind, and that try again."""

import asyncio
import math
from contextlib import suppress

import nats
from nats.errors import Error
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, RetentionPolicy, StorageType, StreamConfig

from screenshots.loop_thread import LoopThread

BEHIND = "warehouse"
"""A consumer that is behind, of the stream `ORDERS`."""

_STREAMS = (
    StreamConfig("ORDERS", subjects=["orders.>"], max_age=7 * 86400),
    StreamConfig("PAYMENTS", subjects=["payments.*"], retention=RetentionPolicy.WORK_QUEUE),
    StreamConfig("SENSORS", subjects=["sensors.>"], storage=StorageType.MEMORY, max_msgs=20_000),
    StreamConfig("AUDIT", subjects=["audit.>", "login.*"], max_bytes=64 * 1024 * 1024),
    StreamConfig("KV_settings", subjects=["$KV.settings.>"], max_msgs_per_subject=5, allow_rollup_hdrs=True),
)
_CONSUMERS = (
    ("ORDERS", "billing", "orders.created", 1.0),
    ("ORDERS", BEHIND, "orders.>", 0.4),
    ("PAYMENTS", "bank-gateway", "payments.*", 0.9),
    ("SENSORS", "dashboard-feed", "sensors.>", 1.0),
    ("AUDIT", "archive", "audit.>", 0.7),
)
"""Stream, name, subject, and the share of the messages that it fetches."""

_SUBJECTS = ("orders.created", "orders.paid", "payments.card", "sensors.9.temperature", "audit.login")
_TURN_SECONDS = 0.1
_ACK_SECONDS = 3.0
_DELIVERIES = 3


class Streams(LoopThread):
    """Clients of the streams of a server, on a thread of their own, within a ``with`` block."""

    def __init__(self, port: int) -> None:
        super().__init__("streams")
        self._port = port

    async def run(self) -> None:
        """Have the clients do what they do until the end."""
        client = await nats.connect(f"nats://127.0.0.1:{self._port}", name="stream-load")
        streams = client.jetstream()
        for config in _STREAMS:
            await streams.add_stream(config)
        for stream, name, subject, _ in _CONSUMERS:
            terms = ConsumerConfig(
                durable_name=name,
                ack_policy=AckPolicy.EXPLICIT,
                ack_wait=_ACK_SECONDS,
                filter_subject=subject,
            )
            await streams.add_consumer(stream, terms)
        tasks = [asyncio.create_task(self._publish(streams))]
        tasks += [asyncio.create_task(self._consume(streams, *each)) for each in _CONSUMERS]
        await self.until_the_end()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await client.close()

    async def _publish(self, streams: JetStreamContext) -> None:
        for turn in range(1_000_000):
            for number, subject in enumerate(_SUBJECTS):
                for _ in range(1 + int(3 + 3 * math.sin(turn / 40 + number))):
                    await streams.publish(subject, bytes(120 + 60 * number))
            await streams.publish(f"$KV.settings.key-{turn % 40}", b"on")
            await asyncio.sleep(_TURN_SECONDS)

    async def _consume(
        self, streams: JetStreamContext, stream: str, name: str, subject: str, share: float
    ) -> None:
        """Fetch that share of what comes, and acknowledge one in twenty at its fourth delivery."""
        pull = await streams.pull_subscribe(subject, durable=name, stream=stream)
        while True:
            with suppress(Error, TimeoutError):
                for message in await pull.fetch(max(1, int(10 * share)), timeout=1):
                    known = message.metadata
                    if share == 1.0 or known.sequence.stream % 20 or known.num_delivered > _DELIVERIES:
                        await message.ack()
            await asyncio.sleep(_TURN_SECONDS * 2 * (1.0 - share) + 0.01)
