"""Greeting: the INFO lines that clients get.

Most of it is the same for all clients, and is encoded once for all, as an `InfoFrame`. What it says to one
client alone is a `PersonalInfo`, and costs something only when INFO is sent. A version counts the
changes, so each session knows by a number whether its client has heard the latest.
"""

from collections.abc import Callable, Hashable
from dataclasses import replace

from ..protocol.encode import NOTHING_PERSONAL, InfoFrame, PersonalInfo, ServerInfo
from ..timers import Scheduler

UPDATE_SECONDS = 0.1
"""Minimum seconds between INFO updates; cluster changes come in bursts."""

PersonalOf = Callable[[int, str], PersonalInfo]
"""What INFO says to a client of this number, from this IP address, alone."""


class Greeting:
    """What INFO says of this server, and of the others."""

    def __init__(
        self,
        info: ServerInfo,
        scheduler: Scheduler,
        changed: Callable[[], None],
        make_nonce: Callable[[], str] | None = None,
    ) -> None:
        """`changed` sends new INFO to clients that take it.

        `make_nonce` makes what a new client has to sign; None if there is no login by signature.
        """
        self.info = info
        self.version = 1
        """Grows with each change."""
        self.own_urls: tuple[str, ...] = ()
        """This server's addresses for clients, as far as they are advertised."""
        self.own_websocket_urls: tuple[str, ...] = ()
        """The same for clients that speak websocket."""
        self.own_leaf_urls: tuple[str, ...] = ()
        """The same for leaf nodes."""
        self.personal_of: PersonalOf = lambda _number, _ip: NOTHING_PERSONAL
        """What INFO says to a new client alone; nothing by default."""
        self.make_nonce = make_nonce
        self._line = info.line()
        self._frames: dict[Hashable, InfoFrame] = {}
        """By group: there are a few for each listener."""
        self._scheduler = scheduler
        self._changed = changed
        self.others: Callable[[], list[str]] = list
        """Addresses of other servers for clients; none without a cluster."""
        self.others_for_websockets: Callable[[], list[str]] = list
        """The same for clients that speak websocket."""
        self.others_for_leaves: Callable[[], list[str]] = list
        """The same for leaf nodes."""
        self.others_changed: Callable[[], None] = _nothing
        """Called when addresses of other servers may have changed, once for changes that come together."""
        self._sent_version = 1
        """What the clients of today have heard at least, if they take updates."""
        self._pausing = False
        """Whether an update is due, or was sent a moment ago."""
        self._unsent = False
        """Whether the cluster has changed since the last update."""
        self._outdated = False
        """Whether the cluster has changed since INFO was written."""

    def line(self, personal: PersonalInfo = NOTHING_PERSONAL) -> bytes:
        """The INFO line for a client that alone gets this."""
        if personal is NOTHING_PERSONAL:
            return self._line
        frame = self._frames.get(personal.group)
        if frame is None:
            frame = self._frames[personal.group] = self.info.frame(personal)
        return frame.line(personal)

    def listening_on(self, port: int, urls: tuple[str, ...]) -> None:
        """Name the real port from now on, and these addresses to other servers."""
        self.own_urls = urls
        self.set(replace(self.info, port=port))

    def set(self, info: ServerInfo) -> None:
        """Say this from now on, to the clients of today too."""
        self._write(info)
        self._send()

    def leave(self) -> None:
        """Say from now on that clients should go to the other servers, whose addresses alone are named."""
        self.own_urls = self.own_websocket_urls = self.own_leaf_urls = ()
        self._outdated = True
        self.refresh()
        self.set(replace(self.info, ldm=True))

    def urls_changed(self) -> None:
        """The cluster has changed: update clients soon; one that comes before that hears of it at once.

        A first change is sent after the current turn, for a client may need the address at once: its
        own server may be about to stop. What follows within `UPDATE_SECONDS` is sent together.
        """
        self._outdated = self._unsent = True
        if not self._pausing:
            self._pausing = True
            self._scheduler.call_soon(self._update)

    def refresh(self) -> None:
        """Have the addresses as they are now: here first, then the other servers."""
        if not self._outdated:
            return
        self._outdated = False
        urls = dict.fromkeys([*self.own_urls, *self.others()])
        websockets = dict.fromkeys([*self.own_websocket_urls, *self.others_for_websockets()])
        self._write(replace(self.info, connect_urls=tuple(urls), ws_connect_urls=tuple(websockets)))

    def _update(self) -> None:
        if not self._unsent:
            self._pausing = False
            return
        self._unsent = False
        self._scheduler.call_later(UPDATE_SECONDS, self._update)
        self.refresh()
        self._send()
        self.others_changed()

    def _write(self, info: ServerInfo) -> None:
        if info != self.info:
            self.info = info
            self._line = info.line()
            self._frames.clear()
            self.version += 1

    def _send(self) -> None:
        if self._sent_version != self.version:
            self._sent_version = self.version
            self._changed()


def _nothing() -> None:
    """The default for callbacks: does nothing."""
