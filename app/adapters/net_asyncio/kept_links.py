"""Kept links: connections that the system closes at the moment when the process ends.

A client that hears of it connects elsewhere at once, and a launcher expects the process to be gone by
then. But the system takes some milliseconds to free the memory of a process. So links that have
nothing left to send or to read are not ended by the server: the system ends them together with the
process, as its last act. See ADR 0068.
"""

import os
import select
import socket
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress

from ...ports.transport import LINGER_SECONDS
from .send_queue import unread

KEPT_SECONDS = 0.1
"""How long links are kept at most: whatever the server still waits for, its clients hear of the end."""

_PIECE = 64 * 1024

CallLater = Callable[[float, Callable[[], None]], object]
"""Makes a call after some seconds, in a thread, even if the loop is busy or over. Raises `RuntimeError`."""


class KeptLinks:
    """The links of one process that end with it."""

    def __init__(self, call_later: CallLater) -> None:
        self._call_later = call_later
        self._is_ending = self._is_late = False
        self._kept: list[int] = []
        self._lock = threading.Lock()

    def begin(self) -> None:
        """The process is about to end: keep links from now on."""
        self._is_ending = True

    def keep(self, descriptor: int) -> bool:
        """Have the link of a socket end with the process, also if the caller closes the socket.

        False if it is to end in the usual way: there is something to read, and a link that ends
        without that being read is reset.
        """
        if not self._is_ending or unread(descriptor):
            return False
        with self._lock, suppress(OSError, RuntimeError):
            if not self._kept and not self._is_late:
                self._call_later(KEPT_SECONDS, self._too_late)
            if not self._is_late:
                self._kept.append(os.dup(descriptor))
                return True
        return False

    def settle(self) -> None:
        """Called last of all: end those links in the usual way from which something has come meanwhile."""
        with self._lock:
            talkers = {each for each in self._kept if unread(each)}
            self._kept = [each for each in self._kept if each not in talkers]
        end_links(talkers)

    def _too_late(self) -> None:
        with self._lock:
            self._is_late = True
            kept, self._kept = self._kept, []
        end_links(kept)


def end_links(descriptors: Iterable[int]) -> None:
    """Send our end of file, discard input until that of the peer or for `LINGER_SECONDS`, and close."""
    links, waiting = dict[int, socket.socket](), select.poll()
    for descriptor in descriptors:
        link = socket.socket(fileno=descriptor)
        try:
            link.shutdown(socket.SHUT_WR)
        except OSError:  # the peer has reset it
            link.close()
            continue
        links[descriptor] = link
        waiting.register(descriptor, select.POLLIN)
    deadline = time.monotonic() + LINGER_SECONDS
    while links and (left := deadline - time.monotonic()) > 0:
        for descriptor, _ in waiting.poll(left * 1000):
            if _is_over(links[descriptor]):
                waiting.unregister(descriptor)
                links.pop(descriptor).close()
    for link in links.values():
        link.close()


def _is_over(link: socket.socket) -> bool:
    """Whether the peer has ended its side; what it has sent is discarded."""
    try:
        return not link.recv(_PIECE, socket.MSG_DONTWAIT)
    except BlockingIOError:
        return False
    except OSError:
        return True
