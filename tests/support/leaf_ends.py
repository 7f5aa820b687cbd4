"""Fixtures for tests of what crosses a leaf link, in both directions, between pairs of programs."""

from collections.abc import AsyncIterator, Iterator, Sequence

import pytest
import pytest_asyncio

from tests.support.leaf_clients import Ends, clients
from tests.support.leaf_servers import LeafServer, Programs, leaf_rig

TO_HUB, TO_LEAF = "to the hub", "to the leaf"


def servers_of(programs: Sequence[Programs]) -> object:
    """The fixture `servers`: a hub and a leaf of it, started once for each pair of programs."""

    @pytest.fixture(name="servers", scope="module", params=programs, ids=str)
    def servers(
        request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
    ) -> Iterator[tuple[LeafServer, LeafServer]]:
        pair: Programs = request.param
        with leaf_rig(pair, tmp_path_factory.mktemp("leaf")) as rig:
            hub = rig.hub()
            yield hub, rig.leaf(hub.remote())

    return servers


def ends_of(**options: str) -> object:
    """The fixture `ends`: a client at each server, with these options.

    What the near one publishes crosses the link in one direction.
    """

    @pytest_asyncio.fixture(name="ends", params=[TO_HUB, TO_LEAF])
    async def ends(
        request: pytest.FixtureRequest, servers: tuple[LeafServer, LeafServer]
    ) -> AsyncIterator[Ends]:
        hub, leaf = servers
        urls = (leaf.url, hub.url) if request.param == TO_HUB else (hub.url, leaf.url)
        async with clients(*urls, **options) as (near, far):
            yield Ends(near, far, urls[1])

    return ends
