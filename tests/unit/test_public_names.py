"""The public names of the package."""

import importlib

import app
from tests.support.server_process import ROOT


def test_the_readme_lists_them() -> None:
    """The README names each public name, and each of them exists."""
    readme = (ROOT / "README.md").read_text("utf-8")
    [line] = [line for line in readme.splitlines() if line.startswith("Public names are")]

    assert [] == [name for name in app.__all__ if f"{name}`" not in line or not hasattr(app, name)]


def test_they_have_their_public_name_in_a_checkout() -> None:
    """A server of the checkout offers the installed name to authenticators."""
    assert app is importlib.import_module("pynatsd")
