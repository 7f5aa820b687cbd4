"""What is sent over a leaf link: one line for all receivers there, with the names of queue groups."""

from array import array
from collections.abc import Sequence

import pytest

from app.domain.dataplane.constants import REFERENCED_BYTES
from app.domain.dataplane.link_lines import receivers_in_lines
from app.domain.dataplane.message_run import AckNumbers, MessageRun
from app.domain.dataplane.reach import Naming, Reach
from app.domain.dataplane.seam import Group, Hook, HookedMessage, MakePlane, Target
from tests.fakes.data_plane import Stage, Station
from tests.fakes.leaf_stage import GroupPlanner, link, named_group

HEADED = b"NATS/1.0\r\n\r\n"


class Bed:
    """A plane, a client that publishes, and two links."""

    def __init__(self, make_plane: MakePlane) -> None:
        self.planner = GroupPlanner()
        self.stage = Stage(make_plane)
        self.plane = self.stage.plane = make_plane(self.planner, 1, 1 << 20, 1000)
        self.client = Station(self.plane)
        self.client.inlet.headers = self.client.outbox.headers = True
        self.links = [link(self.stage), link(self.stage)]

    def to(self, plain: Sequence[Target], *groups: Sequence[Group]) -> None:
        """Let these be the receivers of every message."""
        self.planner.plain, self.planner.groups = plain, groups
        self.plane.changed(b">")

    def target(self, number: int, name: bytes = b"") -> Target:
        """A subscription at the end of a link, in a queue group or not."""
        return self.links[number].target(name)

    def group(self, name: bytes, *members: Target, weight: int = 1) -> Group:
        """A queue group."""
        return named_group(self.plane, name, members, weight)

    def heard(self) -> list[bytes]:
        """What the links got."""
        return [each.heard() for each in self.links]


@pytest.fixture(name="bed")
def _bed(make_plane: MakePlane) -> Bed:
    return Bed(make_plane)


MESSAGES = {
    "plain": (b"PUB a 2\r\nok\r\n", b"LMSG a 2\r\nok\r\n", b"LMSG a | g 2\r\nok\r\n"),
    "reply": (b"PUB a re 2\r\nok\r\n", b"LMSG a re 2\r\nok\r\n", b"LMSG a + re g 2\r\nok\r\n"),
    "headers": (
        b"HPUB a 12 14\r\n%bok\r\n" % HEADED,
        b"HMSG a 12 14\r\n%bok\r\n" % HEADED,
        b"HMSG a | g 12 14\r\n%bok\r\n" % HEADED,
    ),
    "headers and reply": (
        b"HPUB a re 12 14\r\n%bok\r\n" % HEADED,
        b"HMSG a re 12 14\r\n%bok\r\n" % HEADED,
        b"HMSG a + re g 12 14\r\n%bok\r\n" % HEADED,
    ),
    "spelled otherwise": (b"pub  a\tre  2\nok\r\n", b"LMSG a re 2\r\nok\r\n", b"LMSG a + re g 2\r\nok\r\n"),
    "zeros": (b"PUB a 002\r\nok\r\n", b"LMSG a 002\r\nok\r\n", b"LMSG a | g 2\r\nok\r\n"),
    "zeros and headers": (
        b"HPUB a 012 014\r\n%bok\r\n" % HEADED,
        b"HMSG a 012 014\r\n%bok\r\n" % HEADED,
        b"HMSG a | g 12 14\r\n%bok\r\n" % HEADED,
    ),
    "nothing": (b"PUB a 0\r\n\r\n", b"LMSG a 0\r\n\r\n", b"LMSG a | g 0\r\n\r\n"),
    "large": (
        b"PUB a %d\r\n%b\r\n" % (REFERENCED_BYTES, REFERENCED_BYTES * b"x"),
        b"LMSG a %d\r\n%b\r\n" % (REFERENCED_BYTES, REFERENCED_BYTES * b"x"),
        b"LMSG a | g %d\r\n%b\r\n" % (REFERENCED_BYTES, REFERENCED_BYTES * b"x"),
    ),
}


@pytest.mark.parametrize(("sent", "plain", "named"), MESSAGES.values(), ids=MESSAGES.keys())
def test_a_line_for_a_link(bed: Bed, sent: bytes, plain: bytes, named: bytes) -> None:
    """A plain subscription needs no name, a queue group's member has that of its group."""
    member = bed.target(1, b"g")
    bed.to([bed.target(0)], [bed.group(b"g", member)])

    bed.client.feed(3 * sent)

    assert [3 * plain, 3 * named] == bed.heard()
    assert [3, 3, 3] == [bed.links[0].outbox.out_msgs, bed.links[1].outbox.out_msgs, member.delivered]


