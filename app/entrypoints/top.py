"""``python -m app.entrypoints.top``: watch a NATS server from a terminal.

Flags and keys are those of nats-top, and what it watches is any server with a
monitoring port. The screen needs textual, which is an extra; ``-o`` does without.
"""

import ssl
import sys
import time
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from textwrap import indent
from typing import TYPE_CHECKING

from .. import __version__
from ..adapters.process.standard_streams import complain, fill_standard_streams, say
from ..adapters.top.board import Display, delimited_text, plain_text
from ..adapters.top.monitoring_port import SORTS, MonitoringPort, ReadingQuery, Unreachable
from ..adapters.top.name_resolver import NameResolver
from ..config.flag_syntax import (
    UsageError,
    Value,
    boolean,
    integer,
    one_of,
    scan,
    stray_word,
    string,
    switch_value,
)
from ..config.flags import SHELLS, Flag
from ..config.help.completion import completion
from ..config.help.usage import rows

if TYPE_CHECKING:
    from ..adapters.top.screen import Board, BoardSettings

_USAGE_STATUS = 2
_FAILED = 1
_INTERRUPTED = 130
_NAME = "pynatsd-top"

_BLOCKS: Mapping[str, Sequence[Flag]] = {
    "Server": (
        Flag("-s HOST", string, "Server to watch (default: 127.0.0.1)", ("s",)),
        Flag("-m PORT", integer, "Its monitoring port (default: 8222)", ("m",)),
        Flag("-ms PORT", integer, "Its monitoring port over HTTPS, in place of -m", ("ms",)),
        Flag("-cacert FILE", string, "CA certificates to trust, a PEM file", ("cacert",)),
        Flag("-cert FILE", string, "Client certificate, a PEM file", ("cert",)),
        Flag("-key FILE", string, "Private key of that certificate, a PEM file", ("key",)),
        Flag("-k", boolean, "Trust any certificate", ("k",)),
    ),
    "Board": (
        Flag("-n COUNT", integer, "Number of connections to request (default: 1024)", ("n",)),
        Flag("-d SECONDS", integer, "Time between two readings (default: 1)", ("d",)),
        Flag("-r COUNT", integer, "End after this many readings (default: never)", ("r",)),
        Flag(
            "-sort KEY",
            one_of(*SORTS),
            "Order of connections, by one of the keys below (default: cid)",
            ("sort",),
            choices=SORTS,
        ),
        Flag("-lookup", boolean, "Show host names in place of addresses", ("lookup",)),
        Flag("-b", boolean, "Show all digits of a figure", ("b",)),
        Flag(
            "-u, -display-subscriptions-column",
            boolean,
            "Show the subscriptions of connections",
            ("u",),
        ),
    ),
    "One reading": (
        Flag("-o FILE", string, "Write one to a file, or with - to standard output, and end", ("o",)),
        Flag("-l DELIMITER", string, "With -o: the table alone, with this character between columns", ("l",)),
    ),
    "Help": (
        Flag("-v, -version", boolean, "Print the version", ("v",)),
        Flag("-h, -help", boolean, "Print this text", ("h",)),
        Flag(
            "-completion SHELL",
            one_of(*SHELLS),
            "Print the completion script for bash, zsh or fish",
            ("completion",),
            choices=SHELLS,
        ),
    ),
}

_KEYS_OF_SORT = "\n".join(" ".join(SORTS[start : start + 8]) for start in range(0, len(SORTS), 8))

_USAGE = f"""\
Usage: {_NAME} [options]

    {_NAME} -s example.org -m 8222      watch a server
    {_NAME} -o - -sort msgs_to          print one reading

{rows(_BLOCKS, {})}\
Keys for -sort:
{indent(_KEYS_OF_SORT, "    ")}

Keys: o sort, n limit, s subscriptions, d names, b digits, space rates, ? help, q quit
"""

_FLAGS = {name: flag for block in _BLOCKS.values() for flag in block for name in flag.names}
_READERS = {name: flag.read for name, flag in _FLAGS.items()}
_BOUNDS = {
    "m": range(1, 65_536),
    "ms": range(1, 65_536),
    "n": range(1, 100_001),
    "d": range(1, 86_401),
    "r": range(-1, 1_000_000_001),
}


class _CannotStart(Exception):
    """The text says what is missing."""


