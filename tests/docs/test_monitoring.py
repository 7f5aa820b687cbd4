"""What the page about monitoring promises is what a server serves."""

import re

import httpx

from tests.support.patience import PATIENCE
from tests.support.server_process import ROOT, ServerProcess

PAGE = (ROOT / "docs" / "monitoring.md").read_text("utf-8")


def rows(title: str) -> list[list[str]]:
    """The cells of the first table below a title, without its head."""
    section = PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    lines = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line] for line in lines[2:]]


def names(cell: str) -> list[str]:
    """What stands in code marks."""
    return re.findall(r"`([^`]+)`", cell)


def test_pages_and_keys() -> None:
    """Every path of the page is served, and every key sorts."""
    paths = [path for row in rows("Pages") for path in names(row[0])]
    (keys,) = [names(row[2]) for row in rows("Parameters") if "`sort`" in row[1]]
    metrics = [name for name in names(PAGE) if name.startswith("gnatsd_")]
    with ServerProcess("-m", "-1") as server:
        port = server.wait_for("Starting http monitor").rpartition(":")[2].strip()
        base = f"http://127.0.0.1:{port}"
        for path in [*paths, *(f"/connz?state=closed&sort={key}" for key in keys)]:
            assert 200 == httpx.get(f"{base}{path}", timeout=PATIENCE).status_code, path
        text = httpx.get(f"{base}/metrics", timeout=PATIENCE).text

    assert (21, 14) == (len(paths), len(keys))
    assert [] == [name for name in metrics if f"\n{name}{{" not in text]
