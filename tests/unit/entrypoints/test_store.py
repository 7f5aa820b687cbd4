"""The command that checks stores, and saves what can be read."""

from pathlib import Path

import pytest

from app.adapters.files_os.files import OsFiles
from app.adapters.files_os.inline import InlineWorker, StoppedScheduler
from app.adapters.streams_log.storage import FileStorage
from app.entrypoints import store
from app.entrypoints.command import run_command
from app.entrypoints.store import run_store

GOOD, DAMAGED, MISUSED = 0, 1, 2


def opened(directory: Path) -> FileStorage:
    """A store that is written without a server."""
    return FileStorage(OsFiles(directory), InlineWorker(), StoppedScheduler(), lambda: 5)


@pytest.fixture(name="directory")
def _directory(tmp_path: Path) -> Path:
    """A store with one stream of three messages."""
    storage = opened(tmp_path / "store")
    stream = storage.create("ORDERS", {"name": "ORDERS"})
    for number in range(3):
        stream.log.append(b"orders.new", b"", b"order %d" % number, number)
    stream.log.commit(lambda _: None)
    storage.close()
    return tmp_path / "store"


def damage(directory: Path) -> None:
    """Flip a bit of the second message."""
    path = directory / "streams" / "1" / "00000001.segment"
    data = bytearray(path.read_bytes())
    data[data.index(b"order 1")] ^= 1
    path.write_bytes(data)


def test_a_good_store(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its streams are listed."""
    assert run_command(["store", "check", str(directory)], {}) == GOOD

    assert "ORDERS: 3 messages, 141 bytes, 0 consumers\nnothing is damaged\n" == capsys.readouterr().out


def test_a_damaged_store(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The damage is named, and nothing is changed."""
    damage(directory)
    before = {path: path.read_bytes() for path in directory.rglob("*") if path.is_file()}

    assert run_store(["check", str(directory)]) == DAMAGED
    assert capsys.readouterr().out == (
        "ORDERS: 2 messages, 94 bytes, 0 consumers; damaged: 2\n"
        "ORDERS: message 2 is damaged in segment 1\nthe store is damaged\n"
    )
    assert before == {path: path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def test_what_can_be_read_is_saved(directory: Path, tmp_path: Path) -> None:
    """To a new store, which a server can use."""
    damage(directory)
    new = tmp_path / "new"
    assert run_store(["salvage", str(directory), str(new)]) == DAMAGED

    log = opened(new).streams["ORDERS"].log
    assert (1, 3, 2, [2]) == (log.first, log.last, log.count, log.holes())
    assert run_store(["check", str(new)]) == MISUSED


def test_a_store_in_use_is_left_alone(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A server has it."""
    storage = opened(directory)
    assert run_store(["check", str(directory)]) == MISUSED
    storage.close()

    assert "another server uses this directory" in capsys.readouterr().err


def test_nothing_is_overwritten(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The new directory must be empty."""
    assert run_store(["salvage", str(directory), str(directory)]) == MISUSED

    assert "is not empty; give a new directory" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ([], "give check or salvage"),
        (["check"], "give check or salvage"),
        (["check", "a", "b"], "give one directory"),
        (["salvage", "a"], "the one to write"),
        (["check", "/nowhere/at/all"], "/nowhere/at/all: No such file or directory"),
        (["check", "/dev/null"], "/dev/null: Not a directory"),
        (["--wrong"], "wrong"),
    ],
)
def test_wrong_words(words: list[str], text: str, capsys: pytest.CaptureFixture[str]) -> None:
    """They are answered with what to write."""
    assert run_store(words) == MISUSED

    assert text in capsys.readouterr().err


def test_help(capsys: pytest.CaptureFixture[str]) -> None:
    """It says how the command is used."""
    assert run_store(["--help"]) == GOOD

    assert "Usage: pynatsd store check DIRECTORY" in capsys.readouterr().out


def test_a_closed_output_is_an_error(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has seen the answer."""
    monkeypatch.setattr(store, "say", lambda _text: False)

    assert run_store(["check", str(directory)]) == MISUSED
    assert run_store(["-h"]) == MISUSED


def test_progress_is_shown_at_a_terminal(
    directory: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And only there."""
    monkeypatch.setattr("app.adapters.streams_log.checking._STEP", 2)
    run_store(["check", str(directory)])
    assert capsys.readouterr().err == ""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    run_store(["check", str(directory)])

    assert "\rORDERS: 2 of 3 messages\rORDERS: 3 of 3 messages\n" == capsys.readouterr().err


def test_long_lists_are_cut(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Twenty sequences are listed, and how many more there are."""
    storage = opened(directory)
    stream = storage.streams["ORDERS"]
    for number in range(3, 40):
        stream.log.append(b"orders.new", b"", b"order %d" % number, number)
    stream.log.commit(lambda _: None)
    storage.close()
    path = directory / "streams" / "1" / "00000001.segment"
    data = bytearray(path.read_bytes())
    at = data.find(b"order ")
    while at >= 0:
        data[at] ^= 1
        at = data.find(b"order ", at)
    path.write_bytes(data)

    assert run_store(["check", str(directory)]) == DAMAGED
    assert "18, 19, 20 and 20 more" in capsys.readouterr().out
