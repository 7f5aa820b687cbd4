"""A real server with its monitoring pages, in a process of its own."""

import re

from app.testing import free_port
from tests.support.server_process import ServerProcess

HOST = "127.0.0.1"

_SERVING = re.compile(r"Starting http monitor on \S*:(\d+)")


class MonitoredServer(ServerProcess):
    """A server whose pages are on a free port of the loopback, or on one that is given as ``-m``."""

    def __init__(self, *args: str) -> None:
        super().__init__("-m", str(free_port()), *args)

    @property
    def http_port(self) -> int:
        """Where the pages are."""
        match = _SERVING.search(self.wait_for("Starting http monitor"))
        assert match is not None
        return int(match[1])

    @property
    def origin(self) -> str:
        """The address that all pages begin with."""
        return f"http://{HOST}:{self.http_port}"