@pytest.mark.parametrize(("sent", "plain", "named"), MESSAGES.values(), ids=MESSAGES.keys())
def test_runs_are_written_as_single_messages(bed: Bed, sent: bytes, plain: bytes, named: bytes) -> None:
    """Many messages with one line go to a link and a client as one by one, and those of a link to clients."""
    del named
    bed.to([bed.target(0), bed.client.target(b"7")])

    bed.client.feed(5 * sent)
    bed.links[1].feed(5 * plain)

    assert [10 * plain, b""] == bed.heard()
    verb, _, rest = plain.partition(b" a ")
    message = (b"H" if verb == b"HMSG" else b"") + b"MSG a 7 " + rest
    assert 10 * message == bed.client.heard()


def test_all_at_one_link_are_in_one_line(bed: Bed) -> None:
    """Plain subscriptions and the groups that were drawn there are one line, so nobody gets it twice."""
    one, two = bed.target(0, b"g1"), bed.target(0, b"g2")
    plain = bed.target(0)
    here = bed.client.target(b"3")
    bed.to(
        [plain, bed.target(1), bed.client.target(b"2")],
        [bed.group(b"g0", here)],
        [bed.group(b"g1", one)],
        [bed.group(b"g2", two)],
    )

    bed.client.feed(b"PUB a re 2\r\nok\r\nPUB a 2\r\nok\r\n")

    lines = b"LMSG a + re g1 g2 2\r\nok\r\nLMSG a | g1 g2 2\r\nok\r\n"
    assert [lines, b"LMSG a re 2\r\nok\r\nLMSG a 2\r\nok\r\n"] == bed.heard()
    assert [2, 2, 2, 2] == [each.delivered for each in (one, two, plain, here)]
    assert 2 == bed.links[0].outbox.out_msgs
    assert b"MSG a 2 re 2\r\nok\r\nMSG a 3 re 2\r\nok\r\n" in bed.client.heard()


def test_a_line_for_many_groups(bed: Bed) -> None:
    """A line names all groups that were drawn for its link, however many there are."""
    names = [b"g%d" % number for number in range(12)]
    bed.to([bed.target(0)], *([bed.group(name, bed.target(0, name))] for name in names))

    bed.client.feed(b"PUB a 2\r\nok\r\n")

    assert [b"LMSG a | %b 2\r\nok\r\n" % b" ".join(names), b""] == bed.heard()


def test_a_message_for_a_group_that_can_take_nothing(bed: Bed) -> None:
    """A member of some weight is drawn although its link is full, where nobody else is in its group."""
    bed.to([], [bed.group(b"g", bed.target(0, b"g"), weight=3)])
    bed.links[0].outbox.congested = True

    bed.client.feed(b"PUB a 2\r\nok\r\n")

    assert [b"LMSG a | g 2\r\nok\r\n", b""] == bed.heard()


def test_a_link_with_its_plain_subscription_and_one_group(bed: Bed) -> None:
    """The line of the group serves the plain subscription, too."""
    bed.to([bed.target(0)], [bed.group(b"g", bed.target(0, b"g"))])

    bed.client.feed(b"HPUB a 12 14\r\n%bok\r\n" % HEADED)

    assert [b"HMSG a | g 12 14\r\n%bok\r\n" % HEADED, b""] == bed.heard()


def test_a_member_that_another_server_has_drawn(bed: Bed) -> None:
    """It is named although it is the only receiver, in many messages as in one."""
    bed.to([bed.target(0, b"g")])

    bed.client.feed(3 * b"PUB a 2\r\nok\r\n")

    assert [3 * b"LMSG a | g 2\r\nok\r\n", b""] == bed.heard()


def test_headers_are_cut_for_a_link_without_them(bed: Bed) -> None:
    """It gets LMSG, with the size of what is left."""
    for each in bed.links:
        each.outbox.headers = False
    bed.to([bed.target(0)], [bed.group(b"g", bed.target(1, b"g"))])

    bed.client.feed(b"HPUB a re 12 14\r\n%bok\r\n" % HEADED)

    assert [b"LMSG a re 2\r\nok\r\n", b"LMSG a + re g 2\r\nok\r\n"] == bed.heard()
    assert [2, 2] == [each.outbox.out_bytes for each in bed.links]


def test_links_are_drawn_by_weight(bed: Bed) -> None:
    """A link whose group has three members is drawn about three times as often as one with one member."""
    light, heavy = bed.target(0, b"g"), bed.target(1, b"g")
    bed.to([], [bed.group(b"g", light), bed.group(b"g", heavy, weight=3)])

    bed.client.feed(400 * b"PUB a 2\r\nok\r\n")

    assert 400 == light.delivered + heavy.delivered
    assert 270 < heavy.delivered < 330


