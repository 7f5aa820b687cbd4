"""The simulated network: its promises to brokers, and its faults."""

from dataclasses import dataclass
from random import Random

import pytest

from app.adapters.clock_manual import ManualClock
from app.adapters.faults.partitions import Partitions
from app.adapters.faults.rules import OUT
from app.adapters.net_memory import MemoryWire
from app.ports.transport import DIAL_SECONDS
from tests.fakes.handler import RecordingAcceptor, RecordingHandler
from tests.simulation.link_direction import RETRANSMIT_SECONDS, NetworkPath
from tests.simulation.network import Network, NetworkLink
from tests.simulation.trace import Trace

PORT = 4222
LATENCY = 0.25


@dataclass
class Ends:
    """Both ends of a link: wires to use, and handlers to inspect."""

    link: NetworkLink
    near: RecordingHandler
    far: RecordingHandler

    @property
    def near_wire(self) -> MemoryWire:
        """The end that dialled."""
        return self.link.near_wire

    @property
    def far_wire(self) -> MemoryWire:
        """The accepted end."""
        return self.link.far_wire


class TwoHosts:
    """Two hosts, a quarter of a second apart, one of which listens."""

    def __init__(self, seed: int = 1) -> None:
        self.clock = ManualClock()
        self.trace = Trace(self.clock.monotonic)
        self.network = Network(self.clock, Random(seed), self.trace)
        self.network.make_path = lambda _source, _target: NetworkPath(latency=LATENCY)
        self.here = self.network.host("here", "10.0.0.1")
        self.there = self.network.host("there", "10.0.0.2")
        self.accepted = RecordingAcceptor()
        self.dialled = RecordingAcceptor()
        self.rejections: list[str] = []
        self.there.listeners[PORT] = self.accepted

    def dial(self, name: str = "there", port: int = PORT) -> None:
        """Dial from `here`."""
        self.network.dialer(self.here).dial(name, port, self.dialled, self.rejections.append)

    def link(self) -> Ends:
        """A link with a handler at both ends."""
        self.dial()
        self.clock.advance(8 * LATENCY)
        link = list(self.network.links.values())[-1]
        return Ends(link, self.dialled.handlers[-1], self.accepted.handlers[-1])

    @property
    def there_and_back(self) -> tuple[NetworkPath, NetworkPath]:
        """The paths in both directions."""
        return self.network.path(self.here, self.there), self.network.path(self.there, self.here)

    def partition(self) -> None:
        """Cut both paths."""
        Partitions(lambda: [self.here, self.there]).partition([0], [1])


@pytest.fixture(name="hosts")
def _hosts() -> TwoHosts:
    return TwoHosts()


def test_a_host_needs_a_valid_address(hosts: TwoHosts) -> None:
    """An invalid address would look like an error of the servers that dial it."""
    with pytest.raises(ValueError, match=r"10\.0\.0\.256"):
        hosts.network.host("far", "10.0.0.256")


# --- dialling --------------------------------------------------------------------


def test_a_dial_is_answered_after_a_round_trip_and_accepted_half_a_trip_later(hosts: TwoHosts) -> None:
    """The dialler may write once its request is answered; the far end learns of it half a trip later."""
    hosts.dial()
    at_once = len(hosts.dialled.handlers)
    hosts.clock.advance(2 * LATENCY)
    dialled, accepted = len(hosts.dialled.handlers), len(hosts.accepted.handlers)
    hosts.clock.advance(LATENCY)

    assert (0, 1, 0) == (at_once, dialled, accepted)
    assert 1 == len(hosts.accepted.handlers)


@pytest.mark.parametrize(
    ("name", "port", "reason"),
    [("there", 1, "connection refused"), ("nowhere", PORT, "no such host: nowhere")],
)
def test_a_dial_is_refused_without_a_listener(hosts: TwoHosts, name: str, port: int, reason: str) -> None:
    """A host refuses a port without a listener; an unknown name is an error of its own."""
    hosts.dial(name, port)
    at_once = list(hosts.rejections)
    hosts.clock.advance(10.0)

    assert [] == at_once
    assert [reason] == hosts.rejections
    assert [] == hosts.dialled.handlers


@pytest.mark.parametrize("fault", ["there", "back", "power-off"])
def test_a_dial_without_an_answer_times_out_after_a_second(hosts: TwoHosts, fault: str) -> None:
    """A cut in either direction, or a host without power, makes the dial time out."""
    if fault == "power-off":
        hosts.network.power_off(hosts.there)
    else:
        sender = 0 if fault == "there" else 1
        Partitions(lambda: [hosts.here, hosts.there]).one_way(sender, 1 - sender)

    hosts.dial()
    hosts.clock.advance(DIAL_SECONDS - 0.01)
    before = list(hosts.rejections)
    hosts.clock.advance(10.0)

    assert [] == before
    assert ["i/o timeout"] == hosts.rejections
    assert {} == hosts.network.links


