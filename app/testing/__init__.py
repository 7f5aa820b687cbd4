"""For tests against a server: a clock, waiting, free ports. The fixtures are in `pynatsd.testing.plugin`."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..embedding.clock import ManualClock
    from .ports import free_port
    from .tools import wait_for

__all__ = ["ManualClock", "free_port", "wait_for"]

_MODULES = {"ManualClock": "..embedding.clock", "free_port": ".ports", "wait_for": ".tools"}
"""What is imported when it is asked for: the plug-in costs nothing where it is not used."""


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name], __name__), name)
