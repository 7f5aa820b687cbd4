"""Messages are read from the records that they were written as."""

from array import array

from app.adapters.streams_log.record import MESSAGE
from app.adapters.streams_log.run_encoding import Chain, PlainEncoder
from app.adapters.streams_log.tail_block import TailBlock
from app.domain.jetstream.storage.seam import StoredMessage
from tests.support.runs import run_of

BLOCK = b"NATS/1.0\r\nK: v\r\n\r\n"


def test_messages_come_back_as_they_were() -> None:
    """With subject, headers, payload and time, wherever the block begins in its segment."""
    run = run_of([(b"s.1", b"", b"one", b"r"), (b"s", BLOCK, b"two", b"r"), (b"t", b"", b"", b"")])
    encoded = PlainEncoder.encode_run(run, 0, Chain(MESSAGE, 0, 5, 1000, 0, 9, 0, 700, 9999))
    block = TailBlock(5, 7, encoded.data, 700, array("Q", encoded.places))

    assert [block.message(each) for each in (5, 6, 7)] == [
        StoredMessage(5, 1000, b"s.1", b"", b"one"),
        StoredMessage(6, 1001, b"s", BLOCK, b"two"),
        StoredMessage(7, 1002, b"t", b"", b""),
    ]
    assert block.size == len(encoded.data) + 24
