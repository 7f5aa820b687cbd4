"""Snapshots of all clients and subscriptions."""

from ....ports.broker_view import ConnectionQuery
from .snapshot import RawSnapshot, Snapshot, with_rates
from .taker import Taker

MAX_CLIENTS = 100_000
MAX_SUBSCRIPTIONS = 50_000
"""A snapshot holds no more, so that it fits into a few dozen megabytes."""


class SnapshotTaker(Taker[Snapshot]):
    """Takes them."""

    async def _make(self, before: Snapshot | None) -> Snapshot:
        view = self._context.view
        begun = view.monotonic()
        clients = await self._run(view.connections(ConnectionQuery(limit=MAX_CLIENTS)))
        subscriptions = await self._run(view.subscriptions(0, MAX_SUBSCRIPTIONS))
        raw = RawSnapshot(
            begun,
            clients.rows,
            subscriptions.rows,
            unranked=max(0, subscriptions.total - MAX_SUBSCRIPTIONS),
            slow_above=view.server().limits.hold_above,
        )
        return await self._run(with_rates(before, raw))
