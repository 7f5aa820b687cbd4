"""Traffic that looks like that of a small company: 200 clients, and waves of messages.

Each further server of the cluster has a few clients of its own, who listen and talk.
"""

import asyncio
import math
import random
from collections.abc import Sequence

import nats
from nats.aio.client import Client
from nats.aio.msg import Msg

from screenshots.loop_thread import LoopThread

CLIENTS = 200
ELSEWHERE = 3
"""Clients of each further server."""

_TRADES = (
    ("orders-api", "orders.created", "orders.created"),
    ("billing", "orders.*.status", "orders.17.status"),
    ("pricing", "prices.eur.>", "prices.eur.oil"),
    ("inventory", "inventory.changed", "inventory.changed"),
    ("web-gateway", "sensors.*.temperature", "sensors.9.temperature"),
    ("sensor-ingest", "audit.>", "audit.login"),
    ("audit-log", "mail.send", "mail.send"),
    ("mailer", "search.update", "search.update"),
    ("search-index", "metrics.host.*", "metrics.host.7"),
    ("metrics-relay", "chat.room.42", "chat.room.42"),
)
"""What clients are called, what they listen to, and what they publish."""

_WEIGHTS = range(len(_TRADES), 0, -1)
_BLOCK = b"x" * 1000
_TURN_SECONDS = 0.05


class Load(LoopThread):
    """Clients of a cluster, on a thread of their own, within a ``with`` block."""

    def __init__(self, port: int, others: Sequence[int] = ()) -> None:
        """`port` is that of the server in the pictures, `others` those of the further ones."""
        super().__init__("load")
        self._port, self._others = port, others
        self._chance = random.Random(7)  # noqa: S311 - it makes up traffic

    async def run(self) -> None:
        """Have the clients do what they do until the end."""
        clients = [await self._client(self._port, number) for number in range(CLIENTS)]
        clients += [await self._client(port, number) for port in self._others for number in range(ELSEWHERE)]
        talking = asyncio.create_task(self._talk(clients))
        await self.until_the_end()
        talking.cancel()
        await asyncio.gather(talking, *(client.close() for client in clients), return_exceptions=True)

    async def _client(self, port: int, number: int) -> Client:
        trade = number % len(_TRADES)
        name, subject, _ = _TRADES[trade]
        client = await nats.connect(
            f"nats://127.0.0.1:{port}",
            name=f"{name}-{number // len(_TRADES):02}",
            error_cb=_let_go,
        )
        await client.subscribe(subject, cb=_ignore)
        if number % 3 == 0:
            await client.subscribe(_TRADES[(trade + 5) % len(_TRADES)][1], queue="workers", cb=_ignore)
        return client

    async def _talk(self, clients: list[Client]) -> None:
        """Publish small messages, now more of them, now fewer."""
        for turn in range(1_000_000):
            tide = 14 + 9 * math.sin(turn / 300) + 4 * math.sin(turn / 70) + 3 * self._chance.random()
            for _, _, subject in self._chance.choices(_TRADES, _WEIGHTS, k=int(tide)):
                await self._chance.choice(clients).publish(subject, _BLOCK[: self._chance.randrange(50, 900)])
            await asyncio.sleep(_TURN_SECONDS)


async def _ignore(_message: Msg) -> None:
    """Listening is all they do."""


async def _let_go(_error: Exception) -> None:
    """Its server has been stopped, for a picture."""
