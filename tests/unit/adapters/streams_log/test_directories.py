"""Directories of streams are removed as a whole."""

from app.adapters.streams_log.directories import (
    give_up_stream,
    remove_directory,
    remove_stream,
    stream_directory,
)
from tests.fakes.disk import FakeDisk


def disk_with_stream() -> FakeDisk:
    """A disk with one stream."""
    disk = FakeDisk()
    disk.make_directory("streams")
    disk.make_directory("streams/1")
    disk.create("streams/1/a")
    return disk


def test_the_name_goes_first() -> None:
    """After a crash there is either all of it, or nothing that is taken for a stream."""
    disk = disk_with_stream()
    disk.log = []
    give_up_stream(disk, stream_directory(1))
    assert ["rename streams/1", "sync_directory streams"] == disk.log
    remove_stream(disk, stream_directory(1))

    assert [] == disk.names("streams")


def test_a_stream_that_is_not_there_is_removed() -> None:
    """It was never made."""
    disk = disk_with_stream()
    give_up_stream(disk, stream_directory(2))
    remove_stream(disk, stream_directory(2))

    assert ["1"] == disk.names("streams")
    remove_directory(disk, "streams/1")
    assert [] == disk.names("streams")


def test_what_was_never_complete_is_removed() -> None:
    """A stream whose first commit has failed leaves no files."""
    disk = FakeDisk()
    disk.make_directory("streams")
    disk.make_directory("streams/1.new")
    disk.create("streams/1.new/a")
    remove_stream(disk, stream_directory(1))

    assert [] == disk.names("streams")
