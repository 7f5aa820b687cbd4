"""When a link is cut into frames, and when it is passed through."""

from collections.abc import Callable
from typing import cast

import pytest

from app.adapters.clock_manual import ManualClock
from app.adapters.faults.frames import Frame, FrameSplitter
from app.adapters.faults.layer import FaultLayer
from app.adapters.faults.rule_book import RuleBook
from app.adapters.faults.rules import ON_MESSAGES, Rule
from app.ports.layers import LinkSetup, Lower, Upper


class FakeWatcher(RuleBook):
    """Rules of one link."""

    def __init__(self) -> None:
        super().__init__()
        self.closed = 0
        self.max_payload = 1000

    @property
    def is_watching(self) -> bool:
        """Whether there are rules."""
        return any(rule.is_active for rule in self.rules)

    def judge_frame(self, layer: FaultLayer, direction: str, frame: Frame) -> list[Rule]:
        """See `Watcher`."""
        return self.judge(ON_MESSAGES, lambda selector: selector.takes(layer, direction, frame))

    def close(self, _layer: FaultLayer) -> None:
        """See `Watcher`."""
        self.closed += 1

    def unprocessed(self, _layer: FaultLayer) -> bytes:
        """See `Watcher`."""
        return b""

    def queue_of(self, _layer: FaultLayer, _sid: bytes) -> str:
        """See `Watcher`."""
        return ""

    def joined(self, _layer: FaultLayer) -> None:
        """See `Watcher`."""

    left = known = find = joined

    def seen(self, *_seen: object) -> None:
        """See `Watcher`."""


class FakeEnd:
    """What is above the layer and what is beneath it: keeps what it is given."""

    def __init__(self) -> None:
        self.room = memoryview(bytearray(1000))
        self.got = bytearray()
        self.sent = bytearray()
        self.is_open = True

    def get_buffer(self, _sizehint: int) -> memoryview:
        """See `Upper`."""
        return self.room

    def buffer_updated(self, nbytes: int) -> None:
        """See `Upper`."""
        self.got += self.room[:nbytes]

    def write(self, data: bytes) -> None:
        """See `Lower`."""
        self.sent += data

    def get_write_buffer_size(self) -> int:
        """See `Lower`."""
        return 0

    def attach(self, _lower: Lower) -> None:
        """See `Upper`."""

    resume_writing = pause_reading = resume_reading = lambda _self: None


class Link:
    """A layer between two ends."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.rules = FakeWatcher()
        self.end = FakeEnd()
        self.layer = FaultLayer(cast("Upper", self.end), LinkSetup(self.clock), self.rules)
        self.layer.attach(cast("Lower", self.end))

    def receive(self, data: bytes) -> None:
        """The peer sends this."""
        self.layer.get_buffer(-1)[: len(data)] = data
        self.layer.buffer_updated(len(data))

    @property
    def got(self) -> bytes:
        """What has come to the upper."""
        return bytes(self.end.got)

    @property
    def sent(self) -> bytes:
        """What has come to the lower."""
        return bytes(self.end.sent)

    @property
    def is_passed_through(self) -> bool:
        """Whether the peer's bytes go where the upper wants them."""
        return self.layer.get_buffer(-1) is self.end.room


@pytest.fixture(name="link")
def _link() -> Link:
    return Link()


