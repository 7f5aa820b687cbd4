"""Copies of stored messages for others (jetstream-streams.md, section 3)."""

from collections.abc import Callable

from ...protocol.json_text import rfc3339
from ...subjects.subject import is_literal
from ..outlet import Outlet
from ..storage.seam import StorageFailure, StreamLog
from . import headers as h
from .config import Republish
from .transform import SubjectTransform


class Republisher:
    """Makes the copies of one stream."""

    def __init__(self, name: str, republish: Republish, outlet: Outlet) -> None:
        self._name = name.encode()
        self._transform = SubjectTransform(republish.src, republish.dest)
        self._headers_only = republish.headers_only
        self._outlet = outlet

    def copy(
        self, log: StreamLog, sequence: int, last: int
    ) -> Callable[[StorageFailure | None], None] | None:
        """What publishes the copy of a message when it is safe; None if it matches no transform.

        `last` is the sequence of the message before on this subject, 0 for none.
        """
        message = log.read(sequence)
        if message is None:
            return None
        _, time, subject, headers, payload = message
        target = self._transform.match(subject)
        if target is None or not is_literal(target):
            return None
        fields: list[tuple[bytes, bytes | int]] = [
            (h.STREAM, self._name),
            (h.SUBJECT, subject),
            (h.SEQUENCE, sequence),
            (h.TIME_STAMP, rfc3339(time).encode()),
            (h.LAST_SEQUENCE, last),
        ]
        if self._headers_only:
            fields.append((h.MSG_SIZE, len(payload)))
            payload = b""
        block = h.with_fields(headers, fields)

        def publish(failure: StorageFailure | None) -> None:
            if failure is None:
                self._outlet.publish(target, payload, block)

        return publish
