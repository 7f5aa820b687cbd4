"""Every kind of line that peers can cause is limited in number."""

import pkgutil
from collections.abc import Iterator
from importlib import import_module

import app.domain
import app.entrypoints
from app.domain.events import Event, Level
from app.entrypoints.events import (
    ConfigurationQuestioned,
    ConfigurationReloaded,
    OptionReloaded,
    ReloadFailed,
)

OF_THE_OPERATOR = {
    kind.__name__ for kind in (ConfigurationQuestioned, ConfigurationReloaded, OptionReloaded, ReloadFailed)
}
"""Facts about the configuration, each once at a start or a reload: no peer can cause them."""


def _kinds(kind: type[Event]) -> Iterator[type[Event]]:
    for derived in kind.__subclasses__():
        yield derived
        yield from _kinds(derived)


def test_all_but_the_operators_are_limited() -> None:
    """Errors and notices of all modules are summed up where there are many, but for those of a start."""
    for package in (app.domain, app.entrypoints):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            import_module(module.name)
    unlimited = {
        kind.__name__
        for kind in _kinds(Event)
        if kind.__module__.startswith("app.")
        and getattr(kind, "level", None) in (Level.INFO, Level.ERROR)
        and not kind.bounded
    }

    assert unlimited <= OF_THE_OPERATOR
