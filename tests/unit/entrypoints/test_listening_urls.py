"""Where a started server says that it listens."""

from app.config.options import make_options
from app.entrypoints.listening_urls import listening_urls
from app.entrypoints.service import Addresses
from app.ports.transport import Address


def test_a_server_with_everything() -> None:
    """Each kind has its scheme, the real port, and a host that can be reached."""
    options = make_options(
        {
            "host": "127.0.0.1",
            "http_port": -1,
            "websocket": {"host": "127.0.0.1", "port": -1, "no_tls": True},
            "cluster": {"host": "::1", "port": -1},
            "leafnodes": {"host": "127.0.0.1", "port": -1},
        }
    )
    clients = (Address("127.0.0.1", 1), Address("127.0.0.1", 2))

    assert {
        "nats": ("nats://127.0.0.1:1",),
        "monitoring": ("http://127.0.0.1:4",),
        "cluster": ("nats://[::1]:3",),
        "leafnodes": ("nats-leaf://127.0.0.1:5",),
        "websocket": ("ws://127.0.0.1:2",),
    } == listening_urls(options, Addresses(clients, Address("::1", 3), {"http": 4}, Address("127.0.0.1", 5)))


def test_a_server_for_clients_alone() -> None:
    """A server for clients alone names only their address."""
    found = listening_urls(
        make_options({"host": "127.0.0.1"}), Addresses((Address("127.0.0.1", 1),), None, {})
    )

    assert {"nats": ("nats://127.0.0.1:1",), "monitoring": ()} == found
