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
        (["localhost"], "unexpected argument: localhost"),
    ],
)
def test_what_is_not_understood(words: list[str], complaint: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A flag that is unknown or out of bounds is named in the first line, above the usage."""
    assert 2 == main(words)
    first, second = capsys.readouterr().err.splitlines()[:2]
    assert first.startswith(complaint)
    assert second.startswith("Usage: ")


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Where textual is not installed, one line says how to get it, and what does without."""
    monkeypatch.delitem(sys.modules, "app.adapters.top.screen", raising=False)
    monkeypatch.setitem(sys.modules, "textual.app", None)

    assert 1 == main([])
    assert (
        "pynatsd-top: the screen needs textual: pip install 'pynatsd[top]', or write one reading with -o -\n"
    ) == capsys.readouterr().err


@pytest.mark.parametrize("flag", ["-cacert", "-cert"])
def test_a_certificate_that_is_not_there(flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that cannot be read is named in one line, before anything is asked."""
    assert 1 == main(["-ms", "8443", flag, "/nowhere/ca.pem"])
    assert "pynatsd-top: cannot use /nowhere/ca.pem: No such file or directory\n" == capsys.readouterr().err
