"""Unit tests of the payloads of acks."""

import pytest

from app.domain.jetstream.consumers.acks import Ack, AckKind, parse_ack


@pytest.mark.parametrize(
    ("payload", "ack"),
    [
        (b"", Ack(AckKind.ACK)),
        (b"+ACK", Ack(AckKind.ACK)),
        (b"+OK", Ack(AckKind.ACK)),
        (b"-NAK", Ack(AckKind.NAK)),
        (b"-NAK ", Ack(AckKind.NAK)),
        (b'-NAK {"delay": 5000}', Ack(AckKind.NAK, 5000)),
        (b"-NAK 5s", Ack(AckKind.NAK, 5 * 10**9)),
        (b"-NAK soon", Ack(AckKind.NAK)),
        (b'-NAK {"delay": "5s"}', Ack(AckKind.NAK)),
        (b"-NAK {", Ack(AckKind.NAK)),
        (b"+WPI", Ack(AckKind.PROGRESS)),
        (b"+TERM", Ack(AckKind.TERM)),
        (b"+TERM too old ", Ack(AckKind.TERM, text=b"too old")),
        (b"+NXT", Ack(AckKind.NEXT)),
        (b"+NXT 5", Ack(AckKind.NEXT, text=b" 5")),
        (b"hello", Ack(AckKind.UNKNOWN)),
    ],
)
def test_payloads(payload: bytes, ack: Ack) -> None:
    """Bad delays count as plain refusals; other words mean nothing."""
    assert ack == parse_ack(payload)
