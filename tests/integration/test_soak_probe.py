"""The probe of the soak, against a server that a test plays."""

import socket

from soak.probe import LatencyProbe
from tests.support.blocking_client import read_until
from tests.support.patience import PATIENCE

HOST = "127.0.0.1"


def test_it_answers_pings() -> None:
    """A PING of the server is answered, also right before the PONG that the probe waits for."""
    with socket.create_server((HOST, 0)) as listener:
        probe = LatencyProbe(listener.getsockname()[1])
        server, _ = listener.accept()
        with server:
            server.settimeout(PATIENCE)
            probe.start()
            read_until(server, b"PING\r\n")
            server.sendall(b"PING\r\nPONG\r\n")

            assert b"PONG\r\n" in read_until(server, b"PING\r\n")
        probe.join(PATIENCE)
        probe.stop()

    assert not probe.is_alive()
