"""Load on a server until it is gone: publishers with thousands outstanding, and a worker that acks twice."""

from tests.kills.ledger import Ledger
from tests.kills.link import Arrival, Link

STORED, QUEUE = b"L", b"K"
"""A stream that keeps all, and a work queue."""
WORKER = b"D"
_SUBJECTS = 10
_WITH_ID = 16
"""Each message of this number has an id."""
_BATCH = 500


class Publisher:
    """Keeps many messages outstanding on one stream."""

    def __init__(self, link: Link, stream: bytes, ledger: Ledger, outstanding: int) -> None:
        self._link = link
        self._stream = stream
        self._ledger = ledger
        self._most = outstanding
        self._outstanding = 0
        link.subscribe(b"_A.%s.*" % stream, self._take_ack)
        self._fill()

    def _fill(self) -> None:
        pieces = []
        while self._outstanding < self._most:
            payload = self._ledger.next_payload()
            number = self._ledger.published
            self._outstanding += 1
            pieces.append(publish_of(self._stream, number, payload))
        self._link.send(b"".join(pieces))

    def _take_ack(self, arrival: Arrival) -> None:
        number = int(arrival.subject.rpartition(b".")[2])
        sequence = self._ledger.take_ack(number, arrival)
        if sequence and number % _WITH_ID == 0:
            self._ledger.with_ids[sequence] = number
        self._outstanding -= 1
        if self._outstanding <= self._most * 3 // 4:
            self._fill()


def publish_of(stream: bytes, number: int, payload: bytes) -> bytes:
    """The command that publishes a message; some have an id."""
    subject, reply = b"%s.%d" % (stream, number % _SUBJECTS), b"_A.%s.%d" % (stream, number)
    if number % _WITH_ID:
        return b"PUB %s %s %d\r\n%s\r\n" % (subject, reply, len(payload), payload)
    headers = b"NATS/1.0\r\nNats-Msg-Id: %d\r\n\r\n" % number
    sizes = len(headers), len(headers) + len(payload)
    return b"HPUB %s %s %d %d\r\n%s%s\r\n" % (subject, reply, *sizes, headers, payload)


class Worker:
    """Takes messages of the work queue, and asks for an answer to each ack."""

    def __init__(self, link: Link, ledger: Ledger) -> None:
        self._link = link
        self._ledger = ledger
        self._left = 0
        link.subscribe(b"_W", self._take)
        link.subscribe(b"_D.*", self._take_answer)
        self._pull()

    def _pull(self) -> None:
        self._left = _BATCH
        request = b'{"batch":%d,"expires":60000000000}' % _BATCH
        self._link.publish(b"$JS.API.CONSUMER.MSG.NEXT.%s.%s" % (QUEUE, WORKER), b"_W", request)

    def _take(self, arrival: Arrival) -> None:
        if not arrival.reply:
            return  # a status
        sequence = int(arrival.reply.split(b".")[5])
        self._ledger.delivered(sequence, arrival.payload)
        self._ledger.asked.add(sequence)
        self._link.publish(arrival.reply, b"_D.%d" % sequence, b"+ACK")
        self._left -= 1
        if not self._left:
            self._pull()

    def _take_answer(self, arrival: Arrival) -> None:
        if not arrival.headers:
            self._ledger.settled.add(int(arrival.subject.rpartition(b".")[2]))
