"""The terminal board's command line."""

import sys

import pytest

from app import __version__
from app.entrypoints.top import main


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help(flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Who asks for help gets all flags and keys, and success."""
    assert 0 == main([flag])
    assert capsys.readouterr().out.startswith("Usage: pynatsd-top [options]\n")


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    """The version is that of the server it comes with."""
    assert 0 == main(["--version"])
    assert f"pynatsd-top {__version__}\n" == capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["-x"], "flag provided but not defined: -x"),
        (["-m", "http"], 'invalid value "http" for flag -m: parse error'),
        (["-m", "0"], "-m must be from 1 to 65535, not 0"),
        (["-ms", "65536"], "-ms must be from 1 to 65535, not 65536"),
        (["-n", "0"], "-n must be from 1 to 100000, not 0"),
        (["-d", "0"], "-d must be from 1 to 86400, not 0"),
        (["-sort", "weight"], 'invalid value "weight" for flag -sort: must be cid or start'),
        (["-l", ""], "-l must be one character, not ''"),
        (["localhost"], 'unexpected argument "localhost": give a server with -s, its port with -m'),
        (["-k", "true"], 'unexpected argument "true": write -k=true'),
        (["-srot", "cid"], "flag provided but not defined: -srot; did you mean --sort?"),
    ],
)
def test_what_is_not_understood(words: list[str], complaint: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A word or flag that is unknown or out of bounds is named in one line, and the status is 2."""
    assert 2 == main(words)

    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(complaint)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Shells can complete the flags of this program as well."""
    assert 0 == main(["-completion", shell])

    script = capsys.readouterr().out
    assert "pynatsd-top" in script
    assert "display-subscriptions-column" in script


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Where textual is not installed, one line says how to get it, and what does without."""
    monkeypatch.delitem(sys.modules, "app.adapters.top.screen", raising=False)
    monkeypatch.setitem(sys.modules, "textual.app", None)

    assert 1 == main([])
    assert (
        "pynatsd-top: the screen needs textual: pip install textual, or write one reading with -o -\n"
    ) == capsys.readouterr().err


@pytest.mark.parametrize("flag", ["-cacert", "-cert"])
def test_a_certificate_that_is_not_there(flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that cannot be read is named in one line, before anything is asked."""
    assert 1 == main(["-ms", "8443", flag, "/nowhere/ca.pem"])
    assert "pynatsd-top: cannot use /nowhere/ca.pem: No such file or directory\n" == capsys.readouterr().err