def test_a_group_whose_link_is_closed(bed: Bed) -> None:
    """The draw takes it out, and nobody gets a line; a plain subscription there gets none either."""
    member, plain = bed.target(0, b"g"), bed.target(0)
    bed.to([plain], [bed.group(b"g", member)])
    bed.links[0].outbox.closed = True

    bed.client.feed(b"PUB a 2\r\nok\r\n")

    assert ([b"", b""], 0) == (bed.heard(), member.delivered)


def test_a_member_that_retired_is_passed_over(bed: Bed) -> None:
    """One without a connection is as good as gone, in a group and outside."""
    member, plain = bed.target(0, b"g"), bed.target(1)
    bed.to([plain], [bed.group(b"g", member)])
    member.retire()
    plain.retire()

    bed.client.feed(b"PUB a 2\r\nok\r\n")

    assert [b"", b""] == bed.heard()


def test_a_client_without_echo_is_skipped(bed: Bed) -> None:
    """Its own subscription gets nothing where lines are made, neither as a member nor plain."""
    bed.client.inlet.echo = False
    mixed = [bed.group(b"g", bed.client.target(b"1")), bed.group(b"g", bed.target(0, b"g"))]
    bed.to([bed.client.target(b"2"), bed.target(1)], mixed)

    bed.client.feed(b"PUB a 2\r\nok\r\n")

    assert ([b"LMSG a | g 2\r\nok\r\n", b"LMSG a 2\r\nok\r\n"], b"") == (bed.heard(), bed.client.heard())


def test_lines_are_traced(bed: Bed) -> None:
    """The log reads them as they are sent."""
    for each in bed.links:
        each.outbox.trace = True
    bed.links[1].outbox.headers = False
    bed.to([bed.target(0)], [bed.group(b"g", bed.target(1, b"g"))])

    bed.client.feed(b"PUB a 2\r\nok\r\nHPUB a re 12 14\r\n%bok\r\npub  a  02\r\nok\r\n" % HEADED)

    assert [
        [b"LMSG a 2", b"HMSG a re 12 14", b"LMSG a 02"],
        [b"LMSG a | g 2", b"LMSG a + re g 2", b"LMSG a | g 2"],
    ] == [each.owner.heads for each in bed.links]


def test_receivers_for_hooks_are_one_for_each_link(bed: Bed) -> None:
    """A message that hooks have let pass is one line too."""
    plain, members = [bed.target(0), bed.target(1)], [bed.target(0, b"g1"), bed.target(0, b"g2")]
    groups = [[bed.group(b"g1", members[0])], [bed.group(b"g2", members[1])]]
    plan = bed.plane.plan([*plain, bed.client.target(b"1")], groups, hook=Hook.DELIVER)

    for target in bed.plane.receivers(plan, None):
        bed.plane.deliver_to(target, HookedMessage(b"a", b"re", 2, b"hdok"))

    assert [b"HMSG a + re g1 g2 2 4\r\nhdok\r\n", b"HMSG a re 2 4\r\nhdok\r\n"] == bed.heard()
    assert b"HMSG a 1 re 2 4\r\nhdok\r\n" == bed.client.heard()


def test_messages_of_the_server_itself(bed: Bed) -> None:
    """They are one line for each link, and none under another subject, which the other end could not find."""
    for each in bed.links:
        each.outbox.naming = Naming.MEMBERS
    bed.to([bed.target(0), bed.target(1), bed.client.target(b"1")], [bed.group(b"g", bed.target(0, b"g"))])

    reaches = [
        bed.plane.deliver(b"a", b"a", b"re", b"", b"ok"),
        bed.plane.deliver(b"a", b"b", b"", b"", b"no"),
    ]

    assert 2 * [Reach.SENT] == reaches
    assert [b"LMSG a + re g 2\r\nok\r\n", b"LMSG a re 2\r\nok\r\n"] == bed.heard()
    assert b"MSG a 1 re 2\r\nok\r\nMSG b 1 2\r\nno\r\n" == bed.client.heard()


STORED = [
    (b"", b"LMSG a $JS.ACK.x@b 2\r\nok\r\n", b"LMSG a $JS.ACK.x@b 2\r\nok\r\n"),
    (HEADED, b"HMSG a $JS.ACK.x@b 12 14\r\n%bok\r\n" % HEADED, b"LMSG a $JS.ACK.x@b 2\r\nok\r\n"),
]


