"""The public names of the package."""

import importlib
import re

import app
from tests.support.server_process import ROOT


def test_a_page_lists_them() -> None:
    """The page about embedding has each public name and no other, and each of them exists."""
    section = (ROOT / "docs" / "embedding.md").read_text("utf-8").partition("\n## Public names\n")[2]
    rows = re.findall(r"^\| (?!For ).* \| (.*) \|$", section, re.MULTILINE)
    listed = re.findall(r"`(\w+)`", "\n".join(rows))

    assert sorted(app.__all__) == sorted(listed)
    assert [] == [name for name in app.__all__ if not hasattr(app, name)]


def test_they_have_their_public_name_in_a_checkout() -> None:
    """A server of the checkout offers the installed name to authenticators."""
    assert app is importlib.import_module("pynatsd")
