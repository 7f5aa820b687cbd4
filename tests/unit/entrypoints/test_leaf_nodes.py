"""Unit tests of leaf nodes as a part of the server."""

from collections.abc import Callable

import pytest

from app.adapters.clock_manual import ManualClock
from app.config.options import make_options
from app.domain.dataplane import PYTHON
from app.domain.events import Event
from app.domain.sessions.wire import Handler, Wire
from app.entrypoints.container import Container
from app.entrypoints.leaf_nodes import LeafNodes, NoLeafListener
from app.ports.transport import Address, Listener, ListenError

pytestmark = pytest.mark.asyncio


class FakeListener(Listener):
    """Listens nowhere, or says why it cannot."""

    def __init__(self, reason: str = "") -> None:
        self._reason = reason
        self.acceptor: Callable[[Wire], Handler] | None = None

    async def start(self, acceptor: Callable[[Wire], Handler]) -> Address:
        """At a port that was free."""
        if self._reason:
            raise ListenError(self._reason)
        self.acceptor = acceptor
        return Address("127.0.0.1", 7777)

    async def close(self) -> None:
        """Nothing is open."""


def container(**section: object) -> Container:
    """A server with this section, of which nothing is opened."""
    made = Container(make_options({"leafnodes": section}), PYTHON)
    made.use("clock", ManualClock())
    return made


async def test_a_listener() -> None:
    """The domain knows the real port, and the log says where leaves connect."""
    broker, listener, facts = container(port=-1).broker(), FakeListener(), list[Event]()
    address = await LeafNodes(listener, "127.0.0.1", -1).listen(broker, facts.append)

    assert Address("127.0.0.1", 7777) == address
    assert ["Listening for leafnode connections on 127.0.0.1:7777"] == [fact.text() for fact in facts]
    assert broker.leaves is not None
    assert 7777 == broker.leaves.port
    assert listener.acceptor == broker.accept_leaf


async def test_a_listener_that_cannot_be_opened() -> None:
    """The error is the line of the log."""
    broker = container(port=7422).broker()
    with pytest.raises(NoLeafListener, match="Error listening on leafnode port: h:7422 - in use"):
        await LeafNodes(FakeListener("in use"), "h", 7422).listen(broker, list[Event]().append)


async def test_a_leaf_has_no_listener() -> None:
    """A server with remotes alone listens nowhere."""
    broker, listener = container(remotes=({"urls": "nats://hub"},)).broker(), FakeListener()

    assert await LeafNodes(listener, "h", 0).listen(broker, list[Event]().append) is None
    assert listener.acceptor is None


async def test_what_the_container_makes() -> None:
    """Leaf nodes are there if they are configured; their logins may be those of clients, or others."""
    alone = Container(make_options({}), PYTHON)
    shared, own = container(port=-1), container(port=-1, authorization={"user": "a", "password": "b"})

    assert (None, None) == (alone.leaves(), alone.leaf_nodes())
    assert shared.leaf_gatekeeper().authenticator is shared.authenticator()
    assert own.leaf_gatekeeper().authenticator is not own.authenticator()
    assert (False, True) == (shared.leaf_gatekeeper().required, own.leaf_gatekeeper().required)
    assert own.leaves() is not None
