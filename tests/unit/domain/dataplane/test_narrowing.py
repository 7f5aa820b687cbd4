"""A message of a leaf link is for the queue groups alone that its line names."""

from itertools import combinations

import pytest

from app.domain.dataplane.message import PUB, Message
from app.domain.dataplane.narrowing import MOST_KEPT, narrowed
from app.domain.dataplane.plan import Group, Plan
from app.domain.dataplane.seam import Hook, MakePlane
from tests.fakes.data_plane import Stage, Station
from tests.fakes.leaf_stage import GroupPlanner, link, named_group


def grouped(make_plane: MakePlane, names: list[bytes]) -> tuple[Stage, Station, Station]:
    """A plane, a link, and a client that listens in each of these queue groups, and without one."""
    stage = Stage(make_plane)
    planner = GroupPlanner()
    plane = stage.plane = make_plane(planner, 1, 1000, 1000)
    stage.planner = planner
    client = Station(plane)
    planner.plain = [client.target(b"p")]
    planner.groups = [[named_group(plane, name, [client.target(name)])] for name in names]
    return stage, link(stage), client


@pytest.mark.parametrize("count", [3, MOST_KEPT + 1], ids=["kept", "made for each message"])
def test_every_choice_of_groups(make_plane: MakePlane, count: int) -> None:
    """Plain subscriptions get it, and one member of each group that is named, no other."""
    names = [b"g%d" % number for number in range(count)]
    _, leaf, client = grouped(make_plane, names)

    for size in (0, 1, 2, count):
        for chosen in list(combinations(names, size))[:5]:
            line = b" | " + b" ".join(chosen) if chosen else b""
            for _ in range(2):
                leaf.feed(b"LMSG foo%b 2\r\nok\r\n" % line)
                expected = b"".join(b"MSG foo %b 2\r\nok\r\n" % sid for sid in (b"p", *chosen))
                assert expected == client.heard()


def test_names_are_compared_whole(make_plane: MakePlane) -> None:
    """Neither a part of a name nor one that is longer counts, and nobody is in a group that is unknown."""
    _, leaf, client = grouped(make_plane, [b"group"])

    leaf.feed(b"LMSG foo | grou groups roup x 2\r\nok\r\nLMSG foo + re x\tgroup 2\r\nok\r\n")

    assert b"MSG foo p 2\r\nok\r\nMSG foo p re 2\r\nok\r\nMSG foo group re 2\r\nok\r\n" == client.heard()


def test_names_of_the_same_length_are_compared_too(make_plane: MakePlane) -> None:
    """A line whose names take as many bytes as the one group's is for that group only if they are equal."""
    _, leaf, client = grouped(make_plane, [b"group"])

    leaf.feed(b"LMSG foo | gr up 2\r\nok\r\nLMSG foo | groux 2\r\nok\r\nLMSG foo | group 2\r\nok\r\n")

    assert 3 * b"MSG foo p 2\r\nok\r\n" + b"MSG foo group 2\r\nok\r\n" == client.heard()


def test_clients_name_no_groups(make_plane: MakePlane) -> None:
    """A message of a client is for all groups."""
    stage, _, client = grouped(make_plane, [b"g"])

    Station(stage.plane).feed(b"PUB foo 2\r\nok\r\n")

    assert b"MSG foo p 2\r\nok\r\nMSG foo g 2\r\nok\r\n" == client.heard()


def test_hooks_see_a_message_for_somebody() -> None:
    """Where no receiver is left there is nothing to decide, and an empty group is in no line."""
    message = Message(PUB, b"", [b"a", b"1"])
    plan = Plan((), ((Group(b"g"),), ()), b"", hook=Hook.DELIVER)

    assert Hook.NONE == narrowed(plan, message).hook
    message.names = (b"g",)
    assert (Hook.DELIVER, 1) == (narrowed(plan, message).hook, narrowed(plan, message).fanout)
