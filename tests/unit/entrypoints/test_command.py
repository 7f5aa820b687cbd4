"""Unit tests of command lines that ask for something other than a server."""

from pathlib import Path

import pytest

from app.config.errors import Problem
from app.domain.protocol.client_level import CLIENT_LEVEL
from app.entrypoints import preflight
from app.entrypoints.command import run_command

DONE, FAILED, MISUSED = 0, 1, 2


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["-v"], f"nats-server: v{CLIENT_LEVEL}\npynatsd "),
        (["version"], f"nats-server: v{CLIENT_LEVEL}\npynatsd "),
        (["--help"], "\nUsage: pynatsd [options]\n"),
        (["--help_tls"], "\nTLS is configured in the section tls"),
        (["--completion", "bash"], "_pynatsd() {"),
    ],
)
def test_answers(words: list[str], text: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What is asked for is printed on standard output, and nothing else."""
    assert DONE == run_command(words, {})

    output, errors = capsys.readouterr()
    assert output.startswith(text)
    assert "" == errors


def test_an_unknown_data_plane_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The version is printed all the same."""
    monkeypatch.setenv("PYNATSD_DATA_PLANE", "warp")

    assert DONE == run_command(["-v"], {})
    assert "no data plane" in capsys.readouterr().out


@pytest.mark.parametrize("words", [["--nope"], ["-c", ""], ["stray"], ["-p", "x"]])
def test_what_is_not_understood(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """A wrong command line is one line and a status of its own."""
    assert MISUSED == run_command(words, {})

    output, errors = capsys.readouterr()
    assert ("", 1) == (output, len(errors.splitlines()))


@pytest.mark.parametrize(
    ("words", "variable", "text"),
    [
        (["-p", "70000"], "", "port must be at most 65535\n"),
        ([], "warp", "unknown data plane 'warp': choose auto, native or python\n"),
    ],
)
def test_a_start_that_is_impossible(
    words: list[str],
    variable: str,
    text: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A configuration that cannot be used ends the program before anything is opened."""
    monkeypatch.setenv("PYNATSD_DATA_PLANE", variable)

    assert FAILED == run_command(words, {})
    assert ("", text) == capsys.readouterr()


def test_a_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A check prints obstacles and notices in order, and says what is valid if nothing is in the way."""
    file = tmp_path / "x.conf"
    file.write_text("port: 1\nprof_port: 6060\n", "utf-8")
    found: list[Problem] = []
    monkeypatch.setattr(preflight, "obstacles", lambda *_: found)

    assert DONE == run_command(["-t", "-c", str(file)], {})
    output, errors = capsys.readouterr()
    assert f"configuration {file} is valid\n" == output
    assert errors.startswith(f"{file}:2:1: prof_port has no effect")

    assert DONE == run_command(["-t"], {})
    assert ("the flags are valid\n", "") == capsys.readouterr()

    found.append(Problem("cannot listen"))
    assert FAILED == run_command(["-t"], {})
    assert ("", "cannot listen\n") == capsys.readouterr()
