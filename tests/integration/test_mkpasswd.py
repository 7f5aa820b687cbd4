"""The tool that makes hashes, typed at on a terminal (configuration-file.md, section 10)."""

import os
import pty
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.adapters.auth.secret import BcryptSecret
from tests.support.patience import PATIENCE
from tests.support.server_process import ROOT

PROGRAM = """
import fcntl, runpy, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
runpy.run_module("app.entrypoints.mkpasswd", run_name="__main__", alter_sys=True)
"""
ENTER, AGAIN = "Enter Password: ", "Reenter Password: "
END = "\x04"
INTERRUPT = "\x03"
ASLEEP = "S"


class Terminal:
    """A terminal on which ``mkpasswd -p`` runs; all that it shows is in `shown`."""

    def __init__(self) -> None:
        self._ours, theirs = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, "-p", "-c", "4"],
            cwd=ROOT,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        self.shown = ""

    def answer(self, prompt: str, text: str) -> None:
        """Type `text` once the prompt is there and the program waits for it."""
        while not self.shown.endswith(prompt):
            assert self._read(), f"no {prompt!r} in {self.shown!r}"
        while self._state() != ASLEEP:  # a signal just before a blocking read is noticed only after it
            time.sleep(0.001)
        os.write(self._ours, text.encode())

    def finish(self) -> int:
        """Wait for the end; return the exit status."""
        while self._read():
            pass
        return self.process.wait(PATIENCE)

    def close(self) -> None:
        """End it, whatever it does."""
        os.close(self._ours)
        self.process.kill()
        self.process.wait()

    def _state(self) -> str:
        return Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()[0]

    def _read(self) -> bool:
        try:
            data = os.read(self._ours, 4096)
        except OSError:  # Linux says so when the other end is closed
            return False
        self.shown += data.decode().replace("\r\n", "\n")
        return bool(data)


@pytest.fixture(name="terminal")
def _terminal() -> Iterator[Terminal]:
    terminal = Terminal()
    yield terminal
    terminal.close()


def test_a_password_is_typed_twice(terminal: Terminal) -> None:
    """Both prompts come, nothing typed is shown, and the hash is that of the password."""
    terminal.answer(ENTER, "T0pS3cr3t\n")
    terminal.answer(AGAIN, "T0pS3cr3t\n")

    assert 0 == terminal.finish()
    match = re.fullmatch(rf"{ENTER}\n{AGAIN}\nbcrypt hash: (\$2a\$04\$\S{{53}})\n", terminal.shown)
    assert match is not None, terminal.shown
    assert BcryptSecret(match[1]).matches(b"T0pS3cr3t")


def test_two_different_passwords(terminal: Terminal) -> None:
    """Different passwords are reported, and no hash is printed."""
    terminal.answer(ENTER, "T0pS3cr3t\n")
    terminal.answer(AGAIN, "T0pS3cr3T\n")

    assert 1 == terminal.finish()
    assert f"{ENTER}\n{AGAIN}\nError, passwords do not match\n" == terminal.shown


def test_no_password(terminal: Terminal) -> None:
    """The end of input in place of a password is an error in one line."""
    terminal.answer(ENTER, END)

    assert 1 == terminal.finish()
    assert f"{ENTER}\nError, no password was entered\n" == terminal.shown


def test_a_change_of_mind(terminal: Terminal) -> None:
    """Ctrl-C ends it without a trace, with the status of an interrupted program."""
    terminal.answer(ENTER, INTERRUPT)

    assert 130 == terminal.finish()
    assert f"{ENTER}\n" == terminal.shown
