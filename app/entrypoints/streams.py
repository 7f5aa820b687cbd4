"""JetStream as a part of the server, to start and to stop."""

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ..adapters.process.own_thread import in_own_thread
from ..domain.broker import Broker
from ..domain.failure import described, reason_of
from ..domain.jetstream.events import JetStreamStarting, JetStreamStopped, TemporaryStore
from ..domain.timers import Scheduler
from ..domain.value_object import value_object
from ..ports.clock import Clock
from ..ports.entropy import Entropy

if TYPE_CHECKING:
    from ..domain.jetstream.service import JetStream
    from ..domain.jetstream.settings import JetStreamSettings
    from ..domain.jetstream.storage.seam import Storage
    from ..ports.files import Files
    from ..ports.streams_view import StreamsView

STEP_SECONDS = 0.005
"""How long many consumers are asked for something, before others have their turn."""

_UNITS = ((2**40, "TB"), (2**30, "GB"), (2**20, "MB"), (2**10, "KB"))


class CannotOpen(Exception):
    """The storage cannot be used; the text says why, and what to do."""


@value_object
class StorageNeeds:
    """What a storage needs of the server."""

    scheduler: Scheduler
    call_soon: Callable[[Callable[[], None]], object]
    """Has something called on the loop, from any thread."""
    watch: Callable[[int, Callable[[], None]], Callable[[], None]]
    """Has something called on the loop when a descriptor can be read; returns a call that ends that."""
    incarnation: Callable[[], int]
    """Makes numbers of 64 bits by chance."""


OpenStorage = Callable[["JetStreamSettings", StorageNeeds], "Storage"]
"""Opens what holds streams in files. Raises `OSError` or `CannotOpen`. Called in a thread of its own."""


def open_storage(
    settings: "JetStreamSettings",
    needs: StorageNeeds,
    *,
    wrap: Callable[["Files"], "Files"] = lambda files: files,
) -> "Storage":
    """Files in the directory, which is made, or memory where there is none.

    `wrap` may put something between the storage and the disk.
    """
    # Here and below: a server without streams starts without their modules, which are a hundred.
    from ..adapters.streams_memory.storage import MemoryStorage  # noqa: PLC0415 - see above

    if not settings.store_dir:
        return MemoryStorage()
    from ..adapters.files_os.files import OsFiles  # noqa: PLC0415 - see above
    from ..adapters.files_os.worker import SyncThread  # noqa: PLC0415 - see above
    from ..adapters.streams_log.storage import (  # noqa: PLC0415 - see above
        CannotOpenStore,
        FileStorage,
        StoreSettings,
    )

    directory = _made(Path(settings.store_dir))
    try:
        return FileStorage(
            wrap(OsFiles(directory)),
            SyncThread(needs.call_soon, needs.watch),
            needs.scheduler,
            needs.incarnation,
            StoreSettings(interval=settings.sync_interval),
        )
    except CannotOpenStore as error:
        raise CannotOpen(f"{settings.store_dir}: {error}") from error


def _watch(loop: asyncio.AbstractEventLoop, descriptor: int, call: Callable[[], None]) -> Callable[[], None]:
    loop.add_reader(descriptor, call)

    def end() -> None:
        loop.remove_reader(descriptor)

    return end


