"""Plain acks of consumers, recognised by their subject, in the plain twin: no object for each of them."""

import re
from array import array

from .message_run import AckRun

MOST_ACKS = 1024
"""Acks that are read at once."""

ACK_START = b"MSG $JS.ACK."

_ACK = re.compile(
    rb"(MSG \$JS\.ACK\.([^. \r\n]+)\.([^. \r\n]+)\.)[^. \r\n]+\.([0-9]{1,18})\.[0-9]{1,18}"
    rb"\.[^. \r\n]+\.[^. \r\n]+ ([^ \r\n]+) (?:0\r\n|3\r\n\+OK|4\r\n\+ACK)\r\n"
)


def read_acks(data: bytes, position: int) -> AckRun | None:
    """See `reach.Direct`."""
    first = _ACK.match(data, position)
    if first is None:
        return None
    start, stream, consumer, sequence, sid = first.groups()
    sequences = array("q", (int(sequence),))
    end = first.end()
    while len(sequences) < MOST_ACKS:
        ack = _ACK.match(data, end)
        if ack is None or ack[1] != start or ack[5] != sid:
            break
        sequences.append(int(ack[4]))
        end = ack.end()
    return AckRun(end, sid, stream, consumer, sequences)
