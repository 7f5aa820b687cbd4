"""The data plane, and the choice of its twin.

``reference`` is plain Python, always there, and the definition of the
behaviour. Which twin runs is an argument of `choose`, never a matter of luck.
"""

from typing import cast

from app.domain.dataplane.reference import DataPlane as ReferencePlane
from app.domain.dataplane.seam import MakePlane

__all__ = ["UnknownDataPlane", "choose"]


class UnknownDataPlane(ValueError):
    """The name asks for a twin that does not exist."""


def choose(name: str) -> MakePlane:
    """The twin called `name`.

    Raises `UnknownDataPlane`, naming the choices.
    """
    if name == "python":
        # A twin's objects accept only their own kind, which the protocols can't say.
        return cast(MakePlane, ReferencePlane)
    raise UnknownDataPlane(f"unknown data plane {name!r}: choose python")
