"""Loading the operator's own authenticator by name.

The name is ``package.module:factory``. It names an async function that decides, or a
factory: a callable without arguments that returns such a function or an `Authenticator`.
"""

import importlib
import inspect
from typing import TypeGuard

from ...ports.authenticator import Authenticator, AuthError
from .guard import Check, GuardedAuthenticator, GuardedFunction, Report

_SHAPES = "an async function of the credentials, or a factory that takes no arguments and returns one"


def load_authenticator(name: str, seconds: float, report: Report) -> Authenticator:
    """The authenticator named `name`, with guards around it; a check may take `seconds`.

    Imports and calls the operator's code. Raises `AuthError` for any failure of it.
    """
    found = _find(name)
    made = found if _is_check(found) else _make(name, found)
    if _is_check(made):
        return GuardedFunction(made, seconds, report)
    if _is_authenticator(made):
        return GuardedAuthenticator(made, seconds, report)
    raise AuthError(
        f"authenticator {name!r} made a thing of type {type(made).__name__}; it must make an async "
        "function of the credentials, or an object with required, check and close"
    )


def _find(name: str) -> object:
    module_name, colon, attribute = name.partition(":")
    if not (colon and attribute and all(part.isidentifier() for part in module_name.split("."))):
        raise AuthError(f"authenticator {name!r} must be written package.module:factory")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is not None and f"{module_name}.".startswith(f"{error.name}."):
            raise AuthError(
                f"authenticator {name!r}: there is no module {error.name!r}; "
                "install it, or add its directory to PYTHONPATH"
            ) from error
        raise AuthError(_failure(name, f"importing {module_name}", error)) from error
    except KeyboardInterrupt:  # the operator interrupts the start
        raise
    except BaseException as error:
        raise AuthError(_failure(name, f"importing {module_name}", error)) from error
    if not hasattr(module, attribute):
        raise AuthError(f"authenticator {name!r}: module {module_name!r} has no {attribute!r}")
    found: object = getattr(module, attribute)
    return found


def _make(name: str, factory: object) -> object:
    if not callable(factory):
        raise AuthError(
            f"authenticator {name!r} is of type {type(factory).__name__} and cannot be called; "
            f"it must be {_SHAPES}"
        )
    try:
        made: object = factory()
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise AuthError(f"{_failure(name, 'calling it', error)}; it must be {_SHAPES}") from error
    return made


def _failure(name: str, doing: str, error: BaseException) -> str:
    text = " ".join(f"{type(error).__name__}: {error}".split()).removesuffix(":")
    return f"authenticator {name!r}: {doing} failed with {text}"


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
