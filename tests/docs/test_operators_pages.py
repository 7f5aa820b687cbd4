"""What the pages for operators quote and show is what the server says and takes."""

import ast
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from textwrap import dedent

import httpx
import pytest

import app.entrypoints.container  # noqa: F401 - with it, every class of facts is imported
from app.domain.events import Event
from app.domain.protocol.errors import ProtocolError
from app.entrypoints.signals import DUMP, LAME_DUCK, RELOAD, REOPEN, STOP_SIGNALS
from tests.support.patience import PATIENCE
from tests.support.server_process import ROOT, ServerProcess

DOCS = ROOT / "docs"
TROUBLE = DOCS / "troubleshooting.md"
PRODUCTION = DOCS / "production.md"
GNATSD = DOCS / "from-gnatsd.md"
DEPLOY = ROOT / "deploy" / "README.md"
README = ROOT / "README.md"
RUNNABLE = [GNATSD, PRODUCTION, TROUBLE, DEPLOY]
EVERY_PAGE = [README, ROOT / "CONTRIBUTING.md", DEPLOY, *sorted(DOCS.rglob("*.md"))]
ELSEWHERE = ("docker", "kubectl")
"""Programs that a machine for tests lacks; one that does nothing takes their place."""


def read(page: Path) -> str:
    """The text of a page."""
    return page.read_text("utf-8")


def blocks(page: Path, language: str) -> list[str]:
    """The fenced blocks of a page in one language, those inside of lists as well."""
    found = re.findall(rf"^ *```{language}\n.*?^ *```$", read(page), re.DOTALL | re.MULTILINE)
    return [dedent(block).strip("`").removeprefix(f"{language}\n") for block in found]


@cache
def sentences() -> frozenset[str]:
    """All texts in the code, with dots in place of what is filled in."""
    found = set()
    for file in (ROOT / "app").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes):
                text = node.value if isinstance(node.value, str) else node.value.decode("latin-1")
                found.add(re.sub(r"\{[^}]*\}", "…", text))
            elif isinstance(node, ast.JoinedStr):
                parts = (part.value if isinstance(part, ast.Constant) else "…" for part in node.values)
                found.add("".join(map(str, parts)))
    return frozenset(found)


def is_said(quoted: str) -> bool:
    """Whether some text in the code has all parts of a quoted line, in order."""
    parts = [part.strip() for part in quoted.split("…") if part.strip()]
    pattern = re.compile(".*".join(map(re.escape, parts)))
    return any(pattern.search(sentence) for sentence in sentences())


def kinds(root: type[Event]) -> Iterator[type[Event]]:
    """All facts."""
    for kind in root.__subclasses__():
        yield kind
        yield from kinds(kind)


QUOTED = sorted(
    {quoted for page in (TROUBLE, PRODUCTION) for quoted in re.findall(r"`\[([A-Z]{3}\] [^`]*)`", read(page))}
)


def test_pages_quote_lines() -> None:
    """The pattern above finds something."""
    assert len(QUOTED) >= 15


@pytest.mark.parametrize("quoted", QUOTED)
def test_a_quoted_line_is_what_the_log_says(quoted: str) -> None:
    """An operator who searches a line of the log finds it on the page, with its level."""
    level, _, sentence = quoted.partition("] ")
    beginning = sentence.partition("…")[0]
    facts = [kind for kind in kinds(Event) if hasattr(kind, "level")]
    levels = {fact.level.value for fact in facts if getattr(fact, "sentence", "").startswith(beginning)}

    assert is_said(sentence)
    assert level == "FTL" or level in levels


def test_quoted_refusals() -> None:
    """Each `-ERR` of the page is one that a client may get."""
    quoted = set(re.findall(r"`-ERR '([^']*)'`", read(TROUBLE)))
    known = {line for kind in ProtocolError.__subclasses__() for line in kind.lines}

    assert len(quoted) >= 6
    assert set() == {text for text in quoted - known if not is_said(text)}


def test_pages_and_fields_of_monitoring() -> None:
    """Each page that troubleshooting sends to is served, and each field that it names is in /varz."""
    text = read(TROUBLE)
    paths = set(re.findall(r"`(/[a-z]+z(?:\?[^`]*)?)`", text))
    with ServerProcess("-m", "-1") as server:
        port = server.wait_for("Starting http monitor").rpartition(":")[2].strip()
        base = f"http://127.0.0.1:{port}"
        answers = {path: httpx.get(base + path, timeout=PATIENCE).status_code for path in paths}
        varz = httpx.get(f"{base}/varz", timeout=PATIENCE).json()

    assert len(paths) >= 6
    assert {200} == set(answers.values()), answers
    for name in (
        "held_publishers",
        "cpu",
        "connections",
        "max_connections",
        "subscriptions",
        "slow_consumers",
    ):
        assert f"`{name}`" in text
        assert name in varz