def test_an_answer_after_the_timeout_is_ignored(hosts: TwoHosts) -> None:
    """A dial ends once, even with its answer in flight."""
    hosts.network.make_path = lambda _source, _target: NetworkPath(latency=0.7)

    hosts.dial()
    hosts.clock.advance(10.0)

    assert ["i/o timeout"] == hosts.rejections
    assert [] == hosts.dialled.handlers + hosts.accepted.handlers


def test_an_answer_to_an_earlier_run_is_ignored(hosts: TwoHosts) -> None:
    """After a kill and a start the host has no dial under way."""
    hosts.dial()
    hosts.clock.advance(LATENCY / 2)
    hosts.network.kill(hosts.here)
    hosts.network.start(hosts.here)

    hosts.clock.advance(10.0)

    assert [] == hosts.dialled.handlers + hosts.accepted.handlers
    assert ([], {}) == (hosts.rejections, hosts.network.links)


def test_a_frozen_host_accepts_links_but_does_not_serve_them(hosts: TwoHosts) -> None:
    """Its kernel answers; its programs see the link when they continue."""
    hosts.there.clock.freeze()
    hosts.dial()
    hosts.clock.advance(5.0)
    dialled, accepted = len(hosts.dialled.handlers), len(hosts.accepted.handlers)
    hosts.there.clock.thaw()
    hosts.clock.run_pending()

    assert (1, 0) == (dialled, accepted)
    assert 1 == len(hosts.accepted.handlers)


# --- bytes in flight ---------------------------------------------------------------


def test_bytes_arrive_after_the_latency(hosts: TwoHosts) -> None:
    """Bytes arrive neither earlier nor later."""
    ends = hosts.link()

    ends.near_wire.write(b"PING\r\n")
    hosts.clock.advance(LATENCY - 0.001)
    early = bytes(ends.far.data)
    hosts.clock.advance(0.001)

    assert b"" == early
    assert b"PING\r\n" == ends.far.data


def test_order_is_kept_within_a_link_whatever_the_jitter() -> None:
    """Writes arrive in order, even with a random delay for each."""
    hosts = TwoHosts()
    hosts.network.make_path = lambda _source, _target: NetworkPath(latency=0.01, jitter=1.0)
    for path in hosts.there_and_back:
        path.jitter = 0.0
    ends = hosts.link()
    hosts.there_and_back[0].jitter = 1.0
    sent = [b"%d " % number for number in range(100)]

    for data in sent:
        ends.near_wire.write(data)
        hosts.clock.advance(0.002)
    hosts.clock.advance(2.0)

    assert b"".join(sent) == ends.far.data


def test_links_overtake_each_other() -> None:
    """There is no order between links: a later write on one may arrive before an earlier one on another."""
    hosts = TwoHosts()
    for path in hosts.there_and_back:
        path.latency, path.jitter = 0.001, 0.0
    one, two = hosts.link(), hosts.link()
    for path in hosts.there_and_back:
        path.jitter = 0.5
    arrivals: list[str] = []
    one.far.on_note = lambda: arrivals.append("one")
    two.far.on_note = lambda: arrivals.append("two")

    for _ in range(20):
        one.near_wire.write(b"x")
        hosts.clock.advance(0.01)
        two.near_wire.write(b"x")
        hosts.clock.advance(1.0)

    assert arrivals != ["one", "two"] * 20
    assert 20 == arrivals.count("one") == arrivals.count("two")


def test_a_slow_path_takes_its_time_per_byte(hosts: TwoHosts) -> None:
    """A thousand bytes at a hundred bytes per second take ten seconds more than one byte."""
    ends = hosts.link()
    hosts.there_and_back[0].rate = 100.0

    ends.near_wire.write(b"x" * 1000)
    hosts.clock.advance(10.0 + LATENCY - 0.01)
    early = len(ends.far.data)
    hosts.clock.advance(0.02)

    assert 0 == early
    assert 1000 == len(ends.far.data)


def test_bytes_in_flight_on_a_slow_path_arrive_at_once_when_it_is_restored(hosts: TwoHosts) -> None:
    """The path has its first latency and rate again."""
    ends = hosts.link()
    hosts.there_and_back[0].rate = 1.0
    for _ in range(3):
        ends.near_wire.write(b"x" * 1000)

    hosts.network.restore_paths()
    hosts.clock.advance(LATENCY)

    assert 3000 == len(ends.far.data)


