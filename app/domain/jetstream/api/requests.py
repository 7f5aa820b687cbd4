"""Requests: a message on a subject of the API, and its one answer."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from ...protocol.json_text import dump
from ..errors import JetStreamError
from ..json_values import Fields, parse_object

TYPE = "io.nats.jetstream.api.v1.{}_response"

Send = Callable[[bytes, bytes, bytes], None]
"""Sends an answer: reply subject, payload, headers."""


class ApiRequest:
    """One request. It is answered once: by `answer` or by `refuse`."""

    __slots__ = (
        "_finished",
        "answer_headers",
        "headers",
        "holds",
        "kind",
        "names",
        "payload",
        "reply",
        "subject",
    )

    def __init__(self, subject: bytes, headers: bytes, payload: bytes, reply: bytes) -> None:
        self.subject = subject
        self.headers = headers
        self.payload = payload
        self.reply = reply
        self.answer_headers = b""
        """A header block that goes with the answer."""
        self.kind = ""
        """Of the answer, as in its type."""
        self.names: tuple[str, ...] = ()
        """The tokens of the subject after those of the call."""
        self.holds: tuple[str, ...] = ()
        """Others wait that begin with these names, until this one is answered."""
        self._finished: Callable[[ApiRequest, bytes, JetStreamError | None], None] = _unused

    def begin(
        self,
        kind: str,
        names: tuple[str, ...],
        finished: "Callable[[ApiRequest, bytes, JetStreamError | None], None]",
    ) -> None:
        """It is this call; `finished` gets the text of the answer, and the error that it says."""
        self.kind = kind
        self.names = names
        self._finished = finished

    def answer(self, fields: Mapping[str, object]) -> None:
        """Answer with these fields."""
        self._finish({"type": TYPE.format(self.kind), **fields}, None)

    def refuse(self, error: JetStreamError, fields: Mapping[str, object] | None = None) -> None:
        """Answer with an error, and fields that answers of this call always have."""
        document = {"type": TYPE.format(self.kind), "error": error.as_json(), **(fields or {})}
        self._finish(document, error)

    def _finish(self, document: Mapping[str, object], error: JetStreamError | None) -> None:
        finished, self._finished = self._finished, _unused
        finished(self, dump(document), error)

    def fields(self) -> Fields:
        """Those of the body; one that does not begin as an object or a list says nothing, as in nats-server.

        Raises error 10025.
        """
        return Fields(parse_object(self.payload) if self.payload.lstrip().startswith((b"{", b"[")) else {})

    def object_fields(self) -> Fields:
        """Those of the body, which is an object, `null` or empty; raises error 10025."""
        return Fields(parse_object(self.payload))

    def document(self) -> dict[str, object]:
        """The body, which is an object; raises error 10003 for none, and 10025."""
        self.check_said()
        return parse_object(self.payload)

    def check_said(self) -> None:
        """Raises error 10003 for a body that is empty, or an object without fields."""
        if self._is_empty():
            raise JetStreamError(10003)

    def check_empty(self) -> None:
        """Raises error 10038 for a body, whatever it is; an object without fields is none."""
        if not self._is_empty():
            raise JetStreamError(10038)

    def _is_empty(self) -> bool:
        return b"".join(self.payload.split()) in (b"", b"{}")


def _unused(*_: object) -> None:
    """An answer that comes twice is sent once."""


class Page(NamedTuple):
    """A part of a list."""

    total: int
    offset: int
    limit: int

    @property
    def part(self) -> slice:
        """The places of what is on it."""
        return slice(self.offset, self.offset + self.limit)

    def as_json(self) -> dict[str, object]:
        """The fields of an answer."""
        return {"total": self.total, "offset": self.offset, "limit": self.limit}


def page(total: int, offset: int, limit: int) -> Page:
    """The page from this place on; places outside are clipped."""
    return Page(total, min(max(0, offset), total), limit)
