"""Names with line ends, blanks and NUL, through every listener: none becomes a line of its own (row A6)."""

import pytest

from tests.integration.conftest import ServerKind
from tests.integration.exchanges import PONG, QUIET
from tests.integration.test_routes import OPEN, join
from tests.support.raw_client import RawClient

pytestmark = pytest.mark.asyncio

CUT = b"cut"
"""The peer is closed with an error, and nobody has heard anything."""

BY_CLIENTS = {
    "LF in a subject": (b"PUB a\nPUB b 2\r\nhi\r\n", CUT),
    "LF in a reply": (b"PUB a r\nPUB b 2\r\nhi\r\n", CUT),
    "LF in a pattern": (b"SUB a\nSUB b 1\r\n", CUT),
    "LF in a group": (b"SUB a q r\nx 1\r\n", CUT),
    "CR LF in a subject": (b"PUB a\r\nPUB b 2\r\nhi\r\n", CUT),
    "CR LF in a reply": (b"PUB a r\r\nPUB b 2\r\nhi\r\n", CUT),
    "a CR is a blank": (b"PUB a\rb 2\r\nhi\r\n", b"MSG a 1 b 2\r\nhi\r\n"),
    "CR in a reply": (b"PUB a r\rb 2\r\nhi\r\n", CUT),
    "CR in a group": (b"SUB a q\rb 1\r\n", CUT),
    "blank in a reply": (b"PUB a r b 2\r\nhi\r\n", CUT),
    "blank in a group": (b"SUB a q b 1\r\n", CUT),
    "tab in a group": (b"SUB a q\tb 1\r\n", CUT),
    "NUL is a letter": (b"PUB a\0b r\0s 2\r\nhi\r\n", b"MSG a\0b 1 r\0s 2\r\nhi\r\n"),
    "NUL in a group": (b"SUB a\0b q\0r 1\r\nPUB c 0\r\n\r\n", b"MSG c 1 0\r\n\r\n"),
}

BY_SERVERS = {
    "LF in a subject": (b"MSG a\nMSG b RSID:2:1 2\r\nhi\r\n", CUT),
    "CR LF in a reply": (b"MSG a RSID:2:1 r\r\nMSG b RSID:2:1 2\r\nhi\r\n", CUT),
    "a CR is a blank": (b"MSG a RSID:%d:1\rb 2\r\nhi\r\n", b"MSG a 1 b 2\r\nhi\r\n"),
    "blank in a reply": (b"MSG a RSID:%d:1 r b 2\r\nhi\r\n", CUT),
    "NUL is a letter": (b"MSG a\0b RSID:%d:1 r\0s 2\r\nhi\r\n", b"MSG a\0b 1 r\0s 2\r\nhi\r\n"),
}


async def _expect_spread(peer: RawClient, witness: RawClient, sent: bytes, heard: bytes) -> None:
    """The peer sends this; the witness hears that, and nothing else."""
    await peer.send(sent)
    if heard is CUT:
        await peer.expect_cut()
    else:
        await peer.fence()
    await witness.send(b"PING\r\n")
    await witness.expect((b"" if heard is CUT else heard) + PONG)


@pytest.mark.every_listener
@pytest.mark.parametrize("case", BY_CLIENTS)
async def test_from_a_client(broker: ServerKind, case: str) -> None:
    """A name ends at a blank, a line at its end; what is left over is an error, and reaches nobody."""
    sent, heard = BY_CLIENTS[case]
    async with broker() as server:
        witness, client = await server.connect(), await server.connect()
        await witness.send(QUIET + b"SUB > 1\r\n")
        await witness.fence()
        await client.send(QUIET)

        await _expect_spread(client, witness, sent, heard)


@pytest.mark.parametrize("case", BY_SERVERS)
async def test_from_a_server(broker: ServerKind, case: str) -> None:
    """A peer on the route port is held to the same."""
    sent, heard = BY_SERVERS[case]
    async with broker(**OPEN) as server:
        witness = await server.connect()
        await witness.send(QUIET + b"SUB > 1\r\n")
        await witness.fence()
        (cid,) = server.broker.sessions
        peer = await join(server)

        await _expect_spread(peer, witness, sent % cid if b"%d" in sent else sent, heard)


@pytest.mark.parametrize("case", BY_CLIENTS)
async def test_to_a_server(broker: ServerKind, case: str) -> None:
    """Nothing of it becomes a line on a route."""
    sent, heard = BY_CLIENTS[case]
    async with broker(**OPEN) as server:
        peer = await join(server)
        await peer.send(b"SUB > RSID:1:1\r\n")
        await peer.fence()
        client = await server.connect()

        await client.send(QUIET + sent)
        if heard is CUT:
            await client.expect_cut()
        else:
            await client.fence()
        await peer.send(b"PING\r\n")
        lines = []
        while (line := await peer.line()) != PONG:
            lines.append(line)

        routed = b"".join(line for line in lines if not line.startswith((b"SUB ", b"UNSUB ")))
        assert (b"" if heard is CUT else heard.replace(b" 1 ", b" RSID:1:1 ", 1)) == routed
