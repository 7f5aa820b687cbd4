"""The step of a stream in a trace event: it is complete when the stream has stored or refused the message."""

from collections.abc import Callable

from ..protocol.json_text import rfc3339

CLOSED = "stream closed"
"""What went wrong where the stream is gone before it has the message."""


class StreamStep:
    """The step of one stream, while the message is on its way there."""

    __slots__ = ("_ended", "_fields", "_wall", "only")

    def __init__(
        self,
        fields: dict[str, object],
        wall: Callable[[], int],
        ended: Callable[[], None],
        *,
        only: bool,
    ) -> None:
        """`fields` are those of the step, which are completed; `ended` is called when they are."""
        self._fields = fields
        self._wall = wall
        self._ended = ended
        self.only = only
        """Whether the message is not to be stored, but only checked."""

    def passed(self, subject: bytes, *, is_wanted: bool) -> None:
        """The stream stores it on this subject, unless no consumer wants it."""
        self._fields["ts"] = rfc3339(self._wall())
        self._fields["subject"] = subject.decode("utf-8", "replace")
        if not is_wanted:
            self._fields["nointerest"] = True

    def end(self, error: str = "") -> None:
        """No more is to come; called once. With an `error` the message is not stored."""
        if error:
            self._fields["error"] = error
        self._ended()
