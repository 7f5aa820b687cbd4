"""A well-behaved client that checks the service while other clients misbehave."""

from typing import Self

from tests.support.broker_fixture import Broker
from tests.support.raw_client import RawClient


class Witness:
    """Publishes to itself, to show that the broker still serves other clients."""

    def __init__(self, client: RawClient) -> None:
        """Take over a client that is not verbose and has subscribed to ``witness``."""
        self._client = client

    @classmethod
    async def join(cls, broker: Broker) -> Self:
        """A witness, connected and subscribed."""
        client = await broker.connect()
        await client.send(b'CONNECT {"verbose":false}\r\nSUB witness w\r\n')
        await client.fence()
        return cls(client)

    async def expect_unharmed(self) -> None:
        """One message makes its way, and PING is answered."""
        await self._client.send(b"PUB witness 5\r\nstill\r\nPING\r\n")
        await self._client.expect(b"MSG witness w 5\r\nstill\r\nPONG\r\n")
