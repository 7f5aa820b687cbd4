"""The hooks of an operator: found, checked, and ready to be asked."""

import math
from collections.abc import Sequence

from ...domain.events import EventSink
from ...domain.hooks.decisions import Allow, Refuse
from ...domain.hooks.gate import HookGate, HookTerms
from ...domain.hooks.hook_event import HookPoint
from ...domain.permissions.rules import entry
from ...domain.timers import Scheduler
from ...domain.value_object import value_object
from ...ports.factories import FactoryError, find, make
from ...ports.hooks import HookRunner, Hooks, HooksError
from .runner import AsyncioHookRunner

_WHAT = "hooks factory"
_SHAPES = "a class that extends pynatsd.Hooks, or a function without arguments that makes such an object"


@value_object
class HookSettings:
    """What a configuration says of hooks."""

    factory: str = ""
    """As ``package.module:make``; empty for no hooks."""
    shadow: bool = False
    """Have answers logged alone, whatever the hooks say."""
    time_limit: float = 0.0
    """Seconds, in place of those that the hooks say; 0 for theirs."""


@value_object
class CheckedHooks:
    """Hooks that can be used."""

    hooks: Hooks
    terms: HookTerms


@value_object
class OpenHooks:
    """Hooks that can be asked, and what calls them."""

    gate: HookGate
    runner: HookRunner


def load_hooks(settings: HookSettings) -> Hooks | None:
    """The hooks that the configuration names; None for none.

    Imports and calls the operator's code. Raises `HooksError`.
    """
    if not settings.factory:
        return None
    try:
        made = make(_WHAT, settings.factory, find(_WHAT, settings.factory), _SHAPES)
    except FactoryError as error:
        raise HooksError(str(error)) from error
    if not isinstance(made, Hooks):
        kind = type(made).__name__
        raise HooksError(
            f"{_WHAT} {settings.factory!r} returned an object of type {kind}; it must be {_SHAPES}"
        )
    return made


def check_hooks(hooks: Hooks | None, settings: HookSettings) -> CheckedHooks | None:
    """What an operator's object says, checked, and what the configuration says. Raises `HooksError`."""
    if hooks is None:
        return None
    terms = HookTerms(
        frozenset(point for point in HookPoint if _is_overridden(hooks, point.value)),
        _patterns(hooks),
        settings.time_limit or _time_limit(hooks),
        _on_error(hooks),
        shadow=settings.shadow or _shadow(hooks),
        name=settings.factory or _name(hooks),
    )
    return CheckedHooks(hooks, terms)


def open_hooks(checked: CheckedHooks | None, scheduler: Scheduler, events: EventSink) -> OpenHooks | None:
    """Hooks to be asked; they need no event loop before that."""
    if checked is None:
        return None
    runner = AsyncioHookRunner(checked.hooks, scheduler)
    return OpenHooks(HookGate(checked.terms, runner, scheduler, events), runner)


def _is_overridden(hooks: Hooks, name: str) -> bool:
    method: object = getattr(hooks, name)
    if not callable(method):
        raise HooksError(f"{name} of {_name(hooks)} cannot be called; it must be a method")
    return getattr(method, "__func__", method) is not getattr(Hooks, name)


def _patterns(hooks: Hooks) -> tuple[bytes, ...]:
    given: object = hooks.patterns
    if isinstance(given, Sequence) and not isinstance(given, str | bytes) and given:
        try:
            return tuple(entry(each).subject for each in given)
        except (AttributeError, TypeError, ValueError):
            pass
    raise HooksError(f'patterns of {_name(hooks)} must be a list of subjects such as ["orders.>"]')


def _time_limit(hooks: Hooks) -> float:
    given: object = hooks.time_limit
    if isinstance(given, int | float) and not isinstance(given, bool) and 0 < given < math.inf:
        return float(given)
    raise HooksError(f"time_limit of {_name(hooks)} must be a number of seconds above 0, not {given!r}")


def _on_error(hooks: Hooks) -> Allow | Refuse:
    given: object = hooks.on_error
    if isinstance(given, Allow) or (isinstance(given, Refuse) and isinstance(given.reason, str)):
        return given
    raise HooksError(f"on_error of {_name(hooks)} must be pynatsd.Allow() or pynatsd.Refuse(reason)")


def _shadow(hooks: Hooks) -> bool:
    given: object = hooks.shadow
    if isinstance(given, bool):
        return given
    raise HooksError(f"shadow of {_name(hooks)} must be True or False, not {given!r}")


def _name(hooks: Hooks) -> str:
    return type(hooks).__qualname__
