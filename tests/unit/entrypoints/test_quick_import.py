"""What differs during an import of the program."""

import gc
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from app.entrypoints.quick_import import quick_import

PLUGINS = "PYDANTIC_DISABLE_PLUGINS"


@pytest.fixture(autouse=True)
def _collector() -> Iterator[None]:
    yield
    gc.enable()


@pytest.mark.parametrize("given", [None, "some"])
def test_all_is_as_before_afterwards(monkeypatch: pytest.MonkeyPatch, given: str | None) -> None:
    """The environment is as it was, also after an error; the collector rests."""
    if given is None:
        monkeypatch.delenv(PLUGINS, raising=False)
    else:
        monkeypatch.setenv(PLUGINS, given)
    seen = []

    def fail() -> None:
        with quick_import():
            seen.append((os.environ[PLUGINS], gc.isenabled()))
            raise ImportError

    with pytest.raises(ImportError):
        fail()

    assert [("__all__", False)] == seen
    assert (given, False) == (os.environ.get(PLUGINS), gc.isenabled())


def _printed(code: str) -> list[str]:
    """What a fresh interpreter prints."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_a_search_for_plugins_is_not_prepared() -> None:
    """What only a search for plugins needs is not imported with pydantic, and can be imported afterwards."""
    code = (
        "import sys\n"
        "from app.entrypoints.quick_import import quick_import\n"
        "with quick_import():\n"
        "    import app.config.options\n"
        "print('importlib.metadata' in sys.modules)\n"
        "import importlib.metadata\n"
        "print(importlib.metadata.version('pydantic') == __import__('pydantic').VERSION)\n"
    )

    assert ["False", "True"] == _printed(code)


def test_a_search_for_plugins_is_possible_afterwards() -> None:
    """Models of other programs, which are made later, have their plugins."""
    code = (
        "from importlib.metadata import entry_points as direct\n"
        "import sys; del sys.modules['importlib.metadata']\n"
        "from app.entrypoints.quick_import import quick_import\n"
        "with quick_import():\n"
        "    from importlib.metadata import entry_points\n"
        "    from importlib.metadata import version\n"
        "print(entry_points(group='console_scripts').names == direct(group='console_scripts').names)\n"
        "print(version('pydantic') == __import__('pydantic').VERSION)\n"
    )

    assert ["True", "True"] == _printed(code)


@pytest.mark.parametrize("place", ["    ", ""], ids=["during the import", "afterwards"])
def test_a_module_that_was_imported_whole_can_be_used(place: str) -> None:
    """Who imports the module, and not functions of it, finds it under its parent, then and later."""
    code = (
        "from app.entrypoints.quick_import import quick_import\n"
        "with quick_import():\n"
        "    import importlib.metadata\n"
        f"{place}print(importlib.metadata.version('pydantic') == __import__('pydantic').VERSION)\n"
        "import importlib.metadata\n"
        "print(importlib.metadata.__name__)\n"
    )

    assert ["True", "importlib.metadata"] == _printed(code)


def test_a_module_that_is_there_is_left_alone() -> None:
    """What has been imported before stays."""
    import importlib.metadata  # noqa: PLC0415 - it is what this test is about

    before = importlib.metadata
    with quick_import():
        during = sys.modules["importlib.metadata"]

    assert before is during is sys.modules["importlib.metadata"]
