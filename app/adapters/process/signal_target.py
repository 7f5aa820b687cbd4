"""Servers that run on this machine, and signals for them.

The forms of a target, and the texts of errors, are those of nats-server 2.15.
"""

import os
import signal
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from ...domain.text import printable
from ...domain.value_object import value_object

COMMANDS = {
    "reload": signal.SIGHUP,
    "reopen": signal.SIGUSR1,
    "ldm": signal.SIGUSR2,
    "quit": signal.SIGINT,
    "term": signal.SIGTERM,
    "stop": signal.SIGKILL,
}
"""Signals by the names that nats-server gives them; `stop` asks for nothing, and loses what is pending."""

_PROGRAM = "pynatsd"
_MODULES = frozenset({_PROGRAM, "app", f"{_PROGRAM}.entrypoints.server", "app.entrypoints.server"})
_FLAGS = ("-sl", "--signal", "-signal", "--sl")
_LONGEST_FILE = 64
"""Bytes of a pid file that are read."""


class SignalError(Exception):
    """Nothing was sent; the text, one line, says why."""


@value_object
class Process:
    """A process of this machine."""

    pid: int
    words: Sequence[str]
    """Its command line."""


def send_signal(
    text: str,
    processes: Callable[[], Iterable[Process]] | None = None,
    kill: Callable[[int, int], None] = os.kill,
) -> None:
    """Send what `text` asks for: ``reload``, ``reload=123`` or ``reload=/run/pynatsd.pid``.

    Without a target it goes to the only server that runs; ``*`` is all of them, and ``12*`` those whose
    number begins so. `processes` are all of this machine. Raises `SignalError`.
    """
    name, _, target = text.partition("=")
    number = COMMANDS.get(name)
    if number is None:
        raise SignalError(f'unknown signal "{printable(name)}": use one of {", ".join(COMMANDS)}')
    for pid in _pids(target, processes or running_processes):
        try:
            kill(pid, number)
        except ProcessLookupError:
            raise SignalError(f'signal "{name}" {pid}: no such process') from None
        except OSError as error:
            raise SignalError(f'signal "{name}" {pid}: {(error.strerror or str(error)).lower()}') from error


def _pids(target: str, processes: Callable[[], Iterable[Process]]) -> list[int]:
    if target and not target.endswith("*"):
        return [_pid(target)]
    prefix = target[:-1]
    if prefix and not (prefix.isascii() and prefix.isdigit()):
        raise SignalError(f"invalid pid: {printable(target)}")
    found = [one.pid for one in processes() if is_server(one) and str(one.pid).startswith(prefix)]
    if not found:
        raise SignalError(f"no {_PROGRAM} processes running")
    if not target and len(found) > 1:
        listed = " ".join(map(str, found))
        raise SignalError(f"multiple {_PROGRAM} processes running: {listed}; name one of them, or use *")
    return found


def _pid(target: str) -> int:
    """A number, or that in a file."""
    number = _number(target)
    if number is not None:
        return number
    try:
        with Path(target).open(encoding="ascii", errors="replace") as file:
            content = file.read(_LONGEST_FILE).strip()
    except (OSError, ValueError):
        raise SignalError(f"invalid pid: {printable(target)}") from None
    number = _number(content)
    if number is None:
        found = printable(content) or "the file is empty"
        raise SignalError(f"invalid pid: {found}, in {printable(target)}")
    return number


def _number(text: str) -> int | None:
    """Of one process: 0 and negative numbers would be groups of them."""
    if not text.isascii() or not text.isdigit() or len(text) > len(str(2**31)):
        return None
    return int(text) if 0 < int(text) < 2**31 else None


def is_server(process: Process) -> bool:
    """Whether its command line is that of a server, and not of one that sends a signal."""
    words = process.words
    if not words or any(word.partition("=")[0] in _FLAGS for word in words):
        return False
    if Path(words[0]).name == _PROGRAM:
        return True
    rest = words[1:]
    if not Path(words[0]).name.startswith("python") or not rest:
        return False
    if rest[0] == "-m":
        return len(rest) > 1 and rest[1] in _MODULES
    return Path(rest[0]).name == _PROGRAM


def running_processes() -> Iterator[Process]:
    """All of this machine, as far as this user may see them, but for this one."""
    import psutil  # noqa: PLC0415 - only the search needs it

    own = os.getpid()
    for each in psutil.process_iter(["cmdline"]):
        words = each.info["cmdline"]
        if words and each.pid != own:
            yield Process(each.pid, words)
