"""When a hub is dialled, and where (leaf-nodes.md, section 6)."""

from dataclasses import replace

import pytest

from app.adapters.clock_manual import ManualClock
from app.domain.dataplane.draw import Draw
from app.domain.leaf.events import LeafUnreachable
from app.domain.leaf.leaf_url import LeafUrl
from app.domain.leaf.redial import LONG_PAUSE, MOST_DISCOVERED, LeafRedial
from app.domain.leaf.settings import LeafRemote, LeafRemoteSettings
from app.domain.sessions.wire import Handler, Wire
from tests.fakes.event_log import RecordingEventLog
from tests.fakes.wire import FakeWire
from tests.support.virtual_leaves import ScriptedHubDialer, ScriptedLogin

URLS = tuple(LeafUrl(f"10.0.0.{number}") for number in (1, 2, 3))
ADDRESSES = [url.address for url in URLS]
INORDER = LeafRemoteSettings(URLS, randomize=False)


class Bed:
    """A remote whose dials end as the test says."""

    def __init__(self, settings: LeafRemoteSettings = INORDER, seed: int = 1) -> None:
        self.clock = ManualClock()
        self.events = RecordingEventLog(debug=False, trace=False)
        self.dialer = ScriptedHubDialer()
        self.opened: list[tuple[LeafUrl, Wire]] = []
        remote = LeafRemote(settings, self.dialer, ScriptedLogin())
        self.redial = LeafRedial(remote, self.clock, self.events, Draw(seed), self._open)

    def _open(self, redial: LeafRedial, url: LeafUrl, wire: Wire) -> Handler:
        assert redial is self.redial
        self.opened.append((url, wire))
        return wire  # type: ignore[return-value] # nobody drives it

    def fail(self, times: int, within: float) -> list[str]:
        """Let dials fail, each followed by this pause in seconds; what was dialled."""
        dialled = []
        for _ in range(times):
            dialled += self.dialer.news()
            self.dialer.refuse()
            self.clock.advance(within)
        return dialled


def test_one_address_after_the_other() -> None:
    """Each failure leads to the next one, in a circle."""
    bed = Bed()
    bed.redial.start()

    assert [*ADDRESSES, *ADDRESSES] == bed.fail(6, 60.0)


def test_the_order_is_drawn_unless_it_is_given() -> None:
    """Servers of one cluster begin at different addresses."""
    firsts = set()
    for seed in range(1, 30):
        bed = Bed(replace(INORDER, randomize=True), seed)
        bed.redial.start()
        assert set(ADDRESSES) == set(bed.fail(3, 60.0))
        firsts.add(bed.dialer.asked[0])

    assert set(ADDRESSES) == firsts


@pytest.mark.parametrize(
    ("failures", "least", "most"), [(1, 0.75, 1.25), (3, 0.75, 1.25), (4, 1.5, 2.5), (40, 22.5, 37.5)]
)
def test_pauses_grow_with_each_round(failures: int, least: float, most: float) -> None:
    """They vary by a quarter, begin at what is configured, and end at half a minute."""
    bed = Bed()
    bed.redial.start()
    bed.fail(failures - 1, 60.0)
    bed.dialer.news()
    bed.dialer.refuse()

    bed.clock.advance(least - 0.01)
    early = bed.dialer.news()
    bed.clock.advance(most - least + 0.02)

    assert ([], 1) == (early, len(bed.dialer.news()))


def test_a_long_interval_is_kept() -> None:
    """One that is configured holds, even where it is longer than our longest pause."""
    bed = Bed(replace(INORDER, reconnect=100.0))
    bed.redial.start()
    bed.dialer.news()
    bed.dialer.refuse()

    bed.clock.advance(70.0)
    early = bed.dialer.news()
    bed.clock.advance(60.0)

    assert ([], [ADDRESSES[1]]) == (early, bed.dialer.news())


def test_a_link_begins_anew() -> None:
    """Once there was one, pauses are short again; the log has only some failures in a row."""
    bed = Bed()
    bed.redial.start()
    bed.fail(20, 60.0)
    logged = len(bed.events.of(LeafUnreachable))
    bed.dialer.news()

    bed.redial.established()
    bed.redial.lost("closed", refused=False, was_up=True)
    bed.clock.advance(1.3)

    assert (5, 1, 0) == (logged, len(bed.dialer.news()), bed.redial.attempts)


