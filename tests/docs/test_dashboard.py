"""What the page about the boards says is what they do."""

import re

import pytest

from app.adapters.monitoring.dashboard.assets import PAGE, Assets
from app.adapters.monitoring.dashboard.findings import BUSIEST, STALE_SECONDS
from app.adapters.monitoring.dashboard.history import LENGTH, STEP_SECONDS, WINDOWS
from app.adapters.monitoring.dashboard.survey import MOST_SUBSCRIPTIONS, SHARE
from app.adapters.top.screen import HELP
from app.adapters.top.source import SORTS
from app.entrypoints.top import main
from tests.fakes.server_process import ROOT

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


def test_cards() -> None:
    """Each card of the page is explained, by its own name."""
    cards = set(re.findall(r"<h2[^>]*>(\w+)</h2>", Assets()[PAGE].body.decode()))

    assert cards == set(
        re.findall(r"\w+", " ".join(re.findall(r"^\| ([A-Z][\w, ]+) \|", TEXT, re.MULTILINE)))
    ) - {
        "Card",
        "Key",
        "Flag",
    }


def test_figures() -> None:
    """The numbers in the texts are those in the code."""
    assert (2.0, 300, [1, 12, 144]) == (STEP_SECONDS, LENGTH, [window.every for window in WINDOWS])
    assert (12, 20, 15.0) == (BUSIEST, SHARE, STALE_SECONDS)
    assert f"{MOST_SUBSCRIPTIONS:,} subscriptions" in TEXT
    assert f"{MOST_SUBSCRIPTIONS:,} subscriptions" in DECISION
