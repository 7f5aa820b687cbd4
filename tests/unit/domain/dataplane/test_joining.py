"""Receivers over one link become one receiver, at this server's links and at those of others (ADR 0054)."""

import pytest

from app.domain.dataplane.joining import link_of, queue_of, read_groups
from app.domain.dataplane.seam import Group, MakePlane, Target
from tests.fakes.data_plane import Stage, Station
from tests.fakes.leaf_stage import GroupPlanner, link

FAR_Q = b"QRSID:~x:5:1:qa"
FAR_R = b"QRSID:~x:5:1:ra.*"


class Bed:
    """A plane with a client that publishes, a leaf link, and two routes."""

    def __init__(self, make_plane: MakePlane) -> None:
        self.planner = GroupPlanner()
        self.stage = Stage(make_plane)
        self.stage.plane = self.plane = make_plane(self.planner, 1, 1000, 1000)
        self.client = Station(self.plane)
        self.leaf = link(self.stage)
        self.routes = [self.stage.route(), self.stage.route()]

    def group(self, name: bytes, *members: Target, far: bool = False) -> list[Group]:
        """A queue group of one part."""
        group = self.plane.group(name)
        group.far = far
        for member in members:
            group.add(member)
        return [group]


@pytest.fixture(name="bed")
def _bed(make_plane: MakePlane) -> Bed:
    return Bed(make_plane)


def test_a_member_at_another_servers_link(bed: Bed) -> None:
    """The server gets a line for the group, and its plain line leaves out the link; others are as ever."""
    route, other = bed.routes
    bed.planner.plain = [route.target(b"RSID:7:1"), other.target(b"RSID:8:1"), bed.leaf.target(b"")]
    bed.planner.groups = [bed.group(b"q", route.target(FAR_Q), far=True)]

    bed.client.feed(2 * b"PUB a 2\r\nok\r\n")

    heard = route.heard()
    assert 2 == heard.count(b"MSG a QRSID:^#5 2\r\nok\r\n")
    assert 2 == heard.count(b"MSG a %b 2\r\nok\r\n" % FAR_Q)
    assert 4 == heard.count(b"MSG")
    assert (2 * b"MSG a RSID:8:1 2\r\nok\r\n", 2 * b"LMSG a 2\r\nok\r\n") == (other.heard(), bed.leaf.heard())


def test_several_groups_at_another_servers_link(bed: Bed) -> None:
    """They are one name; what is not for a cluster is not for the link either; links here are as ever."""
    route, _ = bed.routes
    bed.planner.plain = [route.target(b"QRSID:^y"), bed.leaf.target(b"")]
    bed.planner.groups = [
        bed.group(b"q", route.target(FAR_Q), far=True),
        bed.group(b"r", route.target(FAR_R), far=True),
        bed.group(b"s", bed.leaf.target(b"s"), far=True),
        bed.group(b"t", route.target(b"QRSID:7:2")),
    ]

    bed.client.feed(b"PUB a 2\r\nok\r\n")

    lines = sorted(route.heard().split(b"\r\nok\r\n"))
    assert [b"", b"MSG a QRSID:7:2 2", b"MSG a QRSID:^y#5 2", b"MSG a QRSID:~x:5:*71*72 2"] == lines
    assert b"LMSG a | s 2\r\nok\r\n" == bed.leaf.heard()


def test_far_members_are_drawn_last(bed: Bed) -> None:
    """A near one has it all; where it is gone, or is the publisher itself, a far one gets it."""
    near = bed.client.target(b"1")
    far = bed.leaf.target(b"q")
    part, other = bed.group(b"q", near), bed.group(b"q", far, far=True)
    bed.planner.groups = [[*part, *other]]

    bed.client.feed(3 * b"PUB a 2\r\nok\r\n")
    first = bed.client.heard().count(b"MSG"), bed.leaf.heard()
    bed.client.inlet.echo = False
    bed.client.feed(b"PUB a 2\r\nok\r\n")
    second = bed.client.heard(), bed.leaf.heard()
    near.retire()
    bed.client.feed(b"PUB a 2\r\nok\r\n")

    line = b"LMSG a | q 2\r\nok\r\n"
    assert [(3, b""), (b"", line), line] == [first, second, bed.leaf.heard()]


def test_a_congested_near_member_is_waited_for(bed: Bed) -> None:
    """It has the message, however ready a far one is."""
    near = bed.client.target(b"1")
    bed.planner.groups = [[*bed.group(b"q", near), *bed.group(b"q", bed.leaf.target(b"q"), far=True)]]
    bed.client.outbox.congested = True
    bed.client.owner.decide = lambda: True

    bed.client.feed(b"PUB a 2\r\nok\r\n")

    assert (True, b"", b"") == (bed.client.inlet.has_rest(), bed.client.heard(), bed.leaf.heard())


def test_names_are_read_again() -> None:
    """The number of the link and the groups are in the sid; other sids name none."""
    assert (b"5", b"q", b"ra") == (link_of(FAR_Q), queue_of(FAR_Q), queue_of(b"QRSID:~x:5:2:raa"))
    assert b"" == queue_of(b"QRSID:~x:5:nonsense")
    assert (5, [b"q", b"r"]) == read_groups(b"QRSID:~x:5:*71*72")
    for sid in (
        FAR_Q,
        b"QRSID:~x:5",
        b"QRSID:1:2:*71",
        b"QRSID:~x:y:*71",
        b"QRSID:~x:5:*7",
        b"QRSID:~x:5:*\xff",
    ):
        assert None is read_groups(sid)


def test_receivers_without_a_connection_are_left_alone(bed: Bed) -> None:
    """A target that has retired meanwhile is nobody's, here and at other links."""
    gone, far = bed.client.target(b"1"), bed.routes[0].target(FAR_Q)
    bed.planner.plain = [gone]
    bed.planner.groups = [bed.group(b"q", far, far=True)]
    bed.client.feed(b"PUB a 2\r\nok\r\n")
    for each in (gone, far):
        each.retire()

    bed.client.feed(b"PUB a 2\r\nok\r\n")

    assert (1, 1) == (bed.client.heard().count(b"MSG"), bed.routes[0].heard().count(b"MSG"))
