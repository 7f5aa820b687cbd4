"""Where nats-py finds a server, over either transport."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from tests.support.embedded import HOST, EmbeddedServer
from tests.support.memory_client import nats_over


@contextmanager
def reachable(server: EmbeddedServer) -> Iterator[str]:
    """The URL under which nats-py finds the server meanwhile."""
    with ExitStack() as stack:
        if server.transport == "memory":
            stack.enter_context(nats_over(server.network))
        yield f"nats://{HOST}:{server.port}"
