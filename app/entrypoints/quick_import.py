"""Quick import: no garbage collection and no search for plugins while the program is imported."""

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager

_PLUGINS = "PYDANTIC_DISABLE_PLUGINS"
"""What pydantic asks whether it may look for plugins: in each package that is installed."""


@contextmanager
def quick_import() -> Iterator[None]:
    """Import quickly. It is for programs: what it changes belongs to the whole process meanwhile.

    The collector is off afterwards: what an import makes is no garbage, and more of it may follow.
    """
    gc.disable()
    plugins = os.environ.get(_PLUGINS)
    os.environ[_PLUGINS] = "__all__"
    try:
        yield
    finally:
        if plugins is None:
            del os.environ[_PLUGINS]
        else:
            os.environ[_PLUGINS] = plugins