def main(words: Sequence[str] | None = None) -> int:
    """Show the board for a command line; return the exit status."""
    fill_standard_streams()
    try:
        given = _parse(sys.argv[1:] if words is None else words)
    except UsageError as error:
        complain(f"{error}\n")
        return _USAGE_STATUS
    answer = _answer(given)
    if answer:
        return _status(said=say(answer))
    try:
        return _run(given)
    except (_CannotStart, Unreachable) as error:
        complain(f"{_NAME}: {error}\n")
        return _FAILED
    except KeyboardInterrupt:
        return _INTERRUPTED


def _answer(given: Mapping[str, Value]) -> str:
    """What is wanted in place of a board; empty if nothing is."""
    if given.get("h"):
        return _USAGE
    if "completion" in given:
        return completion(str(given["completion"]), _NAME, _BLOCKS)
    return f"{_NAME} {__version__}\n" if given.get("v") else ""


def _status(*, said: bool) -> int:
    return 0 if said else _FAILED


def _parse(words: Sequence[str]) -> Mapping[str, Value]:
    """Raises `UsageError`."""
    left = deque(words)
    given: dict[str, Value] = {}
    last = ""
    for last, value in scan(left, _READERS):
        given[_FLAGS[last].sets[0]] = value
    if left:
        advice = switch_value(left[0], last, _READERS) or "give a server with -s, its port with -m"
        raise stray_word(left[0], advice)
    for name, bounds in _BOUNDS.items():
        if name in given and given[name] not in bounds:
            raise UsageError(f"-{name} must be from {bounds.start} to {bounds.stop - 1}, not {given[name]}")
    if "l" in given and len(str(given["l"])) != 1:
        raise UsageError(f"-l must be one character, not {given['l']!r}")
    return given


def _run(given: Mapping[str, Value]) -> int:
    """Raises `Unreachable` and `_CannotStart`."""
    subscriptions = bool(given.get("u"))
    query = ReadingQuery(int(given.get("n", 1024)), str(given.get("sort", "cid")), subscriptions)
    names = NameResolver()
    display = Display(
        subscriptions, raw=bool(given.get("b")), find_name=names.find if given.get("lookup") else None
    )
    delay = float(given.get("d", 1))
    with closing(_source(given)) as port:
        if "o" in given:
            return _status(said=_write_snapshot(port, query, display, delay, given))
        board, settings = _load_screen()
        port.read(query)  # a server that cannot be reached is reported before the screen starts
        board(port, settings(query, display, names.find, delay, max(0, int(given.get("r", 0))))).run()
    return 0


def _source(given: Mapping[str, Value]) -> MonitoringPort:
    host = str(given.get("s", "127.0.0.1")).removeprefix("[").removesuffix("]")
    if "ms" not in given:
        return MonitoringPort(host, int(given.get("m", 8222)))
    return MonitoringPort(host, int(given["ms"]), _trust(given))


def _trust(given: Mapping[str, Value]) -> ssl.SSLContext:
    """Raises `_CannotStart`."""
    authority, certificate = str(given.get("cacert", "")), str(given.get("cert", ""))
    try:
        context = ssl.create_default_context(cafile=authority or None)
        if certificate:
            context.load_cert_chain(certificate, str(given.get("key", "")) or None)
    except (OSError, ssl.SSLError) as error:
        files = " ".join(filter(None, (authority, certificate, str(given.get("key", "")))))
        raise _CannotStart(f"cannot use {files}: {error.strerror or error}") from error
    if given.get("k"):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _write_snapshot(
    port: MonitoringPort, query: ReadingQuery, display: Display, delay: float, given: Mapping[str, Value]
) -> bool:
    """Write a reading, and the rates since the one before; whether standard output took it.

    Raises `Unreachable` and `_CannotStart`.
    """
    port.read(query)
    time.sleep(delay)
    reading = port.read(query)
    delimiter = str(given.get("l", ""))
    text = delimited_text(reading, display, delimiter) if delimiter else plain_text(reading, display)
    if given["o"] == "-":
        return say(text)
    try:
        Path(str(given["o"])).write_text(text, "utf-8")
    except OSError as error:
        raise _CannotStart(f"cannot write {given['o']}: {error.strerror}") from error
    return True


def _load_screen() -> tuple[type["Board"], type["BoardSettings"]]:
    """Raises `_CannotStart`."""
    try:
        from ..adapters.top.screen import Board, BoardSettings  # noqa: PLC0415 - textual is an extra
    except ModuleNotFoundError as error:
        package = str(error.name).partition(".")[0]
        raise _CannotStart(
            f"the screen needs {package}: pip install textual, or write one reading with -o -"
        ) from error
    return Board, BoardSettings


if __name__ == "__main__":
    sys.exit(main())
