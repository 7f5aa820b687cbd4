"""Transport: listens, dials, and moves bytes.

The domain asks little of a link, see `Wire` in ``app.domain.sessions.wire``; this
module adds what the outer rings need to open and close such links. An adapter
implements `Listener`, hands a `Wire` to the acceptor for each new peer, and
then drives the `Handler` that the acceptor returned.

Guarantees an adapter gives
    * `Wire.write` never blocks, keeps order, and is ignored once the link is
      closed or aborted. Data is taken over: the caller never changes it.
    * The methods of a wire are looked up for each call: an adapter may swap them
      when the link closes.
    * `Wire.pending` counts bytes written but not yet passed on to the peer's
      side (the kernel, or the reading end in memory).
    * `Handler.opened` is called once, as soon as the link may carry traffic: right
      after the acceptor on a plain link, after the handshake on a protected one. No
      call comes before it but `Handler.connection_lost`, and it never comes if the link ends first.
    * `Handler.reserve` is answered by `Handler.received` before any other
      handler's ``reserve`` is called: all links of a loop share one buffer.
    * `Handler.drained` is called when ``pending``, having been above
      `HIGH_WATER`, falls to `LOW_WATER` or less.
    * `Handler.connection_lost` is called exactly once, last, for every end of the link, and
      never from within a call that the handler made on its wire.
"""

from collections.abc import Callable
from typing import Protocol

from ..domain.sessions.wire import Handler, Wire
from ..domain.value_object import value_object

HIGH_WATER = 256 * 1024
"""Pending bytes above which a wire will announce that it drained."""

LOW_WATER = 64 * 1024
"""Pending bytes at which that announcement is made."""

LINGER_SECONDS = 0.5
"""How long a closing link discards input, so that the peer reads our last line
instead of a reset (client-protocol.md, section 5)."""

DIAL_SECONDS = 1.0
"""How long opening a link to another server may take, with all that belongs to it."""

Acceptor = Callable[[Wire], Handler]
"""Called once per new link; the handler it returns is driven from then on."""


@value_object
class Address:
    """The real address of a listener: the port is never -1, and 0 only where the host is a path."""

    host: str
    port: int


class ListenError(Exception):
    """The address cannot be listened on; the text says why."""


class Listener(Protocol):
    """Accepts links at one address."""

    async def start(self, acceptor: Acceptor) -> Address:
        """Begin to accept; return the real address.

        Raises `ListenError` when the address is invalid or taken.
        """
        ...

    async def close(self) -> None:
        """Stop accepting; links already accepted go on. May be called twice."""
        ...


class Dialer(Protocol):
    """Opens links to other servers."""

    def dial(self, host: str, port: int, acceptor: Acceptor, refused: Callable[[str], None]) -> None:
        """Try to open a link, for at most `DIAL_SECONDS`; never blocks.

        Later, never within this call, exactly one of the two is called: `acceptor` with
        the wire, or `refused` with the reason in plain words.
        """
        ...

    def close(self) -> None:
        """Give up dials under way: neither function is called for them any more. Open links stay."""
        ...
