"""The port of transports, and who implements it."""

import pytest

from app.adapters.net_asyncio.dialer import TcpDialer
from app.adapters.net_asyncio.listener import TcpListener
from app.adapters.net_memory.network import MemoryDialer, MemoryListener
from app.ports.transport import HIGH_WATER, LOW_WATER, Dialer, Listener
from tests.fakes.contracts import breaches


@pytest.mark.parametrize("implementation", [TcpListener, MemoryListener])
def test_listeners(implementation: type) -> None:
    """Listeners on TCP and in memory have all methods of the port, with its arguments."""
    assert [] == breaches(Listener, implementation)


@pytest.mark.parametrize("implementation", [TcpDialer, MemoryDialer])
def test_dialers(implementation: type) -> None:
    """Dialers on TCP and in memory have all methods of the port, with its arguments."""
    assert [] == breaches(Dialer, implementation)


def test_the_marks_of_pending_bytes() -> None:
    """A wire that drains has fallen well below the mark it had passed, so it does not flicker."""
    assert LOW_WATER * 2 <= HIGH_WATER