def test_pending_bytes_exclude_those_that_the_kernels_hold(hosts: TwoHosts) -> None:
    """A paused reader makes bytes pending at the writer, and they drain when it resumes."""
    hosts.there_and_back[0].capacity = 1000
    ends = hosts.link()
    ends.far_wire.pause()

    ends.near_wire.write(b"x" * 500_000)
    hosts.clock.advance(1.0)
    waiting = ends.near_wire.pending()
    ends.far_wire.resume()
    hosts.clock.advance(1.0)

    assert 499_000 == waiting
    assert 0 == ends.near_wire.pending()
    assert "drained" in ends.near.calls


def test_max_read_limits_the_first_reads(hosts: TwoHosts) -> None:
    """Lines arrive in pieces, as TCP may split them, and completely."""
    hosts.there_and_back[0].max_read = 2
    ends = hosts.link()

    ends.near_wire.write(b"PUB a 5\r\nhello\r\n")
    hosts.clock.advance(LATENCY)

    assert ["received"] * 4 == ends.far.calls
    assert b"PUB a 5\r\nhello\r\n" == ends.far.data


# --- cuts ------------------------------------------------------------------------------


def test_a_cut_delivers_nothing_and_ends_nothing(hosts: TwoHosts) -> None:
    """Both ends stay open; stalled bytes arrive in order soon after the path heals."""
    ends = hosts.link()
    hosts.partition()

    ends.near_wire.write(b"one ")
    hosts.clock.advance(30.0)
    ends.near_wire.write(b"two")
    hosts.clock.advance(30.0)
    during = bytes(ends.far.data), ends.near.losses, ends.far.losses
    hosts.network.heal()
    hosts.clock.advance(RETRANSMIT_SECONDS)

    assert (b"", [], []) == during
    assert b"one two" == ends.far.data


def test_a_cut_in_one_direction_lets_the_other_pass(hosts: TwoHosts) -> None:
    """Bytes in the other direction arrive."""
    ends = hosts.link()
    rule = Partitions(lambda: [hosts.here, hosts.there]).one_way(0, 1)

    ends.near_wire.write(b"lost")
    ends.far_wire.write(b"heard")
    hosts.clock.advance(1.0)

    assert (b"", b"heard") == (bytes(ends.far.data), bytes(ends.near.data))
    rule.must_hit()


def test_a_reset_is_lost_in_a_cut(hosts: TwoHosts) -> None:
    """The other end stays half open until it sends bytes that are answered with a reset."""
    ends = hosts.link()
    hosts.partition()
    ends.near_wire.abort()
    hosts.clock.advance(1.0)
    hosts.network.heal()
    hosts.clock.advance(60.0)
    silent = list(ends.far.losses)

    ends.far_wire.write(b"still there?")
    hosts.clock.advance(3 * LATENCY)

    assert [] == silent
    assert [ConnectionResetError] == [type(loss) for loss in ends.far.losses]
    assert {} == hosts.network.links


# --- rules -------------------------------------------------------------------------------


def test_a_rule_delays_what_one_host_sends(hosts: TwoHosts) -> None:
    """As long as it is active, and in one direction; it counts packets."""
    ends = hosts.link()
    rule = hosts.here.faults.delay(route="there", direction=OUT, seconds=5.0)
    other = hosts.here.faults.delay(route="elsewhere", direction=OUT, seconds=5.0)

    ends.near_wire.write(b"late")
    ends.far_wire.write(b"in time")
    hosts.clock.advance(LATENCY + 4.9)
    before = bytes(ends.far.data), bytes(ends.near.data)
    hosts.clock.advance(0.1)
    rule.clear()
    ends.near_wire.write(b" again")
    hosts.clock.advance(LATENCY)

    assert (b"", b"in time") == before
    assert b"late again" == ends.far.data
    assert (1, 0) == (rule.hits, other.hits)


def test_bytes_that_a_rule_delays_arrive_at_once_when_paths_are_restored(hosts: TwoHosts) -> None:
    """After the latency of the path; all rules are over."""
    ends = hosts.link()
    rule = hosts.here.faults.delay(route="there", direction=OUT, seconds=50.0)
    ends.near_wire.write(b"late")
    hosts.network.restore_paths()
    hosts.clock.advance(LATENCY)

    assert (b"late", False) == (bytes(ends.far.data), rule.is_active)


def test_a_rule_cuts_a_link_at_its_third_packet(hosts: TwoHosts) -> None:
    """What was sent before may arrive, the third is lost, and both ends are reset."""
    ends = hosts.link()
    rule = hosts.here.faults.cut(route="there", direction=OUT, on=3)
    for _ in range(2):
        ends.near_wire.write(b"x")
        hosts.clock.advance(LATENCY)
    ends.near_wire.write(b"y")
    hosts.clock.advance(LATENCY)

    assert (b"xx", 1) == (bytes(ends.far.data), rule.hits)
    assert [[ConnectionResetError]] * 2 == [
        [type(loss) for loss in end.losses] for end in (ends.near, ends.far)
    ]
    assert {} == hosts.network.links


