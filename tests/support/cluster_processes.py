"""Several real servers in one cluster, each in a process of its own."""

import re
import signal
from typing import Self

from app.testing import free_port
from tests.support.server_process import ServerProcess

ROUTE_LISTENING = re.compile(r"Listening for route connections on \S*:(\d+)")
REGISTERED = 'Registering remote route "'
CLOSED = "Router connection closed"
SILENT = "Route is silent"
HEARD = "Route answers again"


class ClusterProcess(ServerProcess):
    """One of them, on ports of its own; started again it takes the same ones."""

    def __init__(
        self,
        *args: str,
        seed: int | None = None,
        port: int | None = None,
        route_port: int | None = None,
        login: str = "",
    ) -> None:
        """`seed` is the route port of the server to dial; the first one dials itself.

        `login` is what servers have to show, in the form of a URL: ``user:password@``.
        """
        routes = () if seed is None else ("--routes", f"nats://127.0.0.1:{seed}")
        listen = (
            "-p",
            str(port or free_port()),
            "--cluster",
            f"nats://{login}127.0.0.1:{route_port or free_port()}",
        )
        super().__init__(*listen, *routes, "-D", *args)
        self._seed = seed
        self._args = args

    def __enter__(self) -> Self:
        super().__enter__()
        match = ROUTE_LISTENING.search(self.log)
        assert match is not None, f"no route port in the log:\n{self.log}"
        self.route_port = int(match[1])
        return self

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"nats://127.0.0.1:{self.port}"

    def kill(self) -> None:
        """End it without a word, as a crash does."""
        self.stop(signal.SIGKILL)

    def successor(self) -> "ClusterProcess":
        """The same server, to be started again at the same ports."""
        seed = self._seed if self._seed is not None else self.route_port
        return ClusterProcess(*self._args, seed=seed, port=self.port, route_port=self.route_port)


class ProcessCluster:
    """This many servers, all of which dial the first one; entered when the mesh is complete."""

    def __init__(self, size: int, *args: str) -> None:
        """`args` are further flags of all."""
        self._size = size
        self._args = args
        self.servers: list[ClusterProcess] = []

    def __enter__(self) -> Self:
        try:
            seed = self._start(ClusterProcess(*self._args))
            for _ in range(self._size - 1):
                self._start(ClusterProcess(*self._args, seed=seed.route_port))
            for server in self.servers:
                server.wait_for(REGISTERED, count=self._size - 1)
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop()

    def restart(self, index: int) -> ClusterProcess:
        """Start the server with this index again, at the same ports; return when it has met all others."""
        self.servers[index] = fresh = self.servers[index].successor()
        fresh.__enter__()
        fresh.wait_for(REGISTERED, count=self._size - 1)
        return fresh

    def _start(self, server: ClusterProcess) -> ClusterProcess:
        server.__enter__()
        self.servers.append(server)
        return server

    def _stop(self) -> None:
        for server in self.servers:
            server.kill()
