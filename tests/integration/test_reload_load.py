"""Many reloads under load over TLS: nothing is lost, and nobody is closed who may stay."""

import asyncio
import os
import signal
import ssl
import threading
from pathlib import Path
from shutil import copy

import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg

from app.domain.dataplane import NATIVE, PYTHON, DataPlaneUnavailable, choose
from app.testing import wait_for
from tests.support.certificates import KeyPair, certificates
from tests.support.patience import PATIENCE
from tests.support.server_process import CURRENT, ServerProcess

pytestmark = pytest.mark.asyncio

HUPS = 100
PAIRS = 3


def twins() -> list[str]:
    """The data planes that are here."""
    found = [PYTHON]
    try:
        choose(NATIVE)
    except DataPlaneUnavailable:
        return found
    return [*found, NATIVE]


class Server:
    """The files of a server, another version each time."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "x.conf"
        self.pair = KeyPair(str(folder / "c.pem"), str(folder / "k.pem"))
        self.write(0)

    def write(self, number: int) -> None:
        """Change certificates, users, rights and limits; the users of the load keep what they need."""
        pair = certificates().rsa_server if number % 2 else certificates().server
        copy(pair.cert_file, self.pair.cert_file)
        copy(pair.key_file, self.pair.key_file)
        text = (
            f"max_payload: {100_000 + number}\n"
            f"max_connections: {1000 + number}\n"
            f'tls {{ cert_file: "{self.pair.cert_file}", key_file: "{self.pair.key_file}", timeout: 5 }}\n'
            "authorization { timeout: 5, users: [\n"
            f'  {{ user: "load", password: "p", permissions: {{ publish: ["load.>", "x{number}"] }} }}\n'
            f'  {{ user: "other{number}", password: "p" }}\n'
            "] }\n"
        )
        beside = self.file.with_suffix(".new")
        beside.write_text(text, "utf-8")
        beside.replace(self.file)


class Replacer(threading.Thread):
    """Replaces the file again and again, so that it is replaced while it is read."""

    def __init__(self, file: Path) -> None:
        super().__init__(daemon=True)
        self._file = file
        self.lock = threading.Lock()
        """Held for a replacement; another version is written under it."""
        self.is_over = threading.Event()
        self.count = 0

    def run(self) -> None:
        """Until it is over."""
        beside = self._file.with_suffix(".again")
        while not self.is_over.wait(0.001):
            with self.lock:
                copy(self._file, beside)
                beside.replace(self._file)
            self.count += 1


class Load:
    """A publisher and a subscriber, and what arrived."""

    def __init__(self) -> None:
        self.publisher, self.subscriber = Client(), Client()
        self.sent = 0
        self.heard: list[int] = []
        self.trouble: list[str] = []
        self._is_over = False

    async def connect(self, port: int, subject: str) -> None:
        """Connect both."""
        context = ssl.create_default_context(cafile=certificates().authority.ca_file)
        self._subject = subject
        for client in (self.publisher, self.subscriber):
            await client.connect(
                f"tls://localhost:{port}",
                user="load",
                password="p",  # noqa: S106 - a test's own
                tls=context,
                allow_reconnect=False,
                error_cb=self._failed,
                disconnected_cb=self._disconnected,
            )
        await self.subscriber.subscribe(subject, cb=self._take)
        await self.subscriber.flush()

    async def run(self) -> None:
        """Publish until `end`."""
        while not self._is_over:
            await self.publisher.publish(self._subject, b"%d" % self.sent)
            self.sent += 1
            if self.sent % 20 == 0:
                await self.publisher.flush()
        await self.publisher.flush()

    def is_complete(self) -> bool:
        """Whether all has arrived."""
        return len(self.heard) == self.sent

    def end(self) -> None:
        """Publish no more; what ends a connection now is no trouble."""
        self._is_over = True

    async def _take(self, message: Msg) -> None:
        self.heard.append(int(message.data))

    async def _failed(self, error: Exception) -> None:
        self.trouble.append(str(error))

    async def _disconnected(self) -> None:
        if not self._is_over:
            self.trouble.append("disconnected")


@pytest.mark.parametrize("twin", twins())
async def test_reloads_under_load(tmp_path: Path, twin: str) -> None:
    """Each message arrives once and in order, no connection ends, and the last configuration is in force."""
    files = Server(tmp_path)
    with ServerProcess(*CURRENT, "-c", str(files.file), env={"PYNATSD_DATA_PLANE": twin}) as server:
        loads = [Load() for _ in range(PAIRS)]
        for number, load in enumerate(loads):
            await load.connect(server.port, f"load.{number}")
        replacer = Replacer(files.file)
        replacer.start()
        running = [asyncio.create_task(load.run()) for load in loads]
        for number in range(1, HUPS + 1):
            with replacer.lock:
                files.write(number)
            os.kill(server.pid, signal.SIGHUP)
            await asyncio.to_thread(
                server.wait_for, f"Reloaded: max_payload = {100_000 + number}\n", PATIENCE
            )
        replacer.is_over.set()
        replacer.join()
        for load in loads:
            load.end()
        await asyncio.gather(*running)
        for load in loads:
            await wait_for(load.is_complete, PATIENCE)
        log = server.log
        for load in loads:
            await load.publisher.close()
            await load.subscriber.close()

    assert replacer.count > HUPS
    assert [[]] * PAIRS == [load.trouble for load in loads]
    assert all(load.heard == list(range(load.sent)) for load in loads)
    assert all(load.sent > HUPS for load in loads)
    assert HUPS == log.count("Reloaded server configuration (sha256:")
    assert "Failed to reload" not in log
