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

    def copy_frames(  # noqa: PLR0913, PLR0917 - by place, as it is called for each read
        self,
        data: Buffer,
        at: int,
        room: memoryview,
        filled: int,
        left: int,
        mask: bytes,
        limit: int,
        /,
    ) -> tuple[int, int, int, bytes]:
        """Write payloads to the room, from `filled` on, as far as the data and the room go.

        At `at` are the last `left` bytes of a payload that has begun, or a frame. Further frames are begun
        as long as each is a whole message without compression, of `limit` bytes at most. It may stop at
        any frame, and returns all four again. The data may lie in the room, if `at` is not before `filled`.
        """
        ...


class LibraryMasks:
    """By a function of the library, which is compiled where the library could build it."""

    def __init__(self, unmask: Callable[[Buffer, bytes], bytes]) -> None:
        self._unmask = unmask

    def unmask(self, data: Buffer, mask: bytes) -> bytes:
        """See `Masks`."""
        return self._unmask(data, mask)

    def copy_frames(  # noqa: PLR0913, PLR0917 - as in `Masks`
        self, data: Buffer, at: int, room: memoryview, filled: int, left: int, mask: bytes, _limit: int
    ) -> tuple[int, int, int, bytes]:
        """See `Masks`; it begins no frame."""
        take = min(left, len(data) - at, len(room) - filled)
        room[filled : filled + take] = self._unmask(data[at : at + take], mask)
        turn = take & 3
        return at + take, filled + take, left - take, mask[turn:] + mask[:turn]


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