@pytest.mark.parametrize(("headers", "line", "bare"), STORED, ids=["plain", "headers"])
def test_messages_of_streams(bed: Bed, headers: bytes, line: bytes, bare: bytes) -> None:
    """They name the subject of the consumer, and after the reply subject the one that they show."""
    for each in bed.links:
        each.outbox.naming = Naming.MEMBERS
        each.outbox.trace = True
    bed.links[1].outbox.headers = False
    bed.to([bed.target(0), bed.target(1), bed.client.target(b"1")])

    reach = bed.plane.deliver(b"a", b"b", b"$JS.ACK.x", headers, b"ok")

    assert (Reach.SENT, [line, bare]) == (reach, bed.heard())
    assert bed.client.heard().endswith(b"ok\r\n")
    assert [line.partition(b"\r")[0]] == bed.links[0].owner.heads
    assert [len(headers) + 2, 2] == [each.outbox.out_bytes for each in bed.links]


def test_messages_of_streams_for_a_queue_group(bed: Bed) -> None:
    """The group is named too; a link that is closed, or congested, gets nothing."""
    bed.links[0].outbox.naming = Naming.MEMBERS
    bed.to([], [bed.group(b"g", bed.target(0, b"g"))])

    first = bed.plane.deliver(b"a", b"b", b"$JS.ACK.x", HEADED, b"ok")
    heard = bed.heard()
    bed.links[0].outbox.congested = True
    second = bed.plane.deliver(b"a", b"b", b"$JS.ACK.x", b"", b"ok")
    bed.links[0].outbox.congested = False
    bed.links[0].outbox.closed = True

    assert (Reach.SENT, Reach.CONGESTED) == (first, second)
    assert [b"HMSG a + $JS.ACK.x@b g 12 14\r\n%bok\r\n" % HEADED, b""] == heard
    assert Reach.NOBODY is bed.plane.deliver(b"a", b"b", b"$JS.ACK.x", b"", b"ok")


def test_messages_of_streams_that_gnatsd_cannot_find(bed: Bed) -> None:
    """A server that finds nothing by a sid gets none, where lines are made as elsewhere."""
    gnatsd = bed.stage.route()
    gnatsd.outbox.naming = Naming.MEMBERS
    bed.to([gnatsd.target(b"RSID:1:1")], [bed.group(b"g", bed.target(0, b"g"))])

    bed.plane.deliver(b"a", b"b", b"$JS.ACK.x", b"", b"ok")

    assert (b"", [b"LMSG a + $JS.ACK.x@b g 2\r\nok\r\n", b""]) == (gnatsd.heard(), bed.heard())


def test_runs_of_messages_of_streams(bed: Bed) -> None:
    """Many at once go to a link as one by one."""
    bed.links[0].outbox.naming = Naming.MEMBERS
    bed.to([bed.target(0)])
    columns = [array("q", values) for values in ([1, 2], [7, 8], [0, 0], [0, 2], [2, 4])]
    sequences, times, heads, starts, ends = columns
    run = MessageRun(sequences, times, [b"b", b"c"], heads, starts, ends, b"okho")

    sent, _ = bed.plane.deliver_run(b"a", run, AckNumbers(b"$JS.ACK.", 5, 9), 1000)

    lines = b"LMSG a $JS.ACK.1.5.7.9@b 2\r\nok\r\nLMSG a $JS.ACK.2.6.8.8@c 2\r\nho\r\n"
    assert (2, [lines, b""]) == (sent, bed.heard())


@pytest.mark.parametrize("headers", [b"", b"NATS/1.0\r\n\r\n"], ids=["plain", "headers"])
def test_links_where_hooks_see_messages_of_a_stream(bed: Bed, headers: bytes) -> None:
    """They get what they would get without hooks, under the subject of their subscriptions."""
    bed.links[0].outbox.headers = True
    bed.to([bed.target(0), bed.client.target(b"1")])

    receivers = bed.plane.receivers_of(b"a")
    message = HookedMessage(b"b", b"$JS.ACK.S", len(headers), headers + b"x", b"a")
    for target in receivers:
        bed.plane.deliver_to(target, message)

    line = b"HMSG a $JS.ACK.S@b 12 13\r\n" if headers else b"LMSG a $JS.ACK.S@b 1\r\n"
    assert 2 == len(receivers)
    assert line + headers + b"x\r\n" == bed.heard()[0]


def test_a_link_that_fills_up_holds_its_publisher(bed: Bed) -> None:
    """The owner is asked as for any other receiver, for lines with names too."""
    for each in bed.links:
        each.outbox.alarm = 10
    bed.to([bed.target(0)], [bed.group(b"g", bed.target(1, b"g"))])

    bed.client.feed(b"PUB a 2\r\nok\r\n")

    assert [1, 1] == [each.owner.presses for each in bed.links]


def test_the_lines_of_the_plain_twin() -> None:
    """The module that makes them has no rules but these."""
    assert callable(receivers_in_lines)
