"""Clients at both ends of a leaf link, and how a test waits until interest has crossed it."""

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import NamedTuple

import nats
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error, NoRespondersError

DEADLINE = 45.0
"""Seconds until a test gives up; far more than any case needs on an idle machine."""

TICK = 0.01
"""Seconds between questions about what other processes know, which is no event here."""

_numbers = itertools.count(1)


class Ends(NamedTuple):
    """A client at the end where a message begins, and one where it is heard."""

    near: Client
    far: Client
    far_url: str
    """Where others may join the far one."""


async def _ignore(_error: Exception) -> None:
    """What tests need to know of errors they ask for."""


@asynccontextmanager
async def clients(*urls: str, **options: object) -> AsyncIterator[list[Client]]:
    """A client for each of the servers, closed when the block is left."""
    async with AsyncExitStack() as stack:
        found = []
        for url in urls:
            client = await nats.connect(url, error_cb=_ignore, allow_reconnect=False, **options)
            stack.push_async_callback(client.close)
            found.append(client)
        yield found


async def until(happened: Callable[[], Awaitable[bool]]) -> None:
    """Ask until the answer is yes; raises TimeoutError after `DEADLINE` seconds."""
    async with asyncio.timeout(DEADLINE):
        while not await happened():  # noqa: ASYNC110 - what other processes know is no event here
            await asyncio.sleep(TICK)


async def answers(near: Client, subject: str) -> bool:
    """Whether a request on this subject is answered now."""
    try:
        await near.request(subject, timeout=1.0)
    except Error:
        return False
    return True


async def is_unheard(near: Client, subject: str, seconds: float = 0.2) -> bool:
    """Whether the server of this client says, in this time, that nobody listens to this subject."""
    try:
        await near.request(subject, timeout=seconds)
    except NoRespondersError:
        return True
    except Error:
        return False
    return False


async def met(near: Client, far: Client) -> None:
    """Return when all that `far` has asked for so far is known where `near` is.

    Interest travels in order, so a service that is known shows that the rest is.
    """
    subject = f"met.{next(_numbers)}"

    async def answer(message: Msg) -> None:
        await message.respond(b"")

    service = await far.subscribe(subject, cb=answer)
    await far.flush()
    await until(lambda: answers(near, subject))
    await service.unsubscribe()
    await far.flush()


async def all_met(*found: Client) -> None:
    """The same for all of these, in every direction."""
    for near, far in itertools.permutations(found, 2):
        await met(near, far)


async def passed(near: Client, far: Client) -> None:
    """Return when all that `near` has published so far has reached `far`."""
    await near.flush()
    await met(near, far)
    await far.flush()


class Heard:
    """Counts what subscriptions have received, by payload."""

    def __init__(self) -> None:
        self.payloads: list[bytes] = []
        self.places: Counter[str] = Counter()
        """How many messages each place has received."""
        self._changed = asyncio.Condition()

    async def listen(self, client: Client, subject: str, place: str = "", queue: str = "") -> None:
        """Subscribe a client; `place` is the name under which it is counted."""

        async def take(message: Msg) -> None:
            async with self._changed:
                self.payloads.append(message.data)
                self.places[place] += 1
                self._changed.notify_all()

        await client.subscribe(subject, queue=queue, cb=take)
        await client.flush()

    async def wait(self, count: int) -> None:
        """Return when this many messages have come; raises TimeoutError if they don't."""
        async with asyncio.timeout(DEADLINE), self._changed:
            await self._changed.wait_for(lambda: len(self.payloads) >= count)

    @property
    def copies(self) -> set[int]:
        """How often the messages have come: {1} if each came once."""
        return set(Counter(self.payloads).values())
