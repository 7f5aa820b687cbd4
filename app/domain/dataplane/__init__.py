"""The data plane, and the choice of its twin.

``reference`` is plain Python, always there, and the definition of the
behaviour. ``native`` does the same, compiled, where the installation could
build it. Which one runs is an argument of `choose`, never a matter of luck; the
other one is not imported.
"""

from importlib import import_module

from .seam import MakePlane

__all__ = ["AUTO", "NATIVE", "PYTHON", "DataPlaneUnavailable", "choose"]

AUTO = "auto"
NATIVE = "native"
PYTHON = "python"


class DataPlaneUnavailable(ValueError):
    """The name asks for a twin that does not exist, or is not built here."""


def choose(name: str) -> tuple[str, MakePlane]:
    """The twin called `name`, and its name; ``auto`` means native where it is built.

    Raises `DataPlaneUnavailable`, which says what can be done.
    """
    if name not in (AUTO, NATIVE, PYTHON):
        raise DataPlaneUnavailable(f"unknown data plane {name!r}: choose {AUTO}, {NATIVE} or {PYTHON}")
    if name != PYTHON:
        try:
            native = import_module(".native", __package__)
        except ImportError as error:
            if name == NATIVE:
                raise DataPlaneUnavailable(
                    "the native data plane is not built: install a C compiler and reinstall, "
                    f"or choose {PYTHON} ({error})"
                ) from error
        else:
            return NATIVE, native.DataPlane
    return PYTHON, import_module(".reference", __package__).DataPlane
