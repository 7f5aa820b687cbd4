"""The files of the page."""

import re

import pytest

from app.adapters.monitoring.dashboard.assets import HEADERS, PAGE, STREAMS_PAGE, Assets

ASSETS = Assets()
TEXTS = {name: asset.body.decode() for name, asset in ASSETS.items()}
SCRIPTS = {name: text for name, text in TEXTS.items() if name.endswith(".js")}


def test_all_that_the_page_needs_is_there() -> None:
    """Each file that a file of the page refers to is one of ours."""
    named = re.findall(r'"(?:dashboard|\.)/([\w.]+)"', "".join(TEXTS.values()))

    assert {"page.js", "dashboard.css", "chart.js"} <= set(named)
    assert set() == set(named) - {*ASSETS, "feed", "streams"}
    beside = re.findall(r'(?:href|src)="([\w.]+)"', TEXTS[STREAMS_PAGE])
    assert {"streams.js", "dashboard.css", "theme.js"} <= set(beside)
    assert set() == set(beside) - {*ASSETS, "streams"}


@pytest.mark.parametrize("name", SCRIPTS)
def test_text_is_only_ever_set_as_text(name: str) -> None:
    """No script can make markup, or code, of what a client calls itself."""
    forbidden = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|DOMParser"

    assert [] == re.findall(forbidden, SCRIPTS[name])


def test_nothing_comes_from_elsewhere() -> None:
    """No file names another host; the name of SVG is one, but nobody goes there."""
    addresses = re.findall(r"(?:https?:)?//[\w.-]+\.\w+[\w/]*", "".join(TEXTS.values()))

    assert {"http://www.w3.org/2000/svg"} == set(addresses)


@pytest.mark.parametrize("name", [PAGE, STREAMS_PAGE])
def test_a_page_runs_no_code_of_its_own(name: str) -> None:
    """A page has neither inline scripts nor inline styles, which its policy would not let run."""
    page = TEXTS[name]

    assert [] == re.findall(r"<script(?![^>]* src=)|<style|\sstyle=|\son\w+=", page)
    assert "script-src 'self'" in HEADERS["Content-Security-Policy"]
    assert "unsafe" not in HEADERS["Content-Security-Policy"]


def test_the_edition_is_that_of_the_files() -> None:
    """The same files have the same edition in every server."""
    assert ASSETS.edition == Assets().edition
    assert len(ASSETS) == len({asset.etag for asset in ASSETS.values()})