def test_signals() -> None:
    """The table for those who come from gnatsd has the signals that are acted upon."""
    named = set(re.findall(r"^\| `([A-Z0-9]+)` \|", read(GNATSD), re.MULTILINE))

    signals = (*STOP_SIGNALS, RELOAD, REOPEN, LAME_DUCK, DUMP)
    assert {number.name.removeprefix("SIG") for number in signals} == named


WITHOUT_EFFECT = {"--profile", "-js", "--jetstream", "-sd", "--store_dir"}
"""Flags that are accepted for launchers of other servers, and that the usage text leaves out."""


def test_added_flags() -> None:
    """The flags that were added to gnatsd's are in the usage text."""
    section = read(GNATSD).partition("\n## Flags\n")[2].partition("\n## ")[0]
    usage = subprocess.run(
        [*ServerProcess.command[:3], "-h"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    flags = set(re.findall(r"`(-{1,2}[a-z_]+)`", section))

    assert len(flags) >= 8
    assert set() == flags - set(re.split(r"[\s,]+", usage)) - WITHOUT_EFFECT


@pytest.mark.parametrize("page", EVERY_PAGE, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_are_well_formed(page: Path) -> None:
    """A shell understands every block of commands, of every page."""
    for block in blocks(page, "sh"):
        assert 0 == subprocess.run(["sh", "-n", "-c", block], check=False, timeout=PATIENCE).returncode, block


def script(file: Path, text: str) -> None:
    """Write an executable file."""
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)


@pytest.fixture(name="place")
def _place(tmp_path: Path) -> Path:
    """Where a reader runs commands: with a configuration of both servers, and with our deploy folder."""
    shutil.copytree(ROOT / "deploy", tmp_path / "deploy")
    shutil.copy(ROOT / "deploy" / "pynatsd.conf", tmp_path / "pynatsd.conf")
    shutil.copy(ROOT / "tests" / "config" / "samples" / "server.conf", tmp_path / "gnatsd.conf")
    programs = tmp_path / "bin"
    programs.mkdir()
    script(programs / "pynatsd", f'exec "{sys.executable}" -m app.entrypoints.server "$@"')
    for name in ELSEWHERE:
        script(programs / name, "exit 0")
    return tmp_path


def run(block: str, place: Path) -> str:
    """Run a block of commands, each of which must succeed; what they print."""
    done = subprocess.run(
        ["sh", "-e", "-c", block],
        cwd=place,
        env={**os.environ, "PATH": f"{place / 'bin'}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert 0 == done.returncode, done.stdout
    return done.stdout


@pytest.mark.parametrize("page", RUNNABLE, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_succeed(page: Path, place: Path) -> None:
    """A reader who runs the commands of a page, in order, sees no error."""
    if page == PRODUCTION:
        (place / "pynatsd.conf").write_text(blocks(page, "conf")[0])

    printed = [run(block, place) for block in blocks(page, "sh")]

    assert printed


@pytest.mark.timeout(180)
def test_the_installation_works(tmp_path: Path) -> None:
    """A reader who installs from a checkout as the README shows has a server; extras exist.

    What it depends on is taken from this environment, and the native twin is left out.
    """
    text = read(README).partition("\n## Install\n")[2].partition("\n## ")[0]
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    (commands,) = re.findall(r"^```sh\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    ours = Path(pytest.__file__).parents[1]
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path / name)
    shutil.copytree(
        ROOT / "app", tmp_path / "app", ignore=shutil.ignore_patterns("__pycache__", "*.so", "*.c")
    )

    done = subprocess.run(
        ["sh", "-e", "-c", commands],
        cwd=tmp_path,
        env={
            **{name: value for name, value in os.environ.items() if name != "REQUIRE_NATIVE"},
            "CC": "/nonexistent",
            "PIP_NO_DEPS": "1",
            "PIP_NO_BUILD_ISOLATION": "0",
            "PYTHONPATH": str(ours),
        },
        capture_output=True,
        text=True,
        timeout=170,
        check=False,
    )

    assert 0 == done.returncode, done.stderr
    assert "nats-server: v2." in done.stdout
    assert [] == [name for name in re.findall(r"'\.\[(\w+)\]'", text) if f"\n{name} = [" not in project]


@pytest.mark.parametrize("page", EVERY_PAGE, ids=lambda page: str(page.relative_to(ROOT)))
def test_programs_named_are_installed(page: Path) -> None:
    """Each program of ours that a page names is one that the package installs."""
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    named = set(re.findall(r"`(?:[\w./]*/)?(pynatsd(?:-[a-z]+)?)(?: [^`]*)?`", read(page)))

    assert set() == {name for name in named if f'\n{name} = "' not in project}
