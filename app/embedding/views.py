"""The contents of monitoring's pages, as dictionaries, for the program that embeds a server."""

import json
from typing import Any, TypedDict

from ..adapters.monitoring import pages
from ..adapters.monitoring.context import MonitoringContext
from ..adapters.monitoring.leaf_page import leafz
from ..adapters.monitoring.stepper import Chunks
from ..adapters.monitoring.varz import varz
from ..ports.broker_view import ConnectionQuery, SortKey

Page = dict[str, Any]
"""The contents of a page, as JSON has them."""

ALL = 2**31
"""More rows than a server has."""


class ConnzQueryKeys(TypedDict, total=False):
    """What `Views.connz` takes."""

    subs: bool
    auth: bool
    sort: str
    limit: int
    offset: int


class Views:
    """The pages of one server, made at once: for tests and small programs, not for thousands of rows."""

    def __init__(self, context: MonitoringContext) -> None:
        self._context = context

    def varz(self) -> Page:
        """The server, as ``/varz`` shows it."""
        page: Page = json.loads(varz(self._context).model_dump_json(exclude_none=True))
        return page

    def connz(
        self, *, subs: bool = False, auth: bool = False, sort: str = "cid", limit: int = ALL, offset: int = 0
    ) -> Page:
        """The clients, as ``/connz`` shows them; `subs` lists what each one subscribes to.

        Raises `ValueError` for a key that nothing is sorted by.
        """
        query = ConnectionQuery(sort=SortKey(sort), limit=limit, offset=offset, subscriptions=subs)
        return _read(pages.connz(self._context, query, auth=auth))

    def routez(self, *, subs: bool = False) -> Page:
        """The routes, as ``/routez`` shows them."""
        return _read(pages.routez(self._context, subscriptions=subs))

    def leafz(self, *, subs: bool = False) -> Page:
        """The leaf links, as ``/leafz`` shows them."""
        return _read(leafz(self._context, subscriptions=subs))

    def subsz(self, *, subs: bool = False, limit: int = ALL, offset: int = 0) -> Page:
        """The subscription index, as ``/subsz`` shows it; `subs` lists the clients' subscriptions."""
        if subs:
            return _read(pages.subsz_list(self._context, offset, limit))
        return _read(pages.subsz(self._context))


def _read(chunks: Chunks) -> Page:
    page: Page = json.loads(b"".join(chunks))
    return page
