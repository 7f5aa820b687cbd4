"""JetStream as a part of the server."""

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from app.adapters.clock_loop import LoopClock
from app.adapters.entropy import SystemEntropy
from app.adapters.streams_memory.storage import MemoryStorage
from app.domain.dataplane import choose
from app.domain.jetstream.events import JetStreamStarting, JetStreamStopped, TemporaryStore
from app.domain.jetstream.settings import JetStreamSettings
from app.domain.jetstream.storage.seam import Storage
from app.entrypoints.streams import CannotOpen, StorageNeeds, Streams, open_storage
from tests.fakes.event_log import RecordingEventLog
from tests.support.virtual_broker import VirtualBroker

pytestmark = pytest.mark.asyncio


class Scene:
    """A part with a storage in memory, and its log."""

    def __init__(self, settings: JetStreamSettings) -> None:
        self.events = RecordingEventLog(debug=False, trace=False)
        _, make_plane = choose("python")
        server = VirtualBroker(make_plane, events=self.events)
        self.opening: Callable[[], Storage] = MemoryStorage
        self.streams = Streams(
            server.broker, lambda: settings, lambda *_: self.opening(), LoopClock(), SystemEntropy()
        )


@pytest_asyncio.fixture(name="scene")
async def _scene() -> Scene:
    return Scene(JetStreamSettings(max_memory=2**30, max_storage=500))


async def test_start_and_stop(scene: Scene) -> None:
    """It serves between them; a second stop, and one without a start, are harmless."""
    await scene.streams.end_requests()
    await scene.streams.stop()
    assert scene.streams.view() is None
    await scene.streams.start()
    view = scene.streams.view()
    assert view is not None
    assert view.problem() == ""
    await scene.streams.end_requests()
    await scene.streams.stop()
    await scene.streams.stop()
    assert len(scene.events.of(JetStreamStopped)) == 1
    (starting,) = scene.events.of(JetStreamStarting)
    assert (starting.memory, starting.storage, starting.place) == (
        "1.00 GB",
        "500 B",
        "all streams in memory",
    )


@pytest.mark.parametrize(("interval", "words"), [(0.0, "before each acknowledgement"), (2.0, "every 2 s")])
async def test_what_the_log_says(interval: float, words: str) -> None:
    """The log says where streams are, when they are synced, and that a directory is a temporary one."""
    directory = str(Path(tempfile.gettempdir()) / "nats" / "jetstream")
    scene = Scene(JetStreamSettings(store_dir=directory, sync_interval=interval))
    await scene.streams.start()
    await scene.streams.stop()
    (starting,) = scene.events.of(JetStreamStarting)
    assert starting.place == f"store directory {directory}, synced {words}"
    assert starting.memory == "unlimited"
    assert len(scene.events.of(TemporaryStore)) == 1


async def test_a_directory_that_cannot_be_opened(scene: Scene) -> None:
    """A failure of the system is one line that names the directory."""

    def fail() -> Storage:
        raise PermissionError(13, "Permission denied")

    scene.opening = fail
    with pytest.raises(CannotOpen, match="cannot open"):
        await scene.streams.start()
    await scene.streams.stop()


async def test_a_directory_that_is_none(tmp_path: Path) -> None:
    """A file in its place or above it, and one that cannot be made, get words that launchers know."""
    needs = StorageNeeds(LoopClock(), lambda call: call(), lambda _descriptor, _call: lambda: None, lambda: 7)
    file = tmp_path / "file"
    file.touch()
    for place in (file, file / "below"):
        with pytest.raises(CannotOpen, match=r"storage directory is not a directory: .*file"):
            open_storage(JetStreamSettings(store_dir=str(place)), needs)
    for name in ("/proc/none", "a\0b"):
        with pytest.raises(
            CannotOpen, match=r"could not create storage directory .*(none: No such|null byte)"
        ):
            open_storage(JetStreamSettings(store_dir=name), needs)


async def test_storages(tmp_path: Path) -> None:
    """With a directory there are files, of one server at a time; without one all is in memory."""
    settings = JetStreamSettings(store_dir=str(tmp_path / "new"))
    needs = StorageNeeds(LoopClock(), lambda call: call(), lambda _descriptor, _call: lambda: None, lambda: 7)
    assert isinstance(open_storage(replace(settings, store_dir=""), needs), MemoryStorage)
    storage = open_storage(settings, needs)
    with pytest.raises(CannotOpen, match="another server uses this directory"):
        open_storage(settings, needs)
    storage.close()
    open_storage(settings, needs).close()
