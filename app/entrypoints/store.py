"""``pynatsd store``: check the store of a server that does not run, or save what can be read of it."""

import secrets
import sys
from collections import deque
from collections.abc import Sequence
from pathlib import Path

from ..adapters.files_os.files import OsFiles
from ..adapters.files_os.inline import InlineWorker, StoppedScheduler
from ..adapters.files_os.overlay import OverlayFiles
from ..adapters.process.standard_streams import complain, say
from ..adapters.streams_log.checking import CannotSave, StoreReport, StreamReport, check_store, save_store
from ..adapters.streams_log.storage import CannotOpenStore, FileStorage, StoreSettings
from ..config.flag_syntax import UsageError, Value, boolean, scan, stray_word
from ..domain.text import printable

STORE = "store"
"""The first word of the command line."""

_GOOD, _DAMAGED, _MISUSED = 0, 1, 2

_USAGE = f"""\
Usage: pynatsd {STORE} check DIRECTORY
       pynatsd {STORE} salvage DIRECTORY NEW_DIRECTORY

Reads every message in a store directory that no server uses, and changes nothing in it.
`check` reports what is damaged. `salvage` also writes what can be read to a new store, with the
same sequences, times, configurations and consumers; NEW_DIRECTORY must be empty or missing.

    pynatsd {STORE} check /var/lib/pynatsd
    pynatsd {STORE} salvage /var/lib/pynatsd /var/lib/pynatsd-new

Exit status: 0 if nothing is damaged, 1 if something is, 2 if there is no answer.
"""
_SHOWN = 20
"""Sequences that are listed of one stream."""


def run_store(words: Sequence[str]) -> int:
    """Do what these words ask for, which follow `STORE`; return the exit status."""
    try:
        given, plain = _parse(words)
        if given.get("h") or given.get("help"):
            return _GOOD if say(_USAGE) else _MISUSED
        report = _salvaged(plain) if plain[:1] == ["salvage"] else _checked(plain)
    except (UsageError, CannotOpenStore, CannotSave) as error:
        complain(f"{error}\n")
        return _MISUSED
    except OSError as error:
        complain(f"{error.filename}: {error.strerror}\n")
        return _MISUSED
    if not say("".join(f"{printable(line)}\n" for line in _lines(report))):
        return _MISUSED
    return _GOOD if report.is_good else _DAMAGED


def _parse(words: Sequence[str]) -> tuple[dict[str, Value], list[str]]:
    """Flags, and the words that are none. Raises `UsageError`."""
    left, given, plain = deque(words), dict[str, Value](), list[str]()
    while left:
        for name, value in scan(left, {"h": boolean, "help": boolean}):
            given[name] = value
        if left:
            plain.append(left.popleft())
    return given, plain


def _checked(words: Sequence[str]) -> StoreReport:
    if words[:1] != ["check"] or len(words) < 2:
        raise UsageError(f"give check or salvage, and a directory; see pynatsd {STORE} --help")
    if len(words) > 2:
        raise stray_word(words[2], "give one directory")
    storage = _opened(words[1])
    try:
        return check_store(storage, _progress)
    finally:
        storage.let_go()


def _salvaged(words: Sequence[str]) -> StoreReport:
    if len(words) != 3:
        raise UsageError("give the directory to read, and the one to write")
    new = Path(words[2])
    if new.exists() and any(new.iterdir()):
        raise UsageError(f"{new} is not empty; give a new directory, so that nothing is overwritten")
    storage = _opened(words[1])
    try:
        target = FileStorage(OsFiles(new), InlineWorker(), StoppedScheduler(), _incarnation)
        report = save_store(storage, target, _progress)
        target.close()
    finally:
        storage.let_go()
    return report


def _opened(directory: str) -> FileStorage:
    settings = StoreSettings(without_journal=True)
    files = OverlayFiles(Path(directory))
    return FileStorage(files, InlineWorker(), StoppedScheduler(), _incarnation, settings)


def _incarnation() -> int:
    return secrets.randbits(64)


def _progress(stream: str, read: int, messages: int) -> None:
    if sys.stderr is not None and sys.stderr.isatty():
        complain(f"\r{printable(stream)}: {read:,} of {messages:,} messages")
        if read == messages:
            complain("\n")


def _lines(report: StoreReport) -> list[str]:
    lines = [_line(stream) for stream in report.streams]
    lines += [f"{stream}: {text}" if stream else text for stream, text in report.problems]
    lines.append("nothing is damaged" if report.is_good else "the store is damaged")
    return lines


def _line(stream: StreamReport) -> str:
    text = (
        f"{stream.name}: {stream.messages:,} messages, {stream.size:,} bytes, {stream.consumers:,} consumers"
    )
    if stream.damaged:
        text += f"; damaged: {_listed(stream.damaged)}"
    gone = [sequence for sequence in stream.lost if sequence not in stream.damaged]
    if gone:
        text += f"; lost: {_listed(gone)}"
    return text


def _listed(sequences: Sequence[int]) -> str:
    shown = ", ".join(map(str, sequences[:_SHOWN]))
    return shown if len(sequences) <= _SHOWN else f"{shown} and {len(sequences) - _SHOWN:,} more"
