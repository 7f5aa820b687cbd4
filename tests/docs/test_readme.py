"""What the documents show is what the server does."""

import json
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.patience import PATIENCE
from tests.support.server_process import ROOT, ServerProcess

README = (ROOT / "README.md").read_text("utf-8")
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    ROOT / "deploy" / "README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]
SECONDS = PATIENCE


@pytest.fixture(name="server", scope="module")
def _server() -> Iterator[ServerProcess]:
    with ServerProcess("--compatibility", "current") as server:
        yield server


def blocks(language: str) -> list[str]:
    """Return the README's fenced blocks of one language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


def exchange(port: int, sent: bytes, count: int) -> list[str]:
    """Return the first ``count`` lines that the server has to say."""
    with socket.create_connection(("127.0.0.1", port), SECONDS) as link, link.makefile("rb") as lines:
        link.sendall(sent)
        return [lines.readline().decode().rstrip("\r\n") for _ in range(count)]


def test_the_nc_line_prints_what_the_readme_shows(server: ServerProcess) -> None:
    """A reader who pastes the nc line sees the lines printed below it."""
    [example] = blocks("console")
    command, shown_info, *shown = example.splitlines()
    match = re.fullmatch(r"\$ (printf '.*') \| nc -q1 127\.0\.0\.1 4222", command)
    assert match is not None
    sent = subprocess.run(["sh", "-c", match[1]], check=True, stdout=subprocess.PIPE).stdout

    info, *lines = exchange(server.port, sent, 1 + len(shown))

    assert shown == lines
    assert f'"version":"{json.loads(info.removeprefix("INFO "))["version"]}"' in shown_info


def test_the_python_example_prints_what_the_readme_shows(server: ServerProcess) -> None:
    """A reader who runs the Python example sees the output printed below it."""
    [example] = blocks("python")
    [shown] = blocks("text")
    program = example.replace("127.0.0.1:4222", f"127.0.0.1:{server.port}")

    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        capture_output=True,
        check=False,
        text=True,
        timeout=SECONDS,
    )

    assert "127.0.0.1:4222" in example
    assert (shown, "") == (result.stdout, result.stderr)


def test_every_flag_in_the_table_is_in_the_usage_text() -> None:
    """The table of flags names no flag that the server does not know."""
    cells = re.findall(r"^\| (`-.*?) \|", README, re.MULTILINE)
    flags = {flag for cell in cells for flag in re.findall(r"(?<!\S)`(-{1,2}\w+)", cell)}

    usage = subprocess.run(
        [*ServerProcess.command[:3], "-h"],
        capture_output=True,
        check=True,
        cwd=ROOT,
        text=True,
        timeout=SECONDS,
    ).stdout

    assert flags
    assert set() == flags - set(re.split(r"[\s,]+", usage))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    """A link from one document to a file of the project finds that file."""
    targets = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text("utf-8"))

    assert [] == [target for target in targets if not (page.parent / target).exists()]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_anchor_is_a_heading(page: Path) -> None:
    """A link to a part of a document finds a heading of that name."""
    links = re.findall(r"\]\(([^)#:]*)#([^)]*)\)", page.read_text("utf-8"))

    assert [] == [
        f"{target}#{anchor}"
        for target, anchor in links
        if anchor not in anchors(page.parent / target if target else page)
    ]


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub makes of a document's headings."""
    headings = re.findall(r"^#+ (.*)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_verb_named_is_in_the_makefile(page: Path) -> None:
    """A document names no make verb that the Makefile lacks."""
    named = set(re.findall(r"(?:^|`|\$ )make ([a-z]+)", page.read_text("utf-8"), re.MULTILINE))
    verbs = set(re.findall(r"^([a-z]+):.*## ", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))

    assert set() == named - verbs
