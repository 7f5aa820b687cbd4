"""Exchanges: what a client sends and what it hears, each playable in three ways.

A parser that is right for a whole line may be wrong for a split one, or for one
that has company. So every case is fed whole, byte by byte, and with more input
after it in the same piece.
"""

from dataclasses import dataclass
from enum import Enum

from tests.support.broker_fixture import StartBroker
from tests.support.raw_client import RawClient

QUIET = b'CONNECT {"verbose":false,"pedantic":false}\r\n'
"""Switches off +OK and the check of published subjects; it is not answered."""

PARSER_ERROR = b"-ERR 'Parser Error'\r\n"
UNKNOWN_OPERATION = b"-ERR 'Unknown Protocol Operation'\r\n" + PARSER_ERROR
INVALID_SUBJECT = b"-ERR 'Invalid Subject'\r\n"
PAYLOAD_VIOLATION = b"-ERR 'Maximum Payload Violation'\r\n"
CONTROL_LINE_EXCEEDED = b"-ERR 'Maximum Control Line Exceeded'\r\n"
AUTHORIZATION_VIOLATION = b"-ERR 'Authorization Violation'\r\n"
AUTHORIZATION_TIMEOUT = b"-ERR 'Authorization Timeout'\r\n"

PING = b"PING\r\n"
PONG = b"PONG\r\n"
OK = b"+OK\r\n"


class Feeding(Enum):
    """How the bytes of a case reach the broker."""

    WHOLE = "whole"
    BYTEWISE = "bytewise"
    TRAILED = "trailed"


@dataclass(frozen=True, slots=True)
class Exchange:
    """The connection stays open after it."""

    sent: bytes
    heard: bytes = b""

    async def verify(self, client: RawClient, feeding: Feeding) -> None:
        """Play it, and see that the connection is of use afterwards."""
        match feeding:
            case Feeding.WHOLE:
                await client.send(self.sent)
                await client.expect(self.heard)
            case Feeding.BYTEWISE:
                await client.send_bytewise(self.sent)
                await client.expect(self.heard)
            case Feeding.TRAILED:
                await client.send(self.sent + PING)
                await client.expect(self.heard + PONG)
        await client.fence()


@dataclass(frozen=True, slots=True)
class Refusal:
    """The connection ends with it, as soon as ``fatal`` has arrived.

    ``fatal`` is the shortest input that is refused, ``rest`` what would belong
    to the same line or message. Nothing after ``fatal`` makes a difference.
    """

    fatal: bytes
    rest: bytes = b""
    heard: bytes = UNKNOWN_OPERATION

    async def verify(self, client: RawClient, feeding: Feeding) -> None:
        """Play it, and see that the connection ends in good order."""
        match feeding:
            case Feeding.WHOLE:
                await client.send(self.fatal + self.rest)
            case Feeding.BYTEWISE:
                await client.send_bytewise(self.fatal)
            case Feeding.TRAILED:
                await client.send(self.fatal + self.rest + PING)
        await client.expect_end(self.heard)


async def verify(broker: StartBroker, case: Exchange | Refusal, feeding: Feeding) -> None:
    """Play it to a server of its own."""
    async with broker() as running:
        await case.verify(await running.connect(), feeding)