def _made(directory: Path) -> Path:
    """The directory, which is made if it is not there; the errors begin like nats-server's.

    Launchers look for their words. Raises `CannotOpen`.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise CannotOpen(
            f"storage directory is not a directory: {directory}; remove that file, or set another store_dir"
        ) from error
    except (OSError, ValueError) as error:  # the second: no name of a file
        reason = reason_of(error)
        raise CannotOpen(f"could not create storage directory {directory}: {reason}") from error
    return directory


class Streams:
    """One server's JetStream; there is none before `start`."""

    def __init__(
        self,
        broker: Broker,
        settings: Callable[[], "JetStreamSettings"],
        open_storage: OpenStorage,
        clock: Clock,
        entropy: Entropy,
    ) -> None:
        """`settings` are found out at start, as they depend on the machine."""
        self._broker = broker
        self._make_settings = settings
        self._open_storage = open_storage
        self._clock = clock
        self._entropy = entropy
        self._storage: Storage | None = None
        self.jetstream: JetStream | None = None

    async def start(self) -> None:
        """Bring back what is stored, and serve. Raises `CannotOpen`."""
        from ..adapters.streams_memory.storage import MemoryStorage  # noqa: PLC0415 - see `open_storage`
        from ..domain.jetstream.hosting.catalogue import Storages  # noqa: PLC0415 - the same
        from ..domain.jetstream.service import JetStream, JetStreamNeeds  # noqa: PLC0415 - the same

        settings = self._make_settings()
        self._report_start(settings)
        try:
            loop = asyncio.get_running_loop()
            needs = StorageNeeds(
                self._clock, loop.call_soon_threadsafe, partial(_watch, loop), self._entropy.seed
            )
            storage = self._storage = await in_own_thread(lambda: self._open_storage(settings, needs))
        except OSError as error:
            raise CannotOpen(f"cannot open {settings.store_dir}: {described(error)}") from error
        clock, entropy = self._clock, self._entropy
        jetstream = self.jetstream = JetStream(
            settings,
            JetStreamNeeds(
                self._broker,
                Storages(storage, MemoryStorage()),
                clock.time_ns,
                entropy.identifier,
            ),
        )
        for _ in jetstream.recover():
            await asyncio.sleep(0)
        jetstream.begin()

    def apply(self, settings: "JetStreamSettings") -> None:
        """Let other limits, and another time between syncs, hold from now on."""
        if self.jetstream is not None:
            self.jetstream.apply(settings)
        if self._storage is not None:
            self._storage.sync_every(settings.sync_interval)

    def view(self) -> "StreamsView | None":
        """The view for monitoring; None before the start."""
        from ..domain.jetstream.view import JetStreamView  # noqa: PLC0415 - see `open_storage`

        return JetStreamView(self.jetstream) if self.jetstream is not None else None

    def _report_start(self, settings: "JetStreamSettings") -> None:
        events = self._broker.events
        place = "all streams in memory"
        if settings.store_dir:
            way = (
                "before each acknowledgement"
                if not settings.sync_interval
                else (f"every {settings.sync_interval:g} s")
            )
            place = f"store directory {settings.store_dir}, synced {way}"
        sizes = (_readable(settings.max_memory), _readable(settings.max_storage))
        events.record(JetStreamStarting(None, *sizes, place))
        if settings.store_dir and _is_temporary(settings.store_dir):
            events.record(TemporaryStore(None))

    async def end_requests(self) -> None:
        """Answer those who wait for messages, while they are still connected."""
        if self.jetstream is not None:
            due = asyncio.get_running_loop().time() + STEP_SECONDS
            for _ in self.jetstream.end_requests():
                if asyncio.get_running_loop().time() >= due:
                    await asyncio.sleep(0)
                    due = asyncio.get_running_loop().time() + STEP_SECONDS

    async def stop(self) -> None:
        """Write what is not written yet; may be called again, and without a start."""
        jetstream, storage = self.jetstream, self._storage
        if jetstream is not None and jetstream.is_begun:
            jetstream.stop()
            self._broker.events.record(JetStreamStopped(None, len(jetstream.catalogue.streams)))
        if storage is not None:
            self._storage = None
            storage.close()  # here, since it finishes what is under way on this loop


def _is_temporary(directory: str) -> bool:
    import tempfile  # noqa: PLC0415 - only for this line of the log

    return Path(directory) == Path(tempfile.gettempdir()) / "nats" / "jetstream"


def _readable(size: int) -> str:
    if size < 0:
        return "unlimited"
    for unit, name in _UNITS:
        if size >= unit:
            return f"{size / unit:.2f} {name}"
    return f"{size} B"
