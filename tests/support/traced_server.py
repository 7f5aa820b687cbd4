"""A server whose calls of the system are traced by strace."""

import re
import subprocess
from itertools import count
from pathlib import Path
from typing import ClassVar, NamedTuple

from tests.support.server_process import CURRENT, ServerProcess

_CALLS = "read,readv,recvfrom,recvmsg,write,writev,sendto,sendmsg,pwrite64,pwritev,pwritev2,fdatasync,fsync"
_WHOLE = re.compile(r"(\w+)\((.*)\)\s+= (-?\d+).*", re.DOTALL)
_BEGUN = re.compile(r"(\w+)\((.*) <unfinished \.\.\.>")
_ENDED = re.compile(r"<\.\.\. (\w+) resumed>(.*)\)\s+= (-?\d+).*", re.DOTALL)


class TracedCall(NamedTuple):
    """A call of the system; `begin` and `end` are lines of the trace."""

    name: str
    text: str
    """Its arguments; descriptors have the names of their files."""
    result: int
    begin: int
    end: int


class TracedServer(ServerProcess):
    """A server with JetStream; strace writes what it does to a file."""

    command: ClassVar[tuple[str, ...]] = ServerProcess.command

    def __init__(self, directory: Path, trace: Path) -> None:
        super().__init__("-js", "-sd", str(directory), *CURRENT)
        self._trace = trace
        self._command = [*strace(trace), *self._command]

    def calls(self) -> list[TracedCall]:
        """What it did, once it has ended."""
        return parse(self._trace.read_text(encoding="utf-8", errors="replace"))


def strace(trace: Path) -> list[str]:
    """The command that traces another one, of which it is no parent."""
    return ["strace", "-D", "-f", "-y", "-s", "500", "-o", str(trace), "-e", f"trace={_CALLS}"]


def can_trace(directory: Path) -> bool:
    """Whether strace is here, and may trace."""
    trace = directory / "probe"
    try:
        subprocess.run([*strace(trace), "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


def parse(trace: str) -> list[TracedCall]:
    """The calls of a trace, in the order in which they ended."""
    calls: list[TracedCall] = []
    begun: dict[str, tuple[int, str]] = {}
    for number, line in zip(count(), trace.splitlines(), strict=False):
        thread, _, rest = line.partition(" ")
        rest = rest.strip()
        if (found := _BEGUN.fullmatch(rest)) is not None:
            begun[thread] = (number, found[2])
        elif (found := _ENDED.fullmatch(rest)) is not None:
            begin, text = begun.pop(thread, (number, ""))
            calls.append(TracedCall(found[1], text + found[2], int(found[3]), begin, number))
        elif (found := _WHOLE.fullmatch(rest)) is not None:
            calls.append(TracedCall(found[1], found[2], int(found[3]), number, number))
    return calls
