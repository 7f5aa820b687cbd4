# Types of the compiled functions; see `websocket_masks.Masks`.

def unmask(data: bytes | memoryview, mask: bytes) -> bytes: ...
def copy_frames(
    data: bytes | memoryview,
    at: int,
    room: memoryview,
    filled: int,
    left: int,
    mask: bytes,
    limit: int,
) -> tuple[int, int, int, bytes]: ...
