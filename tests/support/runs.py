"""Messages in a row, for tests: as they wait for a client inside the server, and as a run."""

from collections.abc import Sequence

from app.domain.dataplane.incoming_run import IncomingRun, read_run

Published = tuple[bytes, bytes, bytes, bytes]
"""Subject, headers, payload and reply."""


def frame(message: Published, sid: bytes = b"1") -> bytes:
    """A message on the wire."""
    subject, headers, payload, reply = message
    words = [subject, sid, *([reply] if reply else [])]
    if headers:
        return b"HMSG %b %d %d\r\n%b%b\r\n" % (
            b" ".join(words),
            len(headers),
            len(headers) + len(payload),
            headers,
            payload,
        )
    return b"MSG %b %d\r\n%b\r\n" % (b" ".join(words), len(payload), payload)


def run_of(messages: Sequence[Published]) -> IncomingRun:
    """A run of these messages, which have no special headers."""
    data = b"".join(map(frame, messages))
    run = read_run(data, 0, len(messages))
    assert run.stop == len(data)
    return run
