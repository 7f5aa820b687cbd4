"""Unit tests of the tool that makes passwords and hashes (configuration-file.md, section 10)."""

import io
import re
import sys

import bcrypt
import pytest

from app.adapters.auth.secret import BcryptSecret
from app.entrypoints import mkpasswd

PASSWORD_LINE = r"pass: ([a-zA-Z0-9!@$#%^&*()]{22})\n"  # noqa: S105 - a pattern
HASH_LINE = r"bcrypt hash: (\$2a\$(\d\d)\$[./A-Za-z0-9]{53})\n"


@pytest.fixture(name="costs")
def _costs(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The costs that were asked for; hashes are computed at the lowest one."""
    costs: list[int] = []

    def gensalt(rounds: int, prefix: bytes) -> bytes:
        costs.append(rounds)
        return made(4, prefix)

    made = bcrypt.gensalt
    monkeypatch.setattr(bcrypt, "gensalt", gensalt)
    return costs


def type_in(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    """Put `data` on standard input, which is no terminal."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


def verify(password: bytes, output: str) -> None:
    """Fail unless the output is the hash of the password, and nothing else."""
    match = re.fullmatch(HASH_LINE, output)
    assert match is not None
    assert BcryptSecret(match[1]).matches(password)


@pytest.mark.usefixtures("costs")
def test_a_password_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    """Without flags it prints a password of 22 characters and a hash that fits it."""
    assert 0 == mkpasswd.main([])

    output, errors = capsys.readouterr()
    match = re.fullmatch(PASSWORD_LINE + HASH_LINE, output)
    assert match is not None
    assert BcryptSecret(match[2]).matches(match[1].encode())
    assert "" == errors


@pytest.mark.usefixtures("costs")
def test_passwords_differ(capsys: pytest.CaptureFixture[str]) -> None:
    """No two passwords are alike, and each character of the alphabet comes up."""
    for _ in range(100):
        mkpasswd.main([])

    passwords = re.findall(PASSWORD_LINE, capsys.readouterr().out)
    assert 100 == len(set(passwords))
    assert 72 == len(set("".join(passwords)))


def test_the_usual_cost(capsys: pytest.CaptureFixture[str]) -> None:
    """A hash has cost 11 unless another is asked for."""
    assert 0 == mkpasswd.main([])

    assert "bcrypt hash: $2a$11$" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "cost"),
    [
        (["-c", "4"], 4),
        (["--c=12"], 12),
        (["-c", "31"], 31),
        (["-c", "0x10"], 16),
        (["-c", "3"], 10),
        (["-c", "0"], 10),
        (["-c", "-5"], 10),
        (["-c", "12", "-c", "13"], 13),
        (["-p=false"], 11),
    ],
)
def test_costs(words: list[str], cost: int, costs: list[int]) -> None:
    """The cost is the one that was asked for, 10 for less than 4."""
    assert 0 == mkpasswd.main(words)

    assert [cost] == costs


def test_too_great_a_cost(capsys: pytest.CaptureFixture[str]) -> None:
    """A cost beyond 31 is an error, after the password was printed."""
    assert 1 == mkpasswd.main(["-c", "32"])

    output, errors = capsys.readouterr()
    assert re.fullmatch(PASSWORD_LINE, output)
    assert "Error producing bcrypt hash: crypto/bcrypt: cost 32 is outside allowed range (4,31)\n" == errors


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["-x"], "flag provided but not defined: -x; see --help\n"),
        (["-P"], "flag provided but not defined: -P; did you mean -p? See --help\n"),
        (
            ["s3cret"],
            "unexpected argument: a password is read from standard input, with -p; see --help\n",
        ),
        (
            ["-p", "false"],
            "unexpected argument: write -p=false; see --help\n",
        ),
        (["-c"], "flag needs an argument: -c\n"),
        (["-c", "many"], 'invalid value "many" for flag -c: parse error\n'),
        (["-p=maybe"], 'invalid boolean value "maybe" for -p: parse error\n'),
    ],
)
def test_usage(words: list[str], complaint: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A word or flag that is not understood ends with status 2 and one line on standard error."""
    assert 2 == mkpasswd.main(words)

    assert ("", complaint) == capsys.readouterr()


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help(flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Help has the name of the program and a line for each flag, on standard output."""
    assert 0 == mkpasswd.main([flag])

    said, complaint = capsys.readouterr()
    assert said.startswith("Usage: pynatsd-mkpasswd ")
    assert ["-p", "-c", "-h,"] == re.findall(r"^ +(-\S+)", said, re.MULTILINE)
    assert "" == complaint


@pytest.mark.parametrize(
    ("data", "password"),
    [
        (b"T0pS3cr3t\n", b"T0pS3cr3t"),
        (b"T0pS3cr3t\r\n", b"T0pS3cr3t"),
        (b"T0pS3cr3t", b"T0pS3cr3t"),
        (b" blanks stay \nmore\n", b" blanks stay "),
        (b"\n", b""),
        ("sécret\n".encode(), "sécret".encode()),
        (b"\xff\n", b"\xff"),
    ],
)
@pytest.mark.usefixtures("costs")
def test_a_password_from_a_pipe(
    data: bytes, password: bytes, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With -p the first line of a pipe is the password; only the hash is printed."""
    type_in(monkeypatch, data)

    assert 0 == mkpasswd.main(["-p"])

    output, errors = capsys.readouterr()
    verify(password, output)
    assert "" == errors


@pytest.mark.usefixtures("costs")
def test_a_long_password(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Of more than 72 bytes bcrypt uses 72; the hash is made, and a warning says so."""
    type_in(monkeypatch, 73 * b"y")

    assert 0 == mkpasswd.main(["-p"])

    output, errors = capsys.readouterr()
    verify(73 * b"y", output)
    assert "Warning: bcrypt uses only the first 72 bytes of this password\n" == errors


@pytest.mark.parametrize("closed", [False, True], ids=["empty", "closed"])
def test_nothing_on_standard_input(
    closed: bool,  # noqa: FBT001 - pytest's way
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A pipe that ends without a word, or no input at all, makes no hash of the empty password."""
    if closed:
        monkeypatch.setattr(sys, "stdin", None)
    else:
        type_in(monkeypatch, b"")

    assert 1 == mkpasswd.main(["-p"])

    assert ("", "Error, there is no password on standard input\n") == capsys.readouterr()
