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
from typing import TYPE_CHECKING

from app import __version__
from app.adapters.process.standard_streams import complain, fill_standard_streams, say
from app.adapters.top.board import Look, delimited_text, plain_text
from app.adapters.top.names import Names
from app.adapters.top.source import SORTS, MonitoringPort, Question, Unreachable
from app.config.go_flags import Reader, UsageError, Value, boolean, integer, one_of, scan, string

if TYPE_CHECKING:
    from app.adapters.top.screen import Board, Settings

_USAGE_STATUS = 2
_FAILED = 1
_INTERRUPTED = 130
_NAME = "pynatsd-top"

_USAGE = f"""\
Usage: {_NAME} [options]

    -s HOST              Server to watch (default: 127.0.0.1)
    -m PORT              Its monitoring port (default: 8222)
    -ms PORT             Its monitoring port over HTTPS, in place of -m
    -cacert FILE         Trust certificates of this authority
    -cert FILE           Show this certificate
    -key FILE            Key of that certificate
    -k                   Trust any certificate
    -n COUNT             Ask for so many connections (default: 1024)
    -d SECONDS           Time between two readings (default: 1)
    -r COUNT             End after so many readings (default: never)
    -sort KEY            Sort connections by: {" ".join(SORTS[:8])}
                         {" ".join(SORTS[8:])} (default: cid)
    -lookup              Show names of addresses
    -b                   Show all digits of a figure
    -u, -display-subscriptions-column
                         Show what connections have subscribed to
    -o FILE              Write one reading to a file, or with - to standard output, and end
    -l DELIMITER         With -o: write the table alone, with this character between columns
    -v, -version         Print the version and exit
    -h, -help            Print this and exit

Keys: o sort, n limit, s subscriptions, d names, b digits, space rates, ? help, q quit
"""

_FLAGS: Mapping[str, Reader] = {
    **dict.fromkeys(("s", "cacert", "cert", "key", "o", "l"), string),
    **dict.fromkeys(("m", "ms", "n", "d", "r"), integer),
    **dict.fromkeys(
        ("k", "b", "lookup", "u", "display-subscriptions-column", "v", "version", "h", "help"), boolean
    ),
    "sort": one_of(*SORTS),
}
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
        complain(f"{error}\n{_USAGE}")
        return _USAGE_STATUS
    if given.get("h") or given.get("help"):
        return _status(said=say(_USAGE))
    if given.get("v") or given.get("version"):
        return _status(said=say(f"{_NAME} {__version__}\n"))
    try:
        return _run(given)
    except (_CannotStart, Unreachable) as error:
        complain(f"{_NAME}: {error}\n")
        return _FAILED
    except KeyboardInterrupt:
        return _INTERRUPTED


def _status(*, said: bool) -> int:
    return 0 if said else _FAILED


def _parse(words: Sequence[str]) -> Mapping[str, Value]:
    """Raises `UsageError`."""
    left = deque(words)
    given = dict(scan(left, _FLAGS))
    if left:
        raise UsageError(f"unexpected argument: {left[0]}")
    for name, bounds in _BOUNDS.items():
        if name in given and given[name] not in bounds:
            raise UsageError(f"-{name} must be from {bounds.start} to {bounds.stop - 1}, not {given[name]}")
    if "l" in given and len(str(given["l"])) != 1:
        raise UsageError(f"-l must be one character, not {given['l']!r}")
    return given


def _run(given: Mapping[str, Value]) -> int:
    """Raises `Unreachable` and `_CannotStart`."""
    subscriptions = bool(given.get("u") or given.get("display-subscriptions-column"))
    question = Question(int(given.get("n", 1024)), str(given.get("sort", "cid")), subscriptions)
    names = Names()
    look = Look(
        subscriptions, raw=bool(given.get("b")), find_name=names.find if given.get("lookup") else None
    )
    delay = float(given.get("d", 1))
    with closing(_source(given)) as port:
        if "o" in given:
            return _status(said=_write_snapshot(port, question, look, delay, given))
        board, settings = _load_screen()
        port.read(question)  # who cannot be reached at all is told at once, on a plain terminal
        board(port, settings(question, look, names.find, delay, max(0, int(given.get("r", 0))))).run()
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
    port: MonitoringPort, question: Question, look: Look, delay: float, given: Mapping[str, Value]
) -> bool:
    """Write a reading, and the rates since the one before; whether standard output took it.

    Raises `Unreachable` and `_CannotStart`.
    """
    port.read(question)
    time.sleep(delay)
    reading = port.read(question)
    delimiter = str(given.get("l", ""))
    text = delimited_text(reading, look, delimiter) if delimiter else plain_text(reading, look)
    if given["o"] == "-":
        return say(text)
    try:
        Path(str(given["o"])).write_text(text, "utf-8")
    except OSError as error:
        raise _CannotStart(f"cannot write {given['o']}: {error.strerror}") from error
    return True


def _load_screen() -> tuple[type["Board"], type["Settings"]]:
    """Raises `_CannotStart`."""
    try:
        from app.adapters.top.screen import Board, Settings  # noqa: PLC0415 - textual is an extra
    except ModuleNotFoundError as error:
        package = str(error.name).partition(".")[0]
        raise _CannotStart(
            f"the screen needs {package}: pip install 'pynatsd[top]', or write one reading with -o -"
        ) from error
    return Board, Settings


if __name__ == "__main__":
    sys.exit(main())
