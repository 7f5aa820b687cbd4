"""Slow and healthy readers on a whole broker, in virtual time: the scenarios of ADR 0023.

Each reader takes what its pace allows in every tick of the clock. Publishers have an
endless or a steady supply. The tables say who is closed, and what the others get.
"""

from dataclasses import dataclass, field

import pytest

from app.domain.dataplane.seam import MakePlane
from app.domain.limits import Limits
from tests.support.virtual_broker import VirtualBroker, VirtualClient

TICK = 0.05
KILO = 1000
MEGA = 1000 * KILO
BODY = 5000
MESSAGE = b"PUB %b 5000\r\n" + BODY * b"x" + b"\r\n"
DELIVERY = len(b"MSG a 1 5000\r\n") + BODY + 2


@dataclass
class Reader:
    """A subscriber that takes `pace` bytes a second, or all at once if that is None."""

    client: VirtualClient
    pace: float | None
    credit: float = 0.0
    taken: int = 0

    @property
    def closed(self) -> bool:
        """Whether the server ended the link."""
        return self.client.wire.is_over

    @property
    def messages(self) -> int:
        """Messages that were taken."""
        return self.taken // DELIVERY

    def read(self) -> None:
        """Take what a tick allows."""
        wire = self.client.wire
        if self.pace is not None and not self.closed:
            self.credit = min(self.credit + self.pace * TICK, max(self.pace * TICK, 1.0))
            count = min(int(self.credit), wire.pending())
            self.credit -= count
            wire.pass_on(count)
        passed = len(wire.output) - wire.pending()
        self.taken += passed
        del wire.output[:passed]
        wire.writes.clear()


@dataclass
class Publisher:
    """Sends `rate` messages a second to each of its subjects."""

    client: VirtualClient
    rate: float
    subjects: tuple[bytes, ...] = (b"a",)
    owed: float = 0.0
    sent: int = 0

    def send(self) -> None:
        """Send what is due, unless much of it has not been read yet."""
        self.owed += self.rate * TICK
        while self.owed >= 1:
            self.owed -= 1
            for subject in self.subjects:
                self.client.wire.feed(MESSAGE % subject)
            self.sent += 1


@dataclass
class Stage:
    """A broker with readers and publishers."""

    make_plane: MakePlane
    limits: Limits = field(default_factory=Limits)
    readers: list[Reader] = field(default_factory=list)
    publishers: list[Publisher] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.server = VirtualBroker(self.make_plane, self.limits)

    def reader(self, pace: float | None, subject: bytes = b"a") -> Reader:
        """A subscriber."""
        client = self.server.connect(quiet=True)
        client.send(b"SUB %b 1\r\n" % subject)
        client.heard()
        if pace is not None:
            client.wire.stall()
        client.wire.output.clear()
        self.readers.append(Reader(client, pace))
        return self.readers[-1]

    def publisher(self, rate: float, *subjects: bytes) -> Publisher:
        """A client that publishes."""
        publisher = Publisher(self.server.connect(quiet=True), rate, subjects or (b"a",))
        self.publishers.append(publisher)
        return publisher

    def play(self, seconds: float) -> None:
        """Let time pass."""
        for _ in range(round(seconds / TICK)):
            for publisher in self.publishers:
                publisher.send()
            self.server.settle()
            for reader in self.readers:
                reader.read()
            self.server.advance(TICK)

    @property
    def reasons(self) -> list[str]:
        """Why readers were closed."""
        return [record.reason for record in self.server.broker.slow.records]


@pytest.fixture(name="stage")
def _stage(make_plane: MakePlane) -> Stage:
    return Stage(make_plane)


@pytest.mark.parametrize("pace", [8 * KILO, 200 * KILO, 800 * KILO])
def test_a_slow_reader_beside_a_good_one(stage: Stage, pace: float) -> None:
    """The slow one is closed, and the good one gets all, at worst two seconds and a half late."""
    good, slow = stage.reader(None), stage.reader(pace)
    publisher = stage.publisher(200)
    late = 0
    for _ in range(300):
        stage.play(TICK)
        late = max(late, publisher.sent - good.messages)

    assert (True, False) == (slow.closed, good.closed)
    assert publisher.sent == good.messages
    assert late <= 2.5 * publisher.rate


