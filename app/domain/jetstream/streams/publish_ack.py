"""The answers to publishes, to the byte (jetstream-streams.md, section 3)."""

from ...protocol.json_text import dump
from ..errors import JetStreamError
from . import headers as h

BUSY = h.status(429, "Too Many Requests")
"""The header block of the answer when too much waits."""


class PublishAcks:
    """The acks of one stream; their beginning is always the same."""

    __slots__ = ("_name", "head")

    def __init__(self, name: str, domain: str = "") -> None:
        self._name = name
        where: dict[str, object] = {"stream": name}
        if domain:
            where["domain"] = domain
        self.head = dump(where)[:-1] + b',"seq":'
        """How an ack begins; the sequence and a brace complete it."""

    def stored(self, sequence: int) -> bytes:
        """The message is stored as this sequence."""
        return b"%b%d}" % (self.head, sequence)

    def counted(self, sequence: int, total: int) -> bytes:
        """The message is stored, and its counter has this value now."""
        return b'%b%d,"val":"%d"}' % (self.head, sequence, total)

    def batch(self, sequence: int, name: str, count: int) -> bytes:
        """All messages of a batch are stored, the last one as this sequence."""
        return b'%b%d,"batch":%b,"count":%d}' % (self.head, sequence, dump(name), count)

    def batch_of(self, sequence: int, name: bytes, count: int) -> bytes:
        """The same for a fast batch; `count` is the number of its last message."""
        return self.batch(sequence, name.decode("utf-8", "replace"), count)

    def duplicate_batch(self, sequence: int, name: bytes, count: int) -> bytes:
        """A fast batch is one message, which was stored before."""
        text = dump(name.decode("utf-8", "replace"))
        return b'%b%d,"duplicate": true,"batch":%b,"count":%d}' % (self.head, sequence, text, count)

    @staticmethod
    def flow(number: int, every: int) -> bytes:
        """A fast batch is stored up to this number; the next answer comes after `every` messages."""
        return b'{"type":"ack","seq":%d,"msgs":%d}' % (number, every)

    @staticmethod
    def gap(expected: int, number: int) -> bytes:
        """Messages of a fast batch are missing: from `expected` on, and before `number`."""
        return b'{"type":"gap","last_seq":%d,"seq":%d}' % (expected, number)

    @staticmethod
    def failed(number: int, error: JetStreamError) -> bytes:
        """This message of a fast batch is not stored."""
        return dump({"type": "err", "seq": number, "error": error.as_json()})

    def duplicate(self, sequence: int) -> bytes:
        """The message was stored before."""
        return b'%b%d,"duplicate": true}' % (self.head, sequence)

    def refused(self, error: JetStreamError) -> bytes:
        """The message is not stored."""
        return dump({"error": error.as_json(), "stream": self._name, "seq": 0})
