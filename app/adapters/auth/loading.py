"""Loading the operator's own authenticator by name.

The name is ``package.module:factory``. It names an async function that decides, or a
factory: a callable without arguments that returns such a function or an `Authenticator`.
"""

import inspect
from typing import TypeGuard

from ...ports.authenticator import Authenticator, AuthError
from ...ports.factories import FactoryError, find, make
from .guard import Check, GuardedAuthenticator, GuardedFunction, Report

_WHAT = "authenticator"
_SHAPES = "an async function of the credentials, or a factory that takes no arguments and returns one"


def load_authenticator(name: str, seconds: float, report: Report) -> Authenticator:
    """The authenticator named `name`, with guards around it; a check may take `seconds`.

    Imports and calls the operator's code. Raises `AuthError` for any failure of it.
    """
    try:
        found = find(_WHAT, name)
        made = found if _is_check(found) else make(_WHAT, name, found, _SHAPES)
    except FactoryError as error:
        raise AuthError(str(error)) from error
    if _is_check(made):
        return GuardedFunction(made, seconds, report)
    if _is_authenticator(made):
        return GuardedAuthenticator(made, seconds, report)
    raise AuthError(
        f"authenticator {name!r} returned an object of type {type(made).__name__}; it must return an async "
        "function of the credentials, or an object with required, check and close"
    )


def _is_check(thing: object) -> TypeGuard[Check]:
    """An async function, or an object that is called like one. A class is a factory."""
    if isinstance(thing, type):
        return False
    return inspect.iscoroutinefunction(thing) or inspect.iscoroutinefunction(
        getattr(thing, "__call__", None)  # noqa: B004 - whether the call is async, not whether it exists
    )


def _is_authenticator(thing: object) -> TypeGuard[Authenticator]:
    methods = (getattr(thing, name, None) for name in ("check", "close"))
    return all(map(callable, methods)) and isinstance(getattr(thing, "required", None), bool)
