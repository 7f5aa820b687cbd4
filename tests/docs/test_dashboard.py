"""What the page about the boards says is what they do."""

import re

import pytest

from app.adapters.monitoring.dashboard.assets import PAGE, STREAMS_PAGE, Assets
from app.adapters.monitoring.dashboard.feed import MAX_LATEST
from app.adapters.monitoring.dashboard.history import LENGTH, STEP_SECONDS, WINDOWS
from app.adapters.monitoring.dashboard.snapshot import BUSIEST, STALE_SECONDS
from app.adapters.monitoring.dashboard.snapshot_taker import MAX_SUBSCRIPTIONS
from app.adapters.monitoring.dashboard.streams_snapshot import MAX_CONSUMERS, MAX_STREAMS
from app.adapters.monitoring.dashboard.taker import SHARE
from app.adapters.monitoring.journal import CAPACITY, MERGE_SECONDS, PER_KIND
from app.adapters.top.monitoring_port import SORTS
from app.adapters.top.screen import HELP
from app.entrypoints.journal_kinds import KINDS
from app.entrypoints.top import main
from tests.support.server_process import ROOT

TEXT = (ROOT / "docs" / "dashboard.md").read_text("utf-8")
DECISION = (ROOT / "docs" / "adr" / "0016-boards.md").read_text("utf-8")


def test_flags(capsys: pytest.CaptureFixture[str]) -> None:
    """The table has the flags of the usage text, but for those that ask for texts."""
    main(["-h"])
    usage = set(re.findall(r"^    (-[a-z]+)", capsys.readouterr().out, re.MULTILINE))

    assert usage - {"-v", "-h"} == set(re.findall(r"`(-[a-z]+)(?: [A-Z]+)?`(?=[, |])", TEXT))


def test_keys() -> None:
    """The table has the keys of the board's help, and those that ask for help."""
    keys = set(re.findall(r"^(\w+) +\w", HELP, re.MULTILINE)) - {"Arrows", "Press"}

    assert keys | {"?", "h"} == set(re.findall(r"`(space|[a-z?])`(?=[, |])", TEXT))


def test_orders() -> None:
    """All orders of the board are named."""
    assert [] == [order for order in SORTS if order != "start" and f"`{order}`" not in TEXT]


@pytest.mark.parametrize(("name", "heading"), [(PAGE, "Card"), (STREAMS_PAGE, "Card of the page")])
def test_cards(name: str, heading: str) -> None:
    """Each card of a page is explained, by its own name."""
    cards = re.findall(r"<h2 id=\"(?!drawer)[^>]*>([^<]+)</h2>|<h2>([A-Z]\w+)", Assets()[name].body.decode())
    [table] = re.findall(rf"^\| {heading} \|.*\n\|[-|]+\|\n((?:\|.*\n)+)", TEXT, re.MULTILINE)
    explained = re.findall(r"^\| ([^|]+) \|", table, re.MULTILINE)

    assert {card for pair in cards for card in pair if card} == set(", ".join(explained).split(", "))


def test_events() -> None:
    """The table has all events that the page can list, and the names of their counters."""
    [table] = re.findall(r"^\| Event \|.*\n\|[-|]+\|\n((?:\|.*\n)+)", TEXT, re.MULTILINE)
    rows = [row.split(" | ") for row in table.strip().splitlines()]

    titles = {title for row in rows for title in row[0].removeprefix("| ").split(", ")}
    names = {name for row in rows for name in re.findall(r"`(\w+)`", row[1])}
    assert {kind.title for kind in KINDS.values()} == titles
    assert {kind.name for kind in KINDS.values()} == names
    assert (50, 20, 60.0) == (CAPACITY, PER_KIND, MERGE_SECONDS)


def test_figures() -> None:
    """The numbers in the texts are those in the code."""
    assert (2.0, 300, [1, 12, 144]) == (STEP_SECONDS, LENGTH, [window.every for window in WINDOWS])
    assert (12, 20, 15.0) == (BUSIEST, SHARE, STALE_SECONDS)
    assert f"{MAX_SUBSCRIPTIONS:,} subscriptions" in TEXT
    assert f"{MAX_STREAMS:,} streams or {MAX_CONSUMERS:,} consumers" in TEXT
    assert 12 == MAX_LATEST
    assert f"{MAX_SUBSCRIPTIONS:,} subscriptions" in DECISION
