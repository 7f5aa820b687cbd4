"""The port of files, and who implements it."""

import errno

import pytest

from app.adapters.files_os.files import OsFile, OsFiles
from app.adapters.files_os.overlay import OverlayFile, OverlayFiles
from app.adapters.files_os.worker import SyncThread
from app.ports.files import File, Files, SyncFailed, Worker
from tests.fakes.contracts import breaches
from tests.fakes.disk import FakeDisk, FakeFile, StepWorker


@pytest.mark.parametrize("implementation", [OsFiles, OverlayFiles, FakeDisk])
def test_files(implementation: type) -> None:
    """Directories have all methods of the port."""
    assert [] == breaches(Files, implementation)


@pytest.mark.parametrize("implementation", [OsFile, OverlayFile, FakeFile])
def test_open_files(implementation: type) -> None:
    """The adapter and the fake of open files have all methods of the port."""
    assert [] == breaches(File, implementation)


@pytest.mark.parametrize("implementation", [SyncThread, StepWorker])
def test_workers(implementation: type) -> None:
    """The adapters and the fake of workers have all methods of the port."""
    assert [] == breaches(Worker, implementation)


def test_a_failed_sync_says_what_failed() -> None:
    """With the number of the system."""
    error = SyncFailed.of(OSError(errno.EIO, "Input/output error"), "sync of the directory")

    assert (error.errno, error.strerror) == (errno.EIO, "sync of the directory failed: Input/output error")
