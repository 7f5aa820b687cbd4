"""Facts about unix sockets."""

from app.adapters.net_asyncio.unix_events import UnixListenFailed, UnixListening


def test_a_socket_is_shown_with_its_path() -> None:
    """A path is written as in a URL where clients can connect, and with the reason where they cannot."""
    assert (
        UnixListening(None, "/run/nats.sock").text()
        == "Listening for client connections on unix:///run/nats.sock"
    )
    assert (
        UnixListenFailed(None, "/run/nats.sock", "no room").text()
        == 'Error listening on unix socket: /run/nats.sock, "no room"'
    )
