"""A server as a thing to start and stop: it ends, whatever its parts do."""

import asyncio
import threading
from collections.abc import Callable, Mapping

import pytest
from dependency_injector import providers

from app.adapters.net_memory import MemoryNetwork
from app.config.options import make_options
from app.domain.dataplane import PYTHON
from app.domain.security.credentials import Answer, Credentials
from app.entrypoints import service as module
from app.entrypoints.container import Container
from app.entrypoints.events import StopIncomplete
from app.entrypoints.service import Addresses, Service
from app.ports.authenticator import Authenticator
from app.ports.monitor import Monitor
from app.ports.transport import Address
from tests.fakes.event_log import RecordingEventLog
from tests.support.certificates import certificates
from tests.support.patience import PATIENCE


class FakeMonitor(Monitor):
    """Pages that nobody reads."""

    def __init__(self) -> None:
        self.closed = 0
        self.stuck = False
        self.questions: list[Callable[[], bool]] = []
        """What is asked while it prepares; then there are the answers."""
        self.answers: list[bool] = []

    @property
    def ports(self) -> Mapping[str, int]:
        """One that was free."""
        return {"http": 8222}

    async def listen(self) -> None:
        """There is no port."""

    async def prepare(self) -> None:
        """Ask."""
        self.answers = [ask() for ask in self.questions]

    async def start(self) -> None:
        """There is nothing to serve."""

    async def close(self) -> None:
        """Note it, or never end."""
        self.closed += 1
        while self.stuck:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                continue


class Fragile(Authenticator):
    """Cannot be closed."""

    required = True

    def check(self, credentials: Credentials, answer: Answer) -> None:  # noqa: ARG002 - the port's signature
        """Nobody comes in."""
        answer(None)

    def close(self) -> None:
        """Fail."""
        raise ZeroDivisionError


class Rig:
    """A service without sockets."""

    def __init__(self, **options: object) -> None:
        self.log = RecordingEventLog()
        self.monitor = FakeMonitor()
        container = Container(make_options({"host": "somewhere", "port": 4222} | options), PYTHON)
        container.event_log.override(providers.Object(self.log))
        network = MemoryNetwork(container.clock())
        container.listener.override(providers.Object(network.listener("somewhere", 4222)))
        container.monitor.override(providers.Object(self.monitor))
        self.container = container

    @property
    def service(self) -> Service:
        """It, made once."""
        return self.container.service()


@pytest.mark.asyncio
async def test_it_ends_with_its_log() -> None:
    """A stopped server has closed its log; how often it is asked does not matter."""
    rig = Rig()
    addresses = await rig.service.start()

    await rig.service.stop()
    await rig.service.stop()
    await rig.service.departed()

    assert Addresses((Address("somewhere", 4222),), None, {"http": 8222}) == addresses
    assert (True, 1) == (rig.log.closed, rig.monitor.closed)


@pytest.mark.asyncio
async def test_a_log_that_its_owner_keeps() -> None:
    """It is open after the end, for those who have something to say."""
    rig = Rig()
    await rig.service.start()
    await rig.service.stop(keep_log=True)
    await rig.service.departed()

    assert not rig.log.closed


class QuickLog(RecordingEventLog):
    """A log that waits for nothing, and notes which thread has closed it."""

    may_wait = False
    closer = 0

    def close(self) -> None:
        """Note it."""
        super().close()
        self.closer = threading.get_ident()


@pytest.mark.asyncio
async def test_a_log_that_waits_for_nothing() -> None:
    """It is closed without a thread."""
    rig, log = Rig(), QuickLog()
    rig.container.event_log.override(log)
    await rig.service.start()
    await rig.service.stop()
    await rig.service.departed()

    assert (True, threading.get_ident()) == (log.closed, log.closer)


@pytest.mark.asyncio
@pytest.mark.parametrize("plenty", [True, False])
async def test_pages_and_clients(*, plenty: bool) -> None:
    """Clients come in while pages are prepared, unless they could take the descriptors for these."""
    rig = Rig()
    rig.container.are_descriptors_plenty.override(providers.Object(lambda: plenty))
    rig.monitor.questions.append(
        lambda: "Listening for client connections on somewhere:4222" in rig.log.texts()
    )

    await rig.service.start()
    await rig.service.stop()
    await rig.service.departed()

    assert [plenty] == rig.monitor.answers


