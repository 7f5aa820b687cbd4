"""The load: what many clients do to one server at the same time, some of them badly.

It runs in a process of its own, so that the probe measures the server and not the load.
Every part is bounded, in connections and in messages a second.
"""

import asyncio
import contextlib
import itertools
import random
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable
from multiprocessing.connection import Connection

from soak.client import Client, ServerFailed, connected, logged_in
from soak.environment import HASHED_USER, HOST, PASSWORD, Environment
from soak.route_peer import restart_for_ever

SIZE = 1000
RATE = 1000
"""Messages that the publisher sends in a second."""

_TICK = 0.02
_STOP_SECONDS = 30.0
_SLOW_READS = 120
_CROWD = 10
"""Clients that come and go at the same time."""

_PAGES = (
    "/varz",
    "/connz?subs=detail&auth=1",
    "/connz?sort=pending&limit=5",
    "/routez?subs=1",
    "/subsz?subs=1",
    "/metrics",
    "/healthz",
    "/dashboard",
    "/openapi.json",
)

Act = Callable[["Load"], Awaitable[None]]


class Load:
    """What the parts of the load share."""

    def __init__(self, environment: Environment, seed: int) -> None:
        self.environment = environment
        self.counts: Counter[str] = Counter()
        self.chance = random.Random(seed)  # noqa: S311 - it chooses what to do next
        self.numbers = itertools.count()

    async def run(self) -> None:
        """Play all parts until cancelled."""
        parts: list[tuple[Act, float]] = [
            (publish, 0.0),
            (listen, 0.0),
            (publish_new_subjects, 0.0),
            *[(come_and_go, 0.05)] * _CROWD,
            *[(read_slowly, 0.2)] * 3,
            (log_in_wrongly, 0.1),
            (log_in_with_hash, 0.5),
            *[(break_handshake, 0.1)] * 3,
            (shake_hands, 0.3),
            *[(read_pages, 0.2)] * 2,
            (leave_page, 0.5),
        ]
        async with asyncio.TaskGroup() as group:
            group.create_task(restart_for_ever(self.environment, self.counts))
            for act, pause in parts:
                group.create_task(self._repeat(act, pause))

    async def _repeat(self, act: Act, pause: float) -> None:
        """Do it again and again; after a refusal or a cut it begins anew."""
        while True:
            try:
                await act(self)
            except (OSError, ServerFailed, EOFError, TimeoutError):
                self.counts["connections closed by the server, or refused"] += 1
            await asyncio.sleep(pause)


async def publish(load: Load) -> None:
    """A steady publisher on the subjects that the slow readers and the good one take."""
    async with logged_in(load.environment.ports.clients, name="publisher") as client:
        reading = asyncio.create_task(client.read_for_ever())
        batch = max(1, round(RATE * _TICK))
        try:
            while not reading.done():
                subject = f"busy.{load.chance.randrange(10)}"
                await client.send(f"PUB {subject} {SIZE}\r\n{'x' * SIZE}\r\n".encode() * batch)
                load.counts["messages published"] += batch
                await asyncio.sleep(_TICK)
        finally:
            reading.cancel()


async def listen(load: Load) -> None:
    """A subscriber that takes everything at once."""
    async with logged_in(load.environment.ports.clients, name="listener") as client:
        await client.send(b"SUB busy.> 1\r\nSUB busy.1 group 2\r\n")
        await client.read_for_ever()


async def publish_new_subjects(load: Load) -> None:
    """Requests of the usual kind: each subject is used once, and never again."""
    async with logged_in(load.environment.ports.clients, name="requests") as client:
        await client.send(b"SUB _INBOX.soak.* 1\r\nSUB new.> 2\r\n")
        while True:
            lines = [
                f"PUB new.{number} _INBOX.soak.{number} 2\r\nhi\r\nPUB _INBOX.soak.{number} 2\r\nho\r\n"
                for number in itertools.islice(load.numbers, 20)
            ]
            await client.send("".join(lines).encode())
            load.counts["messages on new subjects"] += await client.fence()
            await asyncio.sleep(_TICK)


async def come_and_go(load: Load) -> None:
    """Connect, subscribe, publish, unsubscribe in part, and leave, politely or not."""
    async with logged_in(load.environment.ports.clients, name="visitor") as client:
        await client.send(_subscriptions(load) + b"PUB visits 2\r\nhi\r\n")
        await client.fence()
        await client.send(b"".join(b"UNSUB %d\r\n" % sid for sid in range(0, 20, 2)))
        await client.fence()
        load.counts["clients that came and went"] += 1
        if load.chance.random() < 0.5:
            client.abort()


