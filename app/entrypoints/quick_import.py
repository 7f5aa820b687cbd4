"""Quick import: skips work during import that a server does not need.

That is garbage collection, the search for plugins of libraries, and what only that search would need.
"""

import gc
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from types import ModuleType
from typing import Any

_PLUGINS = "PYDANTIC_DISABLE_PLUGINS"
"""What pydantic asks whether it may look for plugins: in each package that is installed."""

_SEARCH = "importlib.metadata"
"""What pydantic imports for this search, even if it may not look. With it come mail, zip files and more."""

_FUNCTIONS = ("distributions", "entry_points")
"""What it takes from there, depending on its version."""


@contextmanager
def quick_import() -> Iterator[None]:
    """Import quickly. It is for programs: what it changes belongs to the whole process meanwhile.

    The collector is off afterwards: what an import makes is no garbage, and more of it may follow.
    """
    gc.disable()
    plugins = os.environ.get(_PLUGINS)
    os.environ[_PLUGINS] = "__all__"
    stand_in = _stand_in(_SEARCH)
    if sys.modules.setdefault(_SEARCH, stand_in) is stand_in:
        parent, _, child = _SEARCH.rpartition(".")
        setattr(sys.modules[parent], child, stand_in)  # as an import does; it stays for who has imported it
    try:
        yield
    finally:
        if sys.modules.get(_SEARCH) is stand_in:
            del sys.modules[_SEARCH]
        if plugins is None:
            del os.environ[_PLUGINS]
        else:
            os.environ[_PLUGINS] = plugins


def _stand_in(name: str) -> ModuleType:
    """For those who import a module, and may never use it: it is imported when they do."""
    stand_in = ModuleType(name)

    def read(attribute: str) -> object:
        if sys.modules.get(name) is stand_in:
            del sys.modules[name]
        return getattr(import_module(name), attribute)

    def find(attribute: str) -> object:
        if attribute.startswith("__"):  # the import itself asks whether there is a path
            raise AttributeError(attribute)
        return partial(_call, read, attribute) if attribute in _FUNCTIONS else read(attribute)

    vars(stand_in)["__getattr__"] = find
    return stand_in


def _call(read: Callable[[str], Any], function: str, *given: object, **named: object) -> object:
    return read(function)(*given, **named)
