"""The fast path of a message: stored and written in one step, where that is compiled (ADR 0064)."""

from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

from ...domain.jetstream.storage.seam import StoredMessage

if TYPE_CHECKING:
    from .stream import FileStream

StoreNow = Callable[[bytes, bytes, bytes, int, int], int]
"""See `StreamLog.store_now`."""


class FastPath(Protocol):
    """The compiled one, of one stream."""

    store: StoreNow
    read_last: Callable[[bytes], StoredMessage | None]


class FastPathKind(Protocol):
    """The class of it."""

    def __call__(self, stream: "FileStream") -> FastPath:
        """Make it for a stream, which has all of its parts."""
        ...


def take_fast_path(stream: "FileStream") -> None:
    """Let the log of a stream have it; without compiled code messages go by `append` and `commit_now`."""
    kind = compiled()
    if kind is not None:
        way, log = kind(stream), stream.log
        log.store_now, log.read_last = way.store, way.read_last


@cache
def compiled() -> FastPathKind | None:
    """The class, where it is built, and finds all fields that it reads."""
    try:
        return cast("FastPathKind", import_module(".native_storing", __package__).FastPath)
    except (ImportError, AttributeError):  # a build of another version does not stop the server
        return None


def never(subject: bytes, headers: bytes, payload: bytes, time: int, most: int) -> int:
    """Store nothing."""
    del subject, headers, payload, time, most
    return 0
