"""``pynatsd-mkpasswd``: a password, and its hash for the configuration.

Without flags it generates one. Flags, prompts and output are those of gnatsd's tool
(configuration-file.md, section 10), except that ``-p`` reads the password from standard
input also when that is no terminal, so that scripts can use it.
"""

import getpass
import secrets
import string
import sys
from collections import deque
from collections.abc import Sequence

import bcrypt

from ..adapters.process.standard_streams import complain, fill_standard_streams, say
from ..config.flag_syntax import UsageError, Value, boolean, integer, scan, stray_word, switch_value
from ..domain.security.bcrypt_hash import GREATEST_COST, HASHED_BYTES, LEAST_COST

_USAGE = """\
Usage: pynatsd-mkpasswd [-p] [-c COST]

Prints a password, and its bcrypt hash for the configuration file.

    -p                               Do not generate the password: ask for it, or read it from a pipe
    -c COST                          Cost of the hash; each step doubles its time (default: 11)
    -h, --help                       Print this text

    authorization { user: derek, password: "$2a$11$…" }    the hash in a file
"""
_FAILED, _MISUSED = 1, 2
_INTERRUPTED = 130

_ALPHABET = string.ascii_letters + string.digits + "!@$#%^&*()"
_LENGTH = 22
_PREFIX = b"2a"

_USUAL_COST = 11
_COST_FOR_LESS = 10

_FLAGS = {"p": boolean, "c": integer, "h": boolean, "help": boolean}


class _PasswordError(Exception):
    """There is no password or no hash; the text says why."""


def main(words: Sequence[str] | None = None) -> int:
    """Print what the command line asks for; return the exit status."""
    fill_standard_streams()
    try:
        given = _parse(sys.argv[1:] if words is None else words)
    except UsageError as error:
        complain(f"{error}\n")
        return _MISUSED
    if given.get("h") or given.get("help"):
        return 0 if say(_USAGE) else _FAILED
    try:
        done = _run(from_input=bool(given.get("p", False)), cost=int(given.get("c", _USUAL_COST)))
    except _PasswordError as error:
        complain(f"{error}\n")
        return _FAILED
    except KeyboardInterrupt:
        complain("\n")
        return _INTERRUPTED
    return 0 if done else _FAILED


def _parse(words: Sequence[str]) -> dict[str, Value]:
    """Raises `UsageError`."""
    left = deque(words)
    given: dict[str, Value] = {}
    last = ""
    for last, value in scan(left, _FLAGS):
        given[last] = value
    if left:
        advice = switch_value(left[0], last, _FLAGS) or "a password is read from standard input, with -p"
        raise stray_word(left[0], advice, secret=True)
    return given


def _run(*, from_input: bool, cost: int) -> bool:
    """Whether all output was written. Raises `_PasswordError`."""
    if from_input:
        password = _read_password()
    else:
        password = "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH)).encode()
        if not say(f"pass: {password.decode()}\n"):
            return False
    return say(f"bcrypt hash: {_hash(password, cost)}\n")


def _read_password() -> bytes:
    if sys.stdin is None or not sys.stdin.isatty():
        line = sys.stdin.buffer.readline() if sys.stdin else b""
        if not line:
            raise _PasswordError("Error, there is no password on standard input")
        return line.removesuffix(b"\n").removesuffix(b"\r")
    try:
        password = getpass.getpass("Enter Password: ")
        again = getpass.getpass("Reenter Password: ")
    except EOFError:
        raise _PasswordError("\nError, no password was entered") from None
    if password != again:
        raise _PasswordError("Error, passwords do not match")
    return password.encode("utf-8", "surrogateescape")


def _hash(password: bytes, cost: int) -> str:
    if cost < LEAST_COST:
        cost = _COST_FOR_LESS
    if cost > GREATEST_COST:
        raise _PasswordError(
            f"Error producing bcrypt hash: crypto/bcrypt: cost {cost} is outside allowed range "
            f"({LEAST_COST},{GREATEST_COST})"
        )
    if len(password) > HASHED_BYTES:
        complain(f"Warning: bcrypt uses only the first {HASHED_BYTES} bytes of this password\n")
    return bcrypt.hashpw(password[:HASHED_BYTES], bcrypt.gensalt(cost, prefix=_PREFIX)).decode()


if __name__ == "__main__":
    sys.exit(main())
