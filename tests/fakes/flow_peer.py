"""Peers for flow control alone."""

from collections.abc import Callable

from app.domain.dataplane.seam import Outbox
from app.domain.dataplane.unsent import UnsentFlush
from app.domain.sessions.congestion import Peer
from app.domain.sessions.flow import Flow
from tests.fakes.data_plane import ScriptedOwner


class FakeOutbox(Outbox):
    """An outbox whose figures the test sets: `queue` adds pending bytes and `take` passes some on."""

    def __init__(self) -> None:
        self.owner = ScriptedOwner()
        self.out_msgs = 0
        self.out_bytes = 0
        self.last_delivery = 0.0
        self.alarm = 0
        self.closed = False
        self.trace = False
        self.headers = False
        self.naming = 0
        self.leaf = False
        self.congested = False
        self.flushes = 0
        self._pending = 0
        self._passed = 0

    def queue(self, count: int) -> None:
        """Let `count` more bytes be pending."""
        self._pending += count

    def take(self, count: int) -> None:
        """Let the receiver take `count` of the pending bytes."""
        self._pending -= count
        self._passed += count

    def send(self, data: bytes) -> None:
        """Queue real bytes."""
        self.queue(len(data))

    def flush(self) -> int:
        """Count; nothing is written."""
        self.flushes += 1
        return 0

    def pending(self) -> int:
        """What is pending."""
        return self._pending

    def passed(self) -> int:
        """What was passed on."""
        return self._passed

    def unsent(self) -> list[UnsentFlush]:
        """Nothing is known of it."""
        return []


class FlowPeer(Peer):
    """A connection as flow control knows it: how many reasons to wait it has, and why it was cut.

    `at_end` is called after the cut. `is_server`: it is a server of the cluster.
    `serves` are the receivers of its latest messages; `on_go_on` is called when it continues, and
    `on_look_ahead` when it is read ahead.
    """

    # A plain attribute in place of the protocol's property.
    is_server: bool = False

    def __init__(self, owner: Flow, *, is_server: bool = False) -> None:
        self.is_server = is_server
        self.waits = 0
        self.held = 0
        self.cuts: list[str] = []
        self.at_end: Callable[[], None] = lambda: None
        self.on_go_on: Callable[[], None] = lambda: None
        self.on_look_ahead: Callable[[], None] = lambda: None
        self.serves: list[FlowPeer] = []
        self.looks_ahead = 0
        self.reports: list[tuple[int, int]] = []
        self._outbox = FakeOutbox()
        self._flow = owner

    @property
    def outbox(self) -> FakeOutbox:
        """What waits for it."""
        return self._outbox

    def untaken(self) -> int:
        """What the test says, in `held`."""
        return self.held

    @property
    def title(self) -> tuple[int, str]:
        """Not looked at by flow control."""
        return id(self), ""

    def serves_another(self, besides: Peer, low: int) -> bool:
        """Look at what is pending for those it serves."""
        return any(one is not besides and one.outbox.pending() <= low for one in self.serves)

    def look_ahead(self) -> None:
        """Count."""
        self.looks_ahead += 1
        self.on_look_ahead()

    def report_hold(self, publishers: int, pending: int) -> None:
        """Remember."""
        self.reports.append((publishers, pending))

    def guard(self, call: Callable[[], None]) -> None:
        """Remember what the call raises, and end."""
        try:
            call()
        except Exception as error:  # noqa: BLE001 - as a connection does
            self.abort_slow(type(error).__name__)

    def wait(self) -> None:
        """One reason more."""
        self.waits += 1

    def go_on(self) -> None:
        """One reason less."""
        self.waits -= 1
        self.on_go_on()

    def abort_slow(self, reason: str, *, full: bool = False) -> None:  # noqa: ARG002 - only the reason counts here
        """End, and notify the flow."""
        self.cuts.append(reason)
        self._flow.forget(self)
        self.at_end()
