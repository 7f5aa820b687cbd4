"""A listener in a process of its own that may open few descriptors.

``python -m tests.support.starved_listener asyncio|uvloop`` prints its port, and then the
delay in milliseconds and the reason of each accept that failed. It greets each link,
closes those whose peer is done, and ends when its standard input ends.
"""

import asyncio
import resource
import sys

from app.adapters.net_asyncio import TcpListener
from app.domain.events import AcceptFailed
from app.domain.sessions.wire import Wire
from tests.fakes.handler import ReceiveRoom, RecordingAcceptor, RecordingHandler
from tests.support.transport_harness import LOOPBACK, TCP

DESCRIPTORS = 64
GREETING = b"INFO\r\n"


class _Greeter(RecordingHandler):
    def eof_received(self) -> None:
        """Close when the peer is done."""
        self.wire.close()


def _greet(wire: Wire, room: ReceiveRoom) -> RecordingHandler:
    wire.write(GREETING)
    return _Greeter(wire, room, lambda: None)


def _say(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


def _report(event: AcceptFailed) -> None:
    _say(event.delay_ms, event.reason)


def _raise(error: Exception) -> None:
    raise error


async def _serve() -> None:
    listener = TcpListener(LOOPBACK, -1, on_failure=_raise, on_accept_failed=_report)
    resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS, DESCRIPTORS))
    acceptor = RecordingAcceptor(factory=lambda wire, room, _on_change: _greet(wire, room))
    _say((await listener.start(acceptor)).port)
    released = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin, released.set)
    await released.wait()
    await listener.close()
    for handler in acceptor.handlers:
        handler.wire.abort()


def main() -> None:
    """Serve on the loop that the command line names."""
    loop_factory = {transport.name: transport.loop_factory for transport in TCP}[f"tcp-{sys.argv[1]}"]
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(_serve())


if __name__ == "__main__":
    main()
