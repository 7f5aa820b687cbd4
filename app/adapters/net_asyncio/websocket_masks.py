"""Unmasking what clients of websockets send (RFC 6455, section 5.3): compiled, or by the library."""

from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Protocol, cast

Buffer = bytes | memoryview


class Masks(Protocol):
    """Exclusive-or with masks of four bytes."""

    def unmask(self, data: Buffer, mask: bytes, /) -> bytes:
        """The data, unmasked."""
        ...

    def unmask_into(self, room: memoryview, data: Buffer, mask: bytes, /) -> None:
        """Write the data, unmasked, to the start of the room."""
        ...

    def copy_messages(
        self, data: Buffer, at: int, room: memoryview, filled: int, limit: int, /
    ) -> tuple[int, int]:
        """Write the payloads of frames that begin at `at` to the room, from `filled` on.

        Returns where the next frame begins, and how far the room is filled. It may stop anywhere, and
        stops at the latest before a frame that is no whole message without compression, or has more
        than `limit` bytes; that does not fit into the room, or has not come as a whole.
        """
        ...


class LibraryMasks:
    """By a function of the library, which is compiled where the library could build it."""

    def __init__(self, unmask: Callable[[Buffer, bytes], bytes]) -> None:
        self._unmask = unmask

    def unmask(self, data: Buffer, mask: bytes) -> bytes:
        """See `Masks`."""
        return self._unmask(data, mask)

    def unmask_into(self, room: memoryview, data: Buffer, mask: bytes) -> None:
        """See `Masks`."""
        room[: len(data)] = self._unmask(data, mask)

    @staticmethod
    def copy_messages(_data: Buffer, at: int, _room: memoryview, filled: int, _limit: int) -> tuple[int, int]:
        """See `Masks`; frame by frame is as quick here."""
        return at, filled


@cache
def masks() -> Masks:
    """Our own functions where they are built, else those of the library."""
    try:
        return cast("Masks", import_module(".native_frames", __package__))
    except ImportError:
        return library_masks()


def library_masks() -> Masks:
    """Those of the library, which is imported when it is needed."""
    from websockets import frames  # noqa: PLC0415 - see above

    return LibraryMasks(vars(frames)["apply_mask"])