# --- ends of hosts -----------------------------------------------------------------------


def test_a_host_that_loses_power_sends_nothing(hosts: TwoHosts) -> None:
    """The other end notices nothing, and its bytes are kept."""
    ends = hosts.link()
    hosts.network.power_off(hosts.there)

    ends.near_wire.write(b"hello?")
    hosts.clock.advance(60.0)

    assert [] == ends.near.calls
    assert [] == ends.far.calls


def test_a_restarted_host_resets_links_it_does_not_know(hosts: TwoHosts) -> None:
    """The writer is reset soon after the restart."""
    ends = hosts.link()
    hosts.network.power_off(hosts.there)
    ends.near_wire.write(b"hello?")
    hosts.clock.advance(60.0)

    hosts.network.start(hosts.there)
    hosts.clock.advance(RETRANSMIT_SECONDS + 2 * LATENCY)

    assert ends.near.lost_once
    assert {} == hosts.network.links


def test_programs_of_an_earlier_run_do_nothing(hosts: TwoHosts) -> None:
    """Timers and calls end with their run."""
    made: list[str] = []
    hosts.there.clock.call_later(1.0, lambda: made.append("timer"))
    hosts.there.clock.call_soon(lambda: made.append("call"))

    hosts.network.power_off(hosts.there)
    hosts.network.start(hosts.there)
    hosts.clock.advance(10.0)

    assert [] == made
    assert 0 == hosts.there.clock.outstanding


def test_the_kernel_ends_the_links_of_a_killed_program() -> None:
    """The other end receives an end of file or a reset."""
    calls = set()
    for seed in range(10):
        hosts = TwoHosts(seed)
        ends = hosts.link()
        hosts.network.kill(hosts.there)
        hosts.clock.advance(5.0)
        calls.add(ends.near.calls[0])

    assert {"eof_received", "connection_lost"} == calls


@pytest.mark.parametrize("end", ["kill", "power_off"])
def test_a_link_of_a_host_to_itself_ends_with_it(hosts: TwoHosts, end: str) -> None:
    """Both ends of a link from a host to itself are removed with the host."""
    hosts.here.listeners[PORT] = hosts.accepted
    hosts.dial("here")
    hosts.clock.advance(8 * LATENCY)
    linked = len(hosts.network.links)

    getattr(hosts.network, end)(hosts.here)
    hosts.clock.advance(10.0)

    assert 1 == linked
    assert ({}, {}) == (hosts.network.links, hosts.here.links)


def test_a_frozen_host_reads_when_it_continues(hosts: TwoHosts) -> None:
    """Bytes and timers wait, and are processed in order."""
    ends = hosts.link()
    noted: list[str] = []
    hosts.there.clock.freeze()
    hosts.there.clock.call_later(1.0, lambda: noted.append("timer"))
    ends.near_wire.write(b"hello")
    hosts.clock.advance(10.0)
    frozen = bytes(ends.far.data), list(noted)

    hosts.there.clock.thaw()
    hosts.clock.run_pending()

    assert (b"", []) == frozen
    assert (b"hello", ["timer"]) == (bytes(ends.far.data), noted)


def test_a_link_reset_by_the_network_ends_at_both_ends(hosts: TwoHosts) -> None:
    """Both handlers are called once, and the link is removed."""
    ends = hosts.link()

    ends.link.reset()
    hosts.clock.advance(1.0)

    assert ends.near.lost_once
    assert ends.far.lost_once
    assert {} == hosts.network.links


def test_links_that_close_leave_nothing(hosts: TwoHosts) -> None:
    """No link remains in the network or at a host, and no timer."""
    ends = hosts.link()

    ends.near_wire.write(b"bye")
    ends.near_wire.close()
    hosts.clock.advance(LATENCY)
    ends.far_wire.close()
    hosts.clock.advance(1.0)

    assert (b"bye", [None], [None]) == (bytes(ends.far.data), ends.near.losses, ends.far.losses)
    assert ({}, {}, {}) == (hosts.network.links, hosts.here.links, hosts.there.links)
    assert 0 == hosts.clock.timers_outstanding


def _digest(seed: int) -> str:
    """The digest of some traffic over a path with jitter."""
    hosts = TwoHosts(seed)
    for path in hosts.there_and_back:
        path.jitter = 0.2
    ends = hosts.link()
    for number in range(20):
        ends.near_wire.write(b"%d" % number)
        hosts.clock.advance(0.01)
    hosts.network.kill(hosts.there)
    hosts.clock.advance(5.0)
    return hosts.trace.digest


def test_the_same_seed_does_the_same() -> None:
    """Equal seeds have equal traces; another seed has another one."""
    assert _digest(1) == _digest(1)
    assert _digest(1) != _digest(2)
