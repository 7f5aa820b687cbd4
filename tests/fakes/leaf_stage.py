"""Leaf links on a data plane that is tried alone."""

from collections.abc import Sequence

from app.domain.dataplane.seam import Decision, Group, Kind, Plane, Search, Target
from tests.fakes.data_plane import ScriptedPlanner, Stage, Station

LINKS = 9
"""The audience of leaf links here."""


def link(stage: Stage, *, headers: bool = True) -> Station:
    """The other end of a leaf link, which takes headers by default, and may send some."""
    station = Station(stage.plane, Kind.LEAF)
    station.outbox.leaf = True
    station.outbox.headers = station.inlet.headers = headers
    station.inlet.audience = LINKS
    return station


def named_group(plane: Plane, name: bytes, members: Sequence[Target], weight: int = 1) -> Group:
    """A queue group of this name, whose members count for so much."""
    group = plane.group(name)
    for member in members:
        group.add(member)
    group.weight = weight
    return group


class GroupPlanner(ScriptedPlanner):
    """Has the same receivers for every subject: `plain`, and `groups` with their parts."""

    plain: Sequence[Target] = ()
    groups: Sequence[Sequence[Group]] = ()

    def plan(self, plane: Plane, audience: int, subject: bytes) -> Decision | Search:
        """All of them."""
        self.asked.append((audience, subject))
        return plane.plan(self.plain, self.groups), 0
