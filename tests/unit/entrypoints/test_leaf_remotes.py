"""The hubs that a server dials."""

import pytest

from app.adapters.clock_manual import ManualClock
from app.adapters.net_memory import MemoryNetwork
from app.config.options import make_options
from app.domain.events import Event
from app.entrypoints.leaf_nodes import LeafNodes
from app.entrypoints.leaf_remotes import RemoteNeeds, open_remotes
from app.ports.authenticator import AuthError


def test_remotes() -> None:
    """Each that is not disabled has a dialer and a login; a creds file that is missing is an error."""
    needs = RemoteNeeds(list[Event]().append, list[Exception]().append, ManualClock())
    remotes = ({"urls": "nats://hub"}, {"urls": "nats://other", "disabled": True})
    (made,) = open_remotes(make_options({"leafnodes": {"remotes": remotes}}), needs)
    parts = LeafNodes(MemoryNetwork(ManualClock()).listener("h", 0), "h", 0, (made,))
    parts.stop_dialling()
    parts.close()

    assert ("hub:7422",) == tuple(url.address for url in made.settings.urls)
    missing = ({"urls": "nats://hub", "credentials": "/none/x.creds"},)
    with pytest.raises(AuthError, match="error opening creds file"):
        open_remotes(make_options({"leafnodes": {"remotes": missing}}), needs)
