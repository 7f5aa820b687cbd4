"""Code of an operator, found by its name ``package.module:factory``."""

import importlib


class FactoryError(Exception):
    """The factory cannot be used; the text names it, and says why."""


def find(what: str, name: str) -> object:
    """The object with this name, for which its module is imported. `what` it is, is for errors.

    Raises `FactoryError`.
    """
    module_name, colon, attribute = name.partition(":")
    if not (colon and attribute and all(part.isidentifier() for part in module_name.split("."))):
        raise FactoryError(f"{what} {name!r} must be written package.module:factory")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is not None and f"{module_name}.".startswith(f"{error.name}."):
            raise FactoryError(
                f"{what} {name!r}: there is no module {error.name!r}; "
                "install it, or add its directory to PYTHONPATH"
            ) from error
        raise FactoryError(_failure(what, name, f"importing {module_name}", error)) from error
    except KeyboardInterrupt:  # the operator interrupts the start
        raise
    except BaseException as error:
        raise FactoryError(_failure(what, name, f"importing {module_name}", error)) from error
    if not hasattr(module, attribute):
        raise FactoryError(f"{what} {name!r}: module {module_name!r} has no {attribute!r}")
    found: object = getattr(module, attribute)
    return found


def make(what: str, name: str, factory: object, shapes: str) -> object:
    """What the factory makes. `shapes` says what the name may stand for. Raises `FactoryError`."""
    if not callable(factory):
        raise FactoryError(
            f"{what} {name!r} is of type {type(factory).__name__} and cannot be called; it must be {shapes}"
        )
    try:
        made: object = factory()
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise FactoryError(f"{_failure(what, name, 'calling it', error)}; it must be {shapes}") from error
    return made


def _failure(what: str, name: str, doing: str, error: BaseException) -> str:
    text = " ".join(f"{type(error).__name__}: {error}".split()).removesuffix(":")
    return f"{what} {name!r}: {doing} failed with {text}"