@pytest.fixture(name="cuts")
def _cuts(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """All that is cut into frames."""
    cuts: list[bytes] = []
    feed: Callable[[FrameSplitter, bytes], list[Frame]] = FrameSplitter.feed

    def counted(splitter: FrameSplitter, data: bytes) -> list[Frame]:
        cuts.append(data)
        return feed(splitter, data)

    monkeypatch.setattr(FrameSplitter, "feed", counted)
    return cuts


def test_without_rules_nothing_is_cut(link: Link, cuts: list[bytes]) -> None:
    """What comes in goes straight to the room of the upper, and what goes out to the lower."""
    link.receive(b"PUB a 1\r\n1\r\n")
    link.layer.write(b"PONG\r\n")

    assert ([], True) == (cuts, link.is_passed_through)
    assert (b"PUB a 1\r\n1\r\n", b"PONG\r\n") == (link.got, link.sent)


def test_after_the_last_rule_nothing_is_cut(link: Link, cuts: list[bytes]) -> None:
    """Also if the rule ends in the middle of frames: these are completed first."""
    rule = link.rules.drop("never")
    link.layer.watch()
    link.receive(b"PING\r\nPUB a 2\r\n1")
    link.layer.write(b"MSG a 1 2\r\n")
    rule.clear()
    link.layer.unwatch()
    in_between = link.is_passed_through
    link.receive(b"2\r\n")
    link.layer.write(b"12\r\n")
    after = link.is_passed_through
    cuts.clear()
    link.receive(b"PUB b 1\r\n3\r\n")
    link.layer.write(b"PONG\r\n")

    assert (False, True, []) == (in_between, after, cuts)
    assert b"PING\r\nPUB a 2\r\n12\r\nPUB b 1\r\n3\r\n" == link.got
    assert b"MSG a 1 2\r\n12\r\nPONG\r\n" == link.sent


@pytest.mark.parametrize("direction", ["in", "out"])
def test_what_is_held_comes_before_what_is_passed_through(link: Link, direction: str) -> None:
    """A delay that goes on after its rule keeps the order."""
    rule = link.rules.delay("a", seconds=1, direction=direction)
    link.layer.watch()
    link.receive(b"PUB a 1\r\n1\r\n")
    link.layer.write(b"MSG a 1 1\r\n1\r\n")
    rule.clear()
    link.layer.unwatch()
    link.receive(b"PING\r\n")
    link.layer.write(b"PONG\r\n")
    held = link.layer.held_input
    during = link.is_passed_through
    link.clock.advance(1)

    assert (False, True) == (during, link.is_passed_through)
    assert (18 if direction == "in" else 0, 0) == (held, link.layer.held_input)
    assert (b"PUB a 1\r\n1\r\nPING\r\n", b"MSG a 1 1\r\n1\r\nPONG\r\n") == (link.got, link.sent)


def test_a_stalled_link_is_not_passed_through(link: Link) -> None:
    """It is when the stall is over."""
    link.rules.drop("never")
    link.layer.watch()
    link.layer.stall("out", stalled=True)
    link.rules.clear()
    link.layer.unwatch()
    during = link.is_passed_through
    link.layer.stall("out", stalled=False)

    assert (False, True) == (during, link.is_passed_through)


def test_a_rule_that_begins_again(link: Link) -> None:
    """A link that was passed through is watched again."""
    for _ in range(2):
        with link.rules.drop("a") as rule:
            link.layer.watch()
            link.receive(b"PUB a 1\r\n1\r\n")
        link.layer.unwatch()
        assert (1, True) == (rule.hits, link.is_passed_through)
    assert b"" == link.got


@pytest.mark.parametrize("direction", ["in", "out"])
def test_a_cut_closes_in_order(link: Link, direction: str) -> None:
    """What was sent before has left, and what is hit is not handed on."""
    link.rules.cut("b", direction=direction)
    link.layer.watch()
    link.receive(b"PUB a 1\r\n1\r\nPUB b 1\r\n2\r\n")
    link.layer.write(b"MSG a 1 1\r\n1\r\nMSG b 1 1\r\n2\r\nPONG\r\n")
    link.clock.advance(0)

    came = b"PUB a 1\r\n1\r\n" if direction == "in" else b"PUB a 1\r\n1\r\nPUB b 1\r\n2\r\n"
    left = b"MSG a 1 1\r\n1\r\n" if direction == "out" else b"MSG a 1 1\r\n1\r\nMSG b 1 1\r\n2\r\nPONG\r\n"
    assert (came, left, 1) == (link.got, link.sent, link.rules.closed)
