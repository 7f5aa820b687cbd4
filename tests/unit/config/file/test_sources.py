"""Unit tests of the files of a configuration."""

import os
import re
import threading
from pathlib import Path

import pytest

from app.config.errors import ConfigError
from app.config.file.sources import LARGEST_FILE, Unreadable, open_source


def refusal(path: Path | str) -> str:
    """Why a file is not read."""
    with pytest.raises(Unreadable) as raised:
        open_source(str(path))
    return str(raised.value)


def test_a_text(tmp_path: Path) -> None:
    """A file is read whole, with its line ends."""
    path = tmp_path / "a"
    path.write_bytes("é\r\nb\n".encode())

    assert "é\r\nb\n" == open_source(str(path)).text


def test_a_file_is_itself_under_all_names(tmp_path: Path) -> None:
    """Two names of one file have one identity, two files have two."""
    path = tmp_path / "a"
    path.write_text("")
    (tmp_path / "b").symlink_to(path)
    (tmp_path / "c").write_text("")

    identity = open_source(str(path)).identity
    assert identity == open_source(str(tmp_path / "b")).identity
    assert identity != open_source(str(tmp_path / "c")).identity


def test_a_missing_file(tmp_path: Path) -> None:
    """The words are those of Go."""
    assert f"open {tmp_path}/a: no such file or directory" == refusal(tmp_path / "a")


def test_a_directory(tmp_path: Path) -> None:
    """A directory can be opened, and not be read."""
    assert f"read {tmp_path}: is a directory" == refusal(tmp_path)


@pytest.mark.parametrize("text", ["", "port: 1\n", "port: 1\n" * 50_000], ids=["empty", "short", "long"])
def test_a_pipe(tmp_path: Path, text: str) -> None:
    """A pipe is read until its writer closes it, and may be empty."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=(text,))
    writer.start()

    assert text == open_source(str(pipe)).text
    writer.join()


def test_a_pipe_without_a_name() -> None:
    """What another program has left in a pipe for us is read, though that program is gone."""
    reading, writing = os.pipe()
    os.write(writing, b"port: 1")
    os.close(writing)

    assert "port: 1" == open_source(f"/dev/fd/{reading}").text
    os.close(reading)


@pytest.mark.parametrize("written", [None, b"port"])
def test_a_pipe_that_does_not_end(tmp_path: Path, written: bytes | None) -> None:
    """A pipe that nobody writes to, or not to its end, is not waited for without a bound."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    held = os.open(pipe, os.O_RDWR) if written else None
    if held is not None:
        os.write(held, written or b"")

    with pytest.raises(Unreadable, match=f"^open {pipe}: no end within 0.01 s; does anything"):
        open_source(str(pipe), patience=0.01)
    if held is not None:
        os.close(held)


def test_an_empty_device() -> None:
    """The null device is an empty file."""
    assert "" == open_source("/dev/null").text


def test_an_endless_device() -> None:
    """A device without an end is left when it is larger than any file may be."""
    assert "open /dev/zero: is larger than 4 MiB" == refusal("/dev/zero")


def test_a_large_file(tmp_path: Path) -> None:
    """A file may be as large as the bound, and no larger."""
    path = tmp_path / "a"
    path.touch()
    os.truncate(path, LARGEST_FILE)

    assert LARGEST_FILE == len(open_source(str(path)).text)

    os.truncate(path, 25 * LARGEST_FILE)

    assert f"open {path}: is larger than 4 MiB" == refusal(path)


def test_a_file_without_a_size() -> None:
    """A file that has a size only when it is read is read nevertheless."""
    assert "Name:" in open_source("/proc/self/status").text


def test_unprintable_names() -> None:
    """A name stays within its line."""
    assert r"open a\nb: no such file or directory" == refusal("a\nb")


def test_impossible_names() -> None:
    """A name that no file can have is refused like a missing file."""
    assert r"open a\x00b: invalid file name" == refusal("a\0b")


def test_a_file_that_is_written_while_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is read again, until it was the same before and after that."""
    path = tmp_path / "a"
    path.write_text("users: [", "utf-8")
    read = os.read
    texts = ["users: [] debug", "users: [] debug: true"]

    def slowly(descriptor: int, count: int) -> bytes:
        data = read(descriptor, count)
        if texts:
            path.write_text(texts.pop(0), "utf-8")
        return data

    monkeypatch.setattr(os, "read", slowly)

    assert "users: [] debug: true" == open_source(str(path)).text


def test_a_file_that_is_always_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its end never comes, and the reason says what to do."""
    path = tmp_path / "a"
    read = os.read
    path.write_text("a", "utf-8")

    def growing(descriptor: int, count: int) -> bytes:
        data = read(descriptor, count)
        with path.open("a", encoding="utf-8") as file:
            file.write("a" if not data else "")
        return data

    monkeypatch.setattr(os, "read", growing)

    with pytest.raises(Unreadable, match="changes while it is read; replace it by a rename"):
        open_source(str(path), patience=0.03)


@pytest.mark.parametrize(
    ("data", "place"),
    [(b"\xff", "1:1"), (b"a\nb\xc3", "2:2"), ("é\né".encode() + b"\xe9\n", "2:2"), (b"\r\n\r\n \x80", "3:2")],
)
def test_what_is_not_text(data: bytes, place: str, tmp_path: Path) -> None:
    """A file that is not UTF-8 is refused at the first byte that is not."""
    path = tmp_path / "a"
    path.write_bytes(data)

    with pytest.raises(ConfigError, match=re.escape(f"{path}:{place}: the file is not UTF-8 text")):
        open_source(str(path))