@pytest.mark.asyncio
async def test_a_part_that_does_not_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A part that swallows its cancellation is given up after a while, and the log says which."""
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 0.05)
    rig = Rig()
    rig.monitor.stuck = True
    rig.container.authenticator.override(providers.Object(Fragile()))
    await rig.service.start()

    async with asyncio.timeout(PATIENCE):
        await rig.service.stop()
        await rig.service.departed()
    rig.monitor.stuck = False
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()

    assert ["monitoring", "the authenticator"] == [fact.part for fact in rig.log.of(StopIncomplete)]
    assert "Cannot stop monitoring cleanly: it takes longer than 0.05 s" in rig.log.texts()


@pytest.mark.asyncio
async def test_clients_that_are_never_flushed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A broker that does not report its end is not waited for longer than it may take."""
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 0.05)
    monkeypatch.setattr(module, "FLUSH_SECONDS", 0.0)
    rig = Rig()
    await rig.service.start()
    monkeypatch.setattr(rig.service.broker, "shutdown", lambda _done: None)

    async with asyncio.timeout(PATIENCE):
        await rig.service.stop()

    assert ["the clients"] == [fact.part for fact in rig.log.of(StopIncomplete)]


@pytest.mark.asyncio
async def test_a_start_that_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A start that is cancelled leaves nothing open, and the server can be stopped."""
    rig = Rig()

    async def wait() -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(rig.monitor, "start", wait)
    starting = asyncio.create_task(rig.service.start())
    await asyncio.sleep(0)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    await rig.service.stop()
    await rig.service.departed()

    assert (True, 1) == (rig.log.closed, rig.monitor.closed)


@pytest.mark.asyncio
@pytest.mark.parametrize("early", [False, True])
async def test_requests_end_before_clients_do(monkeypatch: pytest.MonkeyPatch, *, early: bool) -> None:
    """Those who wait for messages hear of the end, also when it comes while the pages start."""
    rig = Rig(jetstream=True)
    rig.container.streams_in_memory.override(providers.Object(provides=True))
    streams, broker, happened = rig.container.streams(), rig.service.broker, list[str]()
    shutdown, started = broker.shutdown, asyncio.Event()

    async def end_requests() -> None:
        happened.append("requests")

    def shut_down(done: Callable[[], None]) -> None:
        happened.append("clients")
        shutdown(done)

    async def begin() -> None:
        started.set()
        if early:
            await asyncio.Event().wait()

    monkeypatch.setattr(streams, "end_requests", end_requests)
    monkeypatch.setattr(broker, "shutdown", shut_down)
    monkeypatch.setattr(rig.monitor, "start", begin)
    starting = asyncio.create_task(rig.service.start())
    await started.wait()
    if early:
        starting.cancel()
    await asyncio.wait([starting])
    await rig.service.stop()
    await rig.service.departed()

    assert early == starting.cancelled()
    assert ["requests", "clients"] == happened[:2]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("first", "optional", "lines"),
    [
        (False, False, ["TLS required for client connections"]),
        (False, True, ["TLS available for client connections"]),
        ("auto", False, ["TLS required for client connections"]),
        (
            True,
            True,
            [
                "TLS required for client connections",
                "TLS handshake first: clients that wait for INFO before it cannot connect",
            ],
        ),
    ],
)
async def test_what_the_log_says_of_tls(first: object, *, optional: bool, lines: list[str]) -> None:
    """The log says whether clients need TLS, may use it, or must begin with it."""
    pair = certificates().server
    tls = {"cert_file": pair.cert_file, "key_file": pair.key_file, "handshake_first": first}
    rig = Rig(tls=tls, allow_non_tls=optional)
    await rig.service.start()
    await rig.service.stop()
    await rig.service.departed()

    assert lines == [text for text in rig.log.texts() if text.startswith("TLS ")]
