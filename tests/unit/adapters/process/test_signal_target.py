"""Signals for servers: which process gets which signal, and what is refused."""

import os
import signal
from pathlib import Path

import pytest

from app.adapters.process.signal_target import (
    COMMANDS,
    Process,
    SignalError,
    is_server,
    running_processes,
    send_signal,
)

SERVER, OTHER = Process(123, ("/opt/bin/pynatsd", "-c", "x")), Process(456, ("python3", "-m", "pynatsd"))


class Killed:
    """What was sent to whom."""

    def __init__(self, error: OSError | None = None) -> None:
        self.error = error
        self.sent: list[tuple[int, int]] = []

    def __call__(self, pid: int, number: int) -> None:
        """Note it, or fail."""
        if self.error is not None:
            raise self.error
        self.sent.append((pid, number))


def refused(text: str, *processes: Process, error: OSError | None = None) -> str:
    """Why nothing is sent."""
    with pytest.raises(SignalError) as raised:
        send_signal(text, lambda: processes, Killed(error))
    return str(raised.value)


@pytest.mark.parametrize(("name", "number"), COMMANDS.items())
def test_commands(name: str, number: signal.Signals) -> None:
    """Each name has the signal that it has in nats-server."""
    kill = Killed()
    send_signal(f"{name}=77", lambda: (), kill)

    assert [(77, number)] == kill.sent


def test_targets(tmp_path: Path) -> None:
    """A target is a number, a file with one, a beginning of numbers, or the only server there is."""
    file = tmp_path / "x.pid"
    file.write_text("77\n", "ascii")
    kill = Killed()
    send_signal(f"reload={file}", lambda: (), kill)
    send_signal("reload", lambda: (SERVER, Process(9, ("bash",))), kill)
    send_signal("reload=*", lambda: (SERVER, OTHER), kill)
    send_signal("reload=4*", lambda: (SERVER, OTHER), kill)

    assert [77, 123, 123, 456, 456] == [pid for pid, _ in kill.sent]


def test_what_is_refused(tmp_path: Path) -> None:
    """Nothing is sent to a group of processes, to several unless asked for, or to a number that is none."""
    file = tmp_path / "x.pid"
    assert refused("nope").startswith('unknown signal "nope"')
    assert refused("=5").startswith('unknown signal ""')
    assert refused("reload") == "no pynatsd processes running"
    assert refused("reload=7*", SERVER) == "no pynatsd processes running"
    assert refused("reload", SERVER, OTHER).startswith("multiple pynatsd processes running: 123 456")
    for target in ("abc", "0", "-5", "1.5", "9" * 30, str(2**31), str(file), "x*"):
        assert refused(f"reload={target}", SERVER) == f"invalid pid: {target}"
    for content in ("abc", "", "0"):
        file.write_text(content, "ascii")
        assert f"invalid pid: {content or 'the file is empty'}, in {file}" == refused(f"reload={file}")
    file.write_bytes(b"\x1b[31m\nred\xff")
    assert f"invalid pid: \\x1b[31m\\nred\ufffd, in {file}" == refused(f"reload={file}")
    assert refused("reload=77", error=ProcessLookupError()) == 'signal "reload" 77: no such process'
    denied = PermissionError(1, "Operation not permitted")
    assert refused("stop=77", error=denied) == 'signal "stop" 77: operation not permitted'


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("pynatsd",), True),
        (("/usr/bin/python3.13", "/opt/bin/pynatsd", "-D"), True),
        (("python", "-m", "app.entrypoints.server"), True),
        (("python", "-m", "pytest"), False),
        (("python", "-m"), False),
        (("python",), False),
        (("vim", "pynatsd"), False),
        (("pynatsd", "--signal", "reload"), False),
        (("pynatsd", "--signal=reload"), False),
        ((), False),
    ],
)
def test_which_process_is_a_server(words: tuple[str, ...], *, found: bool) -> None:
    """It is known by its command line; one that sends a signal is none."""
    assert found == is_server(Process(1, words))


def test_the_processes_of_this_machine() -> None:
    """Others are seen, this one is not."""
    pids = {one.pid for one in running_processes()}

    assert os.getpid() not in pids
    assert pids
