"""The page on configuration shows what is read, and names the bounds that hold."""

import re
from pathlib import Path

import pytest

from app.config.errors import ConfigError
from app.config.file.parsing import DEEPEST, MOST_VALUES
from app.config.file.reading import LONGEST_CHAIN, MOST_FILES
from app.config.file.sources import LARGEST_FILE
from app.config.flags import CONFIG_FILE
from app.config.load import examine, read_file
from tests.support.server_process import ROOT
from tests.unit.config.trees import tree_of

PAGE = (ROOT / "docs" / "configuration.md").read_text("utf-8")
SAMPLE, MISTAKES, TWICE = re.findall(r"^```text\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


def test_the_sample(tmp_path: Path) -> None:
    """A reader who pastes the sample gets what its comments promise."""
    path = tmp_path / "nats.conf"
    path.write_text(SAMPLE)
    (tmp_path / "cluster.conf").write_text("port: 4244")

    assert {
        "port": 4222,
        "authorization": {"user": "derek", "password": 'T0p "S3cr3t"', "timeout": 0.5},
        "cluster": {"port": 4244, "routes": ["nats-route://127.0.0.1:4245", "nats-route://127.0.0.1:4246"]},
        "max_payload": 2 * 1024**2,
        "log_file": "/var/log/nats.log",
    } == tree_of(read_file(str(path), {"NATS_LOG": "/var/log/nats.log"}))


def test_the_mistakes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The errors that the page shows have these texts."""
    monkeypatch.chdir(tmp_path)
    Path("nats.conf").write_text("a {\n  user: derek\n  password: T0p S3cr3t\nb {\nc {\nd = 1\n}\n\n")

    with pytest.raises(ConfigError) as raised:
        read_file("nats.conf", {})

    assert MISTAKES == f"{raised.value}\n"


def test_what_is_given_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lines on keys that are given twice are in these words."""
    monkeypatch.chdir(tmp_path)
    section = "authorization {\n  user: a\n}\n"
    Path("nats.conf").write_text(f"listen: 4333\n{section}\n\n\n\n{section}port: 4333\n")

    found = examine({CONFIG_FILE: "nats.conf"}, {})

    assert TWICE.splitlines() == [str(line) for line in (*found.problems, *found.notices)]


def test_the_bounds() -> None:
    """The table of bounds has the figures of the code."""
    table = re.findall(r"^\|.*\| ([\d,]+)(?: MiB)? \|$", PAGE, re.MULTILINE)

    assert [LARGEST_FILE // 1024**2, DEEPEST, MOST_VALUES, MOST_FILES, LONGEST_CHAIN] == [
        int(figure.replace(",", "")) for figure in table
    ]
