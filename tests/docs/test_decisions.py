"""Decisions have the form of the template, and the index has a line for each."""

import re
from pathlib import Path

import pytest

from tests.support.server_process import ROOT

FOLDER = ROOT / "docs" / "adr"
DECISIONS = sorted(FOLDER.glob("[0-9]*.md"))[1:]
"""All but the template."""

STATUS = re.compile(
    r"proposed|superseded by \[\d{4}\]\(.*\)|accepted(?P<amended> and amended)?(?:; .*\[\d{4}\]\(.*\).*)?"
)
FIELDS = ["Status", "Date", "Decided by", "Touches"]
SECTIONS = ["Context", "Options considered", "Decision", "Validation"]
LINES = 105
"""Two pages."""


def fields(page: Path) -> dict[str, str]:
    """The rows of the table at the beginning."""
    beginning = page.read_text("utf-8").partition("\n## ")[0]
    return dict(re.findall(r"^\| ([A-Z][a-z ]+) \| (.*) \|$", beginning, re.MULTILINE))


def sections(page: Path) -> list[str]:
    """The headings, in order."""
    return re.findall(r"^## (.*)$", page.read_text("utf-8"), re.MULTILINE)


@pytest.mark.parametrize("page", DECISIONS, ids=lambda page: page.name[:4])
def test_the_form_is_that_of_the_template(page: Path) -> None:
    """A reader finds number, status, date, options, decision and validation in the same places."""
    text = page.read_text("utf-8")

    assert text.startswith(f"# {page.name[:4]}. ")
    assert FIELDS == [name for name in fields(page) if name in FIELDS]
    assert SECTIONS == [name for name in sections(page) if name in SECTIONS]
    assert len(text.splitlines()) <= LINES


@pytest.mark.parametrize("page", DECISIONS, ids=lambda page: page.name[:4])
def test_the_status_says_whether_a_decision_was_amended(page: Path) -> None:
    """A decision with amendments is called amended, and no other is."""
    status = STATUS.fullmatch(fields(page)["Status"])

    assert status is not None
    assert bool(status["amended"]) == ("Amendments" in sections(page))


def test_the_index_has_each_decision_once_and_in_order() -> None:
    """A reader of the index finds every decision by its number."""
    index = (ROOT / "docs" / "README.md").read_text("utf-8")
    listed = re.findall(r"^\| \[(\d{4})\]\(adr/(.*)\)", index, re.MULTILINE)

    assert [("0000", "0000-template.md"), *((page.name[:4], page.name) for page in DECISIONS)] == listed
