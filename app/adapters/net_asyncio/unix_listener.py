"""Accepting links at a unix socket."""

import socket
from collections.abc import Callable, Sequence

from ...domain.events import AcceptFailed
from ...domain.sessions.wire import PeerAddress
from ...domain.timers import Scheduler
from ...ports.layers import LayerFactory
from ...ports.transport import Address
from .listener import BACKLOG, SocketListener
from .unix_socket import Identity, UnixSocketSettings, listening_unix_socket, peer_of, remove


class UnixListener(SocketListener):
    """Accepts links at one path; the file is removed at the end. See `SocketListener`."""

    def __init__(
        self,
        settings: UnixSocketSettings,
        *,
        on_failure: Callable[[Exception], None],
        on_accept_failed: Callable[[AcceptFailed], None],
        layers: Sequence[LayerFactory] = (),
        scheduler: Scheduler | None = None,
    ) -> None:
        super().__init__(
            on_failure=on_failure, on_accept_failed=on_accept_failed, layers=layers, scheduler=scheduler
        )
        self._settings = settings
        self._file: Identity | None = None

    async def close(self) -> None:
        """Remove the file, then stop accepting: peers find no socket rather than one that is dead."""
        file, self._file = self._file, None
        if file is not None:
            remove(self._settings.path, file)
        await super().close()

    async def _open(self) -> tuple[socket.socket, Address]:
        listening, self._file = await listening_unix_socket(self._settings, BACKLOG)
        return listening, Address(self._settings.path, 0)

    def _peer(self, accepted: socket.socket, _address: object) -> PeerAddress:
        return peer_of(accepted)