@pytest.mark.parametrize("pace", [2 * KILO, 200 * KILO, 700 * KILO])
def test_one_publisher_and_one_reader(stage: Stage, pace: float) -> None:
    """They go at the reader's pace; nobody is closed and nothing is lost."""
    reader = stage.reader(pace)
    publisher = stage.publisher(200)

    stage.play(20)
    stage.publishers.clear()
    reader.pace = 100.0 * MEGA
    stage.play(20)

    assert not reader.closed
    assert publisher.sent == reader.messages


@pytest.mark.parametrize(("publishers", "messages"), [(300, 13), (40, 100), (3, 1300)])
def test_many_publishers_begin_together(stage: Stage, publishers: int, messages: int) -> None:
    """A reader that takes what the network gives gets all of it."""
    reader = stage.reader(30.0 * MEGA)
    for _ in range(publishers):
        stage.publisher(0).client.wire.feed(messages * (MESSAGE % b"a"))
    highest = 0
    for _ in range(60):
        stage.play(TICK)
        highest = max(highest, reader.client.wire.pending())

    assert not reader.closed
    assert publishers * messages == reader.messages
    assert highest <= stage.limits.hold_above + DELIVERY


def test_equal_readers_of_a_flood(stage: Stage) -> None:
    """Readers of about the same pace set the pace together, and none is closed."""
    readers = [stage.reader((2 + number / 50) * MEGA) for number in range(10)]
    stage.publisher(600)

    stage.play(12)

    assert not any(reader.closed for reader in readers)
    assert [] == stage.reasons


def test_other_subjects_of_the_same_publisher(stage: Stage) -> None:
    """A slow reader of one subject may not hold a publisher back that serves another one."""
    good, slow = stage.reader(None, b"b"), stage.reader(100.0 * KILO)
    publisher = stage.publisher(200, b"a", b"b")

    stage.play(15)

    assert (True, False) == (slow.closed, good.closed)
    assert publisher.sent == good.messages


def test_a_queue_group_with_a_slow_member(stage: Stage) -> None:
    """Its messages go to the members that can take them; the slow one holds nobody."""
    members = [stage.reader(pace) for pace in (20.0 * KILO, None, None)]
    for member in members:
        member.client.send(b"UNSUB 1\r\nSUB a q 1\r\n")
    publisher = stage.publisher(400)

    stage.play(10)

    assert 0 == publisher.client.wire.unread
    assert not any(member.closed for member in members)
    assert 0 == stage.server.broker.flow.held_seconds


def test_several_publishers_and_one_crawling_reader(stage: Stage) -> None:
    """A reader of 8 kB/s on a busy subject does not stop all who publish there."""
    slow = stage.reader(8.0 * KILO)
    publishers = [stage.publisher(150), stage.publisher(20)]

    stage.play(15)

    assert slow.closed
    assert [0, 0] == [publisher.client.wire.unread for publisher in publishers]


def test_a_reader_that_takes_nothing(stage: Stage) -> None:
    """It is closed after two seconds, also where it has the only publisher."""
    stuck = stage.reader(0.0)
    stage.publisher(400)

    stage.play(5)

    assert stuck.closed
    assert 1 == len(stage.reasons)


def test_lossless_at_any_price(make_plane: MakePlane) -> None:
    """With ``slow_consumer: hold`` a slow reader sets the pace of all, and gets everything."""
    stage = Stage(make_plane, Limits(slow_consumer="hold"))
    good, slow = stage.reader(None), stage.reader(200.0 * KILO)
    publisher = stage.publisher(200)

    stage.play(15)
    stage.publishers.clear()
    slow.pace = 100.0 * MEGA
    stage.play(15)

    assert [] == stage.reasons
    assert (publisher.sent, publisher.sent) == (good.messages, slow.messages)


def test_the_publisher_of_a_slow_pair_is_answered(stage: Stage) -> None:
    """A held publisher's PING is answered within two seconds."""
    stage.reader(20.0 * KILO)
    publisher = stage.publisher(200)
    stage.play(4)
    publisher.client.heard()

    publisher.client.wire.feed(b"PING\r\n")
    stage.play(2)

    assert b"PONG\r\n" == publisher.client.heard()


def test_a_hundred_slow_readers(stage: Stage) -> None:
    """They are all closed after two seconds, and the good one gets all."""
    good = stage.reader(None)
    slow = [stage.reader(1.0 * KILO) for _ in range(100)]
    publisher = stage.publisher(300)

    stage.play(8)

    assert all(reader.closed for reader in slow)
    assert publisher.sent == good.messages
