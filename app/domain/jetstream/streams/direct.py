"""Direct gets: the answer is the message itself (jetstream-api.md, section 5)."""

from collections.abc import Iterator

from ...dataplane.stored_answer import described
from ...steps import Step, Steps
from ..errors import JetStreamError
from ..json_values import parse_object
from ..outlet import Delivery
from ..storage.seam import StoredMessage, StreamLog
from . import headers as h
from .answers import RETRY
from .gets import GetRequest, find_one, last_of, parse_get, read, read_last
from .host import StreamHost
from .jobs import SLICE, Jobs

MOST_SUBJECTS = 1024
"""Subjects that one `multi_last` may match."""

MAX_BYTES = 64 * 1024 * 1024
"""Bytes of an answer in several messages, if the request names no number."""

MOST_BATCHES = 128
"""Answers in several messages that are under way, of one stream."""

UP_TO_SEQUENCE = b"Nats-UpTo-Sequence"

EMPTY = h.status(408, "Empty Request")
MALFORMED = h.status(408, "Malformed Request")
BAD = h.status(408, "Bad Request")
NOT_FOUND = h.status(404, "Message Not Found")
NO_RESULTS = h.status(404, "No Results")
TOO_MANY_RESULTS = h.status(413, "Too Many Results")
TOO_MANY = h.status(429, "Too Many Requests")


class DirectGets:
    """Answers the direct gets of one stream."""

    def __init__(self, name: str, log: StreamLog, host: StreamHost, jobs: Jobs) -> None:
        self._begin_of_fields = b"%b: %b\r\n%b: " % (h.STREAM, name.encode(), h.SUBJECT)
        self._log = log
        self.outlet = host.outlet
        self._answers = host.answers
        self._answer = host.outlet.answer_stored_within_read
        self._jobs = jobs
        self._under_way = 0
        self.is_closed = False

    def get(self, payload: bytes, reply: bytes) -> None:
        """A request with its wishes in the payload."""
        if not payload:
            self._answers.send(reply, headers=EMPTY)
            return
        request = self._parsed(payload, reply)
        if request is None:
            return
        if request.is_empty:
            self._answers.send(reply, headers=EMPTY)
        elif request.contradicts_itself:
            self._answers.send(reply, headers=BAD)
        elif request.multi_last or request.batch > 0:
            self._begin(request, reply)
        else:
            self._send_one(request, reply)

    def get_last(self, subject: bytes, payload: bytes, reply: bytes) -> None:
        """A request with a subject in its own subject: the last message of that."""
        if subject and not payload:
            message = read_last(self._log, subject) or read(self._log, last_of(self._log, subject))
            if message is not None:
                self._answers.send(reply, message.payload, self._described(message) + h.END)
            else:
                self._answers.send(reply, headers=NOT_FOUND)
            return
        request = self._parsed(payload, reply) if payload else GetRequest()
        if request is None:
            return
        if not subject or request != GetRequest(no_hdr=request.no_hdr):
            self._answers.send(reply, headers=BAD)
            return
        message = read(self._log, last_of(self._log, subject))
        self._send_message(message, reply, with_headers=not request.no_hdr)

    def take_last(self, subject: bytes, reply: bytes) -> bool:
        """The same without wishes, within the read that brings it; False if nothing was answered.

        So it is where the subject has no message, or is none, and where the receiver is slow.
        """
        if self._answers.waiting:
            return False
        message = read_last(self._log, subject)
        return message is not None and self._answer(reply, self._begin_of_fields, message)

    def _parsed(self, payload: bytes, reply: bytes) -> GetRequest | None:
        """The request; None if it was refused already."""
        try:
            return parse_get(parse_object(payload), is_strict=False)
        except JetStreamError:
            self._answers.send(reply, headers=MALFORMED)
            return None

    def _send_one(self, request: GetRequest, reply: bytes) -> None:
        message = find_one(self._log, request)
        self._send_message(message, reply, with_headers=not request.no_hdr)

    def _send_message(self, message: StoredMessage | None, reply: bytes, *, with_headers: bool) -> None:
        if message is None:
            self._answers.send(reply, headers=NOT_FOUND)
        else:
            block = self._described(message) + h.END if with_headers else b""
            self._answers.send(reply, message.payload, block)

    def _described(self, message: StoredMessage) -> bytes:
        """The header block of a message with what names it, without the empty line at its end."""
        return described(self._begin_of_fields, message)

    # answers in several messages

    def _begin(self, request: GetRequest, reply: bytes) -> None:
        if self._under_way >= MOST_BATCHES:
            self._answers.send(reply, headers=TOO_MANY)
            return
        self._under_way += 1
        if request.multi_last:
            self._jobs.run(self._multi_steps(request, reply))
        else:
            self._begin_batch(request, reply)

    def _begin_batch(self, request: GetRequest, reply: bytes) -> None:
        log = self._log
        filters = (request.next_by_subj.encode(),) if request.next_by_subj else ()
        start = max(1, request.seq if request.start_time is None else log.at_time(request.start_time))
        pending = log.count_from(start, filters)
        answer = BatchAnswer(self, request, reply, _sequences(log, start, filters), pending)
        answer.filters = filters
        answer.run()

    def _multi_steps(self, request: GetRequest, reply: bytes) -> Steps[None]:
        end = self._end(request)
        found = yield from self._lasts(request.multi_last, end)
        if not found or len(found) > MOST_SUBJECTS:
            self._under_way -= 1
            self._answers.send(reply, headers=TOO_MANY_RESULTS if found else NO_RESULTS)
            return
        wanted = [sequence for sequence in found if sequence >= request.seq]
        answer = BatchAnswer(self, request, reply, iter(wanted), len(wanted))
        answer.up_to = end
        answer.run()

    def _end(self, request: GetRequest) -> int:
        """The highest sequence that counts."""
        if request.up_to_time is not None:
            return self._log.at_time(request.up_to_time) - 1
        return request.up_to_seq or self._log.last

    def _lasts(self, patterns: tuple[str, ...], end: int) -> Steps[list[int]]:
        """The last sequence up to `end` of each subject that matches, ascending; some more than allowed."""
        log, step = self._log, Step()
        found: set[int] = set()
        for pattern in dict.fromkeys(patterns):
            for subject, state in list(log.subjects(pattern.encode())):
                if state.first > end:
                    continue
                found.add(state.last if state.last <= end else log.previous(end, (subject,)))
                if len(found) > MOST_SUBJECTS:
                    return sorted(found)
                if step.is_over_after(4):
                    yield
        return sorted(found - {0})

    def ended(self, answer: "BatchAnswer") -> None:
        """All messages of an answer are sent, or as many as were asked for."""
        self._under_way -= 1
        if answer.up_to:
            fields = [(h.NUM_PENDING, answer.pending), (h.LAST_SEQUENCE, answer.last)]
            fields.append((UP_TO_SEQUENCE, answer.up_to))
        elif answer.sent:
            pending = self._log.count_from(answer.last + 1, answer.filters)
            fields = [(h.NUM_PENDING, pending), (h.LAST_SEQUENCE, answer.last)]
        else:
            self._answers.send(answer.reply, headers=NOT_FOUND)
            return
        self._answers.send(answer.reply, headers=h.status(204, "EOB", fields))

    def left(self) -> None:
        """The subject of an answer has no subscription any more."""
        self._under_way -= 1

    def close(self) -> None:
        """Stop all answers."""
        self.is_closed = True

    def block(self, message: StoredMessage, pending: int, last: int) -> bytes:
        """The header block of one message of several."""
        more = [(h.NUM_PENDING, pending), (h.LAST_SEQUENCE, last)]
        return h.with_fields(self._described(message) + h.END, more)

    def read(self, sequence: int) -> StoredMessage | None:
        """A message; None if it went meanwhile."""
        return read(self._log, sequence)


