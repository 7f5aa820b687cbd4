"""The page of modules is the tree as it is."""

from tests.docs.tree import APP, ROOT, listed, modules, page, summary

MODULES = [path for package in listed() for path in modules(package)]


def test_the_page_is_up_to_date() -> None:
    """The page has every module, and the line that the module begins with; `make tree` writes it."""
    assert page() == (ROOT / "docs" / "tree.md").read_text("utf-8")


def test_every_module_has_a_line() -> None:
    """A module, and a package, says at its head what it is."""
    heads = [package / "__init__.py" for package in listed()]

    assert [] == [str(path.relative_to(ROOT)) for path in [*heads, *MODULES] if not summary(path)]


def test_no_module_is_left_out() -> None:
    """Every Python and Cython file of the package is on the page."""
    files = {path for suffix in ("py", "pyx", "pxi") for path in APP.rglob(f"*.{suffix}")}

    assert set() == {path for path in files if path.name != "__init__.py"} - set(MODULES)
