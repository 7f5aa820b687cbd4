"""Hooks of an operator: found by name, checked, and combined with the configuration."""

import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from app.adapters.clock_manual import ManualClock
from app.adapters.hooks.setup import HookSettings, check_hooks, load_hooks, open_hooks
from app.domain.hooks.decisions import Allow, Refuse
from app.domain.hooks.gate import HookTerms
from app.domain.hooks.hook_event import HookEvent, HookPoint
from app.ports.hooks import Hooks, HooksError
from tests.fakes.event_log import RecordingEventLog

NOTHING = HookSettings()


class Audit(Hooks):
    """Sees two points."""

    patterns = ("orders.>", "a")
    on_error = Allow()

    def connect(self, event: HookEvent) -> None:
        """See `Hooks`."""

    async def publish(self, event: HookEvent) -> Refuse:
        """See `Hooks`."""
        return Refuse(event.subject)


def hook_terms(hooks: Hooks, settings: HookSettings) -> HookTerms:
    """What holds for these hooks."""
    checked = check_hooks(hooks, settings)
    assert checked is not None
    assert hooks is checked.hooks
    return checked.terms


@pytest.fixture(name="module")
def _module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A module ``operators_hooks`` to load from."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    text = """
        import pynatsd

        class Own(pynatsd.Hooks):
            time_limit = 3.0

        def make():
            return Own()

        def broken():
            raise ValueError("no policy")

        def wrong():
            return 5

        TEXT = "text"
    """
    (tmp_path / "operators_hooks.py").write_text(dedent(text))
    yield
    sys.modules.pop("operators_hooks", None)


def test_what_an_object_says() -> None:
    """Only methods that are overridden are asked."""
    terms = hook_terms(Audit(), NOTHING)

    assert frozenset({HookPoint.CONNECT, HookPoint.PUBLISH}) == terms.points
    assert ((b"orders.>", b"a"), 2.0, Allow(), False) == (
        terms.patterns,
        terms.time_limit,
        terms.on_error,
        terms.shadow,
    )


def test_methods_of_one_object() -> None:
    """A function that an object has of its own is asked too."""
    hooks: Any = Hooks()
    hooks.deliver = lambda _event: None

    assert frozenset({HookPoint.DELIVER}) == hook_terms(hooks, NOTHING).points


def test_what_a_configuration_says() -> None:
    """What the configuration says wins over the hooks' own settings."""
    terms = hook_terms(Audit(), HookSettings(shadow=True, time_limit=0.5))

    assert (0.5, True) == (terms.time_limit, terms.shadow)


@pytest.mark.parametrize("name", ["make", "Own"])
def test_found_by_name(module: None, name: str) -> None:
    """A function that makes the object, or its class."""
    del module
    hooks = load_hooks(HookSettings(f"operators_hooks:{name}"))

    assert hooks is not None
    assert 3.0 == hooks.time_limit


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("nowhere.at_all:make", "there is no module 'nowhere'"),
        ("operators_hooks:nothing", "module 'operators_hooks' has no 'nothing'"),
        ("operators_hooks:broken", "calling it failed with ValueError: no policy"),
        (
            "operators_hooks:wrong",
            "returned an object of type int; it must be a class that extends pynatsd.Hooks",
        ),
        ("operators_hooks:TEXT", "is of type str and cannot be called"),
    ],
)
def test_what_cannot_be_loaded(module: None, name: str, text: str) -> None:
    """The error names the module, and says why."""
    del module
    with pytest.raises(HooksError) as raised:
        load_hooks(HookSettings(name))

    assert f"hooks factory {name!r}" in str(raised.value)
    assert text in str(raised.value)


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("patterns", "orders.>", "patterns of Audit must be a list of subjects"),
        ("patterns", [], "patterns of Audit must be a list of subjects"),
        ("patterns", ["a..b"], "patterns of Audit must be a list of subjects"),
        ("patterns", [5], "patterns of Audit must be a list of subjects"),
        ("time_limit", 0, "time_limit of Audit must be a number of seconds above 0, not 0"),
        ("time_limit", True, "time_limit of Audit must be"),
        ("time_limit", "1s", "time_limit of Audit must be"),
        ("time_limit", float("inf"), "time_limit of Audit must be"),
        ("on_error", None, "on_error of Audit must be"),
        ("on_error", Refuse(5), "on_error of Audit must be"),  # type: ignore[arg-type] # that is the point
        ("shadow", 1, "shadow of Audit must be True or False, not 1"),
        ("publish", 5, "publish of Audit cannot be called"),
    ],
)
def test_what_cannot_be_used(name: str, value: object, text: str) -> None:
    """The error names the attribute, and says what it must be."""
    hooks = Audit()
    setattr(hooks, name, value)

    with pytest.raises(HooksError, match=text):
        hook_terms(hooks, NOTHING)


def test_ready_to_be_asked() -> None:
    """Without hooks there is nothing to ask."""
    opened = open_hooks(check_hooks(Audit(), NOTHING), ManualClock(), RecordingEventLog())

    assert opened is not None
    assert opened.gate.asks(HookPoint.PUBLISH)
    assert not opened.gate.asks(HookPoint.DELIVER)
    assert open_hooks(check_hooks(load_hooks(NOTHING), NOTHING), ManualClock(), RecordingEventLog()) is None