class BatchAnswer:
    """An answer in several messages: sent in slices, and as fast as the receiver takes it."""

    def __init__(
        self, gets: DirectGets, request: GetRequest, reply: bytes, sequences: Iterator[int], pending: int
    ) -> None:
        """`pending` is how many sequences there are."""
        self.reply = reply
        self.pending = pending
        self.last = 0
        """The sequence that was sent last."""
        self.sent = 0
        self.up_to = 0
        """Of `multi_last`: the highest sequence that counted."""
        self.filters: tuple[bytes, ...] = ()
        self._gets = gets
        self._sequences = sequences
        self._with_headers = not request.no_hdr
        self._most = request.batch if request.batch > 0 else pending
        self._size_left = request.max_bytes if request.max_bytes > 0 else MAX_BYTES
        self._message: StoredMessage | None = None

    def run(self) -> None:
        """Send what one turn allows."""
        gets, outlet = self._gets, self._gets.outlet
        end = outlet.scheduler.monotonic() + SLICE
        while (message := self._next()) is not None:
            outcome = self._send(message)
            if outcome is Delivery.NOBODY or gets.is_closed:
                gets.left()
                return
            if outcome is Delivery.CONGESTED:
                outlet.scheduler.call_later(RETRY, self.run)
                return
            if outlet.scheduler.monotonic() >= end:
                outlet.scheduler.call_soon(self.run)
                return
        gets.ended(self)

    def _next(self) -> StoredMessage | None:
        """The next message; again the one that met a congested receiver. None if it was the last."""
        while self._message is None and self.sent < self._most and self._size_left > 0:
            sequence = next(self._sequences, 0)
            if not sequence:
                break
            self._message = self._gets.read(sequence)
        return self._message

    def _send(self, message: StoredMessage) -> Delivery:
        pending = max(0, self.pending - 1)
        block = self._gets.block(message, pending, self.last) if self._with_headers else b""
        outcome = self._gets.outlet.deliver(self.reply, self.reply, b"", block, message.payload)
        if outcome is Delivery.SENT:
            self._message = None
            self.pending = pending
            self.last = message.sequence
            self.sent += 1
            self._size_left -= len(message.subject) + len(message.headers) + len(message.payload)
        return outcome


def _sequences(log: StreamLog, start: int, filters: tuple[bytes, ...]) -> Iterator[int]:
    sequence = log.next(start, filters)
    while sequence:
        yield sequence
        sequence = log.next(sequence + 1, filters)