def test_a_hub_that_closes_during_the_handshake_is_a_failure() -> None:
    """Its reason is logged, and the next address has its turn."""
    bed = Bed()
    bed.redial.start()
    dial = bed.dialer.pending.pop(0)
    dial.acceptor(FakeWire(1, "10.0.0.1"))

    bed.redial.lost("it closed", refused=False, was_up=False)
    bed.clock.advance(60.0)

    assert ADDRESSES[:2] == bed.dialer.news()
    assert ["it closed"] == [event.reason for event in bed.events.of(LeafUnreachable)]
    assert [URLS[0]] == [url for url, _ in bed.opened]


def test_a_hub_that_will_not_have_us_is_left_alone_for_long() -> None:
    """Half a minute, about."""
    bed = Bed()
    bed.redial.start()
    bed.dialer.news()
    bed.redial.lost("loop", refused=True, was_up=True)

    bed.clock.advance(0.7 * LONG_PAUSE)
    early = bed.dialer.news()
    bed.clock.advance(0.6 * LONG_PAUSE)

    assert ([], [ADDRESSES[1]]) == (early, bed.dialer.news())


def test_addresses_that_a_hub_names() -> None:
    """They are dialled in turn with our own, as far as they are addresses, and not too many."""
    bed = Bed(LeafRemoteSettings(URLS[:1], randomize=False))
    bed.redial.discovered(["10.0.0.1:7422", "nonsense", "10.0.9.9:7422", "10.0.9.9:7422"])
    bed.redial.start()

    first = bed.fail(4, 60.0)
    bed.redial.discovered([f"10.1.{number // 256}.{number % 256}:1" for number in range(10_000)])

    assert [ADDRESSES[0], "10.0.9.9:7422", ADDRESSES[0], "10.0.9.9:7422"] == first
    assert MOST_DISCOVERED + 1 == len(set(bed.fail(2 * MOST_DISCOVERED, 60.0)))


def test_discovered_addresses_may_be_ignored() -> None:
    """Where the configuration says so."""
    bed = Bed(LeafRemoteSettings(URLS[:1], ignore_discovered=True))
    bed.redial.discovered(["10.0.9.9:7422"])
    bed.redial.start()

    assert {ADDRESSES[0]} == set(bed.fail(3, 60.0))


def test_nothing_is_dialled_after_the_end() -> None:
    """Neither from a pause nor after a dial that was under way."""
    waiting, dialling = Bed(), Bed()
    for bed in (waiting, dialling):
        bed.redial.start()
    waiting.dialer.refuse()
    dial = dialling.dialer.pending[0]

    for bed in (waiting, dialling):
        bed.redial.stop()
    dial.refused("late")
    dialling.redial.lost("late", refused=False, was_up=True)
    dialling.redial.start()
    for bed in (waiting, dialling):
        bed.clock.advance(100.0)

    assert [1, 1] == [len(bed.dialer.asked) for bed in (waiting, dialling)]
    assert waiting.dialer.closed


def test_one_pause_at_a_time() -> None:
    """A link that is lost while a pause runs begins another one in its place."""
    bed = Bed()
    bed.redial.start()
    bed.dialer.refuse()
    bed.redial.lost("gone", refused=False, was_up=True)

    bed.dialer.news()
    bed.clock.advance(60.0)

    assert 1 == len(bed.dialer.news())


def test_a_hub_in_lame_duck_mode_is_passed_over() -> None:
    """Once, where its turn has come: with fewer addresses than before it may be the next one again."""
    bed = Bed(replace(INORDER, urls=URLS[:1]))
    bed.redial.start()
    bed.redial.discovered(["10.0.0.8:1", "10.0.0.9:1"])
    assert [ADDRESSES[0], "10.0.0.8:1", "10.0.0.9:1"] == sorted(bed.fail(3, 60.0))
    bed.redial.established()

    bed.redial.discovered(["10.0.0.9:1"])
    leaves = bed.redial.leave(URLS[0])
    bed.dialer.news()
    bed.redial.lost("lame duck", refused=False, was_up=True)
    bed.clock.advance(0.0)

    assert (True, ["10.0.0.9:1", ADDRESSES[0]]) == (leaves, bed.fail(2, 60.0))


def test_a_hub_in_lame_duck_mode_may_be_the_only_one() -> None:
    """Then there is no use in leaving it."""
    bed = Bed(replace(INORDER, urls=URLS[:1]))

    assert not bed.redial.leave(URLS[0])