def _subscriptions(load: Load) -> bytes:
    """Twenty, of all kinds; one ends after a number of messages."""
    kinds = ("visits", "visits group", "visits.*.{0}", "some.{0}.>", "*.{0}", "only.{0} group{0}")
    lines = (
        f"SUB {load.chance.choice(kinds).format(load.chance.randrange(1000))} {sid}\r\n" for sid in range(20)
    )
    return "".join(lines).encode() + b"UNSUB 3 1\r\n"


async def read_slowly(load: Load) -> None:
    """Subscribe to the busy subjects, and read 4 KiB every half second, for a minute or until cut."""
    async with logged_in(load.environment.ports.clients, receive_bytes=4096, name="crawler") as client:
        await client.send(b"SUB busy.> 1\r\n")
        load.counts["slow readers"] += 1
        with contextlib.suppress(ConnectionError):
            for _ in range(_SLOW_READS):
                if not await client.reader.read(4096):
                    break
                await asyncio.sleep(0.5)
            else:
                return
        load.counts["slow readers that were cut"] += 1


async def log_in_wrongly(load: Load) -> None:
    """A wrong password for one user or the other, or a name nobody has; some leave before the verdict."""
    user = load.chance.choice((HASHED_USER, "soak", f"nobody{load.chance.randrange(1000)}"))
    async with logged_in(load.environment.ports.clients, user, f"wrong {next(load.numbers)}") as client:
        load.counts["wrong logins"] += 1
        if load.chance.random() < 0.3:
            client.abort()
        else:
            await _until_end(client)


async def log_in_with_hash(load: Load) -> None:
    """A login whose password is checked against a hash."""
    async with logged_in(load.environment.ports.clients, HASHED_USER, PASSWORD) as client:
        await client.fence()
        load.counts["logins by hash"] += 1


async def break_handshake(load: Load) -> None:
    """Begin a TLS handshake at the port for routes, and stop anywhere in it."""
    into, out = ssl.MemoryBIO(), ssl.MemoryBIO()
    hello = _context().wrap_bio(into, out, server_hostname="localhost")
    with contextlib.suppress(ssl.SSLWantReadError):
        hello.do_handshake()
    data = out.read()
    async with connected(load.environment.ports.routes) as client:
        load.counts["handshakes broken off"] += 1
        await client.send(data[: load.chance.randrange(len(data) + 1)])
        if load.chance.random() < 0.5:
            client.abort()
        else:
            await _until_end(client)


async def shake_hands(load: Load) -> None:
    """Finish a handshake without a certificate, which servers do not accept."""
    reader, writer = await asyncio.open_connection(HOST, load.environment.ports.routes)
    try:
        await asyncio.wait_for(reader.readline(), 5)
        load.counts["handshakes without a certificate"] += 1
        await writer.start_tls(_context(), ssl_handshake_timeout=5)
        await asyncio.wait_for(reader.read(), 5)
    finally:
        writer.transport.abort()


def _context() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


async def read_pages(load: Load) -> None:
    """One page of monitoring, whole."""
    page = load.chance.choice(_PAGES)
    async with connected(load.environment.ports.monitoring) as client:
        await client.send(f"GET {page} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode())
        async with asyncio.timeout(30):
            status = await client.reader.readline()
            await client.read_for_ever()
    if b" 200 " not in status:
        raise ServerFailed(f"{page}: {status!r}")
    load.counts["pages of monitoring"] += 1


async def leave_page(load: Load) -> None:
    """Ask for a page, and leave before it is there."""
    async with connected(load.environment.ports.monitoring) as client:
        await client.send(b"GET /connz?subs=1 HTTP/1.1\r\nHost: a\r\n\r\n")
        load.counts["pages left"] += 1
        client.abort()


async def _until_end(client: Client) -> None:
    async with asyncio.timeout(10):
        await client.read_for_ever()


def play(environment: Environment, seed: int, control: Connection) -> None:
    """The load's process: play until the other side of `control` says stop, then send what was done."""
    asyncio.run(_play(Load(environment, seed), control))


async def _play(load: Load, control: Connection) -> None:
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_reader(control.fileno(), stopped.set)
    playing = asyncio.create_task(load.run())
    waiting = asyncio.create_task(stopped.wait())
    await asyncio.wait([playing, waiting], return_when=asyncio.FIRST_COMPLETED)
    asyncio.get_running_loop().remove_reader(control.fileno())
    failed = playing.exception() if playing.done() else None
    playing.cancel()
    await asyncio.wait([playing], timeout=_STOP_SECONDS)
    control.send((dict(load.counts), "" if failed is None else f"the load failed: {failed!r}"))
