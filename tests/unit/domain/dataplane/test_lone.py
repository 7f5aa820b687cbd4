"""Lone messages for the server itself."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.dataplane import choose
from app.domain.dataplane.lone import LONGEST_LONE, MOST_TOUCHED
from app.domain.dataplane.seam import MakePlane
from tests.fakes.data_plane import Stage, Station

BLOCK = b"NATS/1.0\r\nK: v\r\n\r\n"


class Server:
    """The server's own connection, which listens to `a`, and what was taken from it."""

    def __init__(self, stage: Stage) -> None:
        self.plane = stage.plane
        self.station = stage.station()
        self.station.outbox.headers = True
        self.plane.server = self.station.outbox
        self.plane.lone = {b"7": self.take}
        self.taken: list[tuple[bytes, bytes, bytes, bytes]] = []
        self.wants = True
        stage.subscribe(b"a", self.station.target(b"7"))
        stage.subscribe(b"b", self.station.target(b"8"))

    def take(self, subject: bytes, headers: bytes, payload: bytes, reply: bytes) -> bool:
        """Take a message, if that is wanted, and answer it."""
        if self.wants:
            self.taken.append((subject, headers, payload, reply))
            self.plane.answer(reply, b"{", 1)
        return self.wants

    def read(self, client: Station, data: bytes) -> bytes:
        """Let the client send this in one read; what is written to the server then."""
        client.feed(data)
        self.plane.finish()
        return self.station.wire.heard()


@pytest.fixture(name="server")
def _server(stage: Stage) -> Server:
    return Server(stage)


def test_it_is_taken_at_the_end_of_the_read(stage: Stage, server: Server) -> None:
    """Nothing is written to the server, and the answer goes out with the same flush."""
    client = stage.station()
    client.inlet.headers = True
    stage.subscribe(b"r", client.target())

    assert server.read(client, b"PUB a r 2\r\nhi\r\n") == b""
    assert client.wire.heard() == b"MSG r 1 3\r\n{1}\r\n"
    assert server.read(client, b"HPUB a %d %d\r\n%bx\r\n" % (len(BLOCK), len(BLOCK) + 1, BLOCK)) == b""
    assert server.taken == [(b"a", b"", b"hi", b"r"), (b"a", BLOCK, b"x", b"")]
    assert server.station.outbox.pending() == 0
    assert stage.plane.out_msgs == 3


def test_what_is_not_taken_is_written(stage: Stage, server: Server) -> None:
    """To the byte, with the same flush; and what comes after it."""
    client = stage.station()
    server.wants = False

    assert server.read(client, b"PUB a r 2\r\nhi\r\n") == b"MSG a 7 r 2\r\nhi\r\n"
    assert server.read(client, b"PUB a 0\r\n\r\n") == b"MSG a 7 0\r\n\r\n"
    server.wants = True
    assert server.read(client, b"PUB a 0\r\n\r\n") == b""
    assert len(server.taken) == 1


@pytest.mark.parametrize(
    "data",
    [
        b"PUB a 0\r\n\r\nPUB a 0\r\n\r\n",
        b"PUB b 0\r\n\r\n",
        b"PUB a 0\r\n\r\n".replace(b"a 0", b"a b.$FI 0"),
        b"PUB a %d\r\n%b\r\n" % (LONGEST_LONE, bytes(LONGEST_LONE)),
        b"PUB a 20000\r\n%b\r\n" % bytes(20_000),
        b"",
    ],
    ids=["several", "another", "batched", "large", "referenced", "nothing"],
)
def test_all_else_goes_the_other_way(stage: Stage, server: Server, data: bytes) -> None:
    """Several messages, one that nobody takes, and large ones."""
    client = stage.station()

    assert server.read(client, data) == data.replace(b"PUB a", b"MSG a 7").replace(b"PUB b", b"MSG b 8")
    assert server.taken == []


def test_acks_go_the_other_way(stage: Stage, server: Server) -> None:
    """They are read in a row."""
    stage.subscribe(b"$JS.ACK.S.C.1.1.1.1.0", server.station.target(b"7"))

    assert server.read(stage.station(), b"PUB $JS.ACK.S.C.1.1.1.1.0 4\r\n+ACK\r\n")
    assert server.taken == []


def test_while_others_wait_it_waits(stage: Stage, server: Server) -> None:
    """Nobody takes any then; nor where there is no server, or it is closed."""
    client = stage.station()
    stage.plane.lone = None
    assert server.read(client, b"PUB a 0\r\n\r\n")
    stage.plane.lone = {b"7": server.take}
    server.station.outbox.closed = True
    assert not server.read(client, b"PUB a 0\r\n\r\n")
    stage.plane.server = None
    server.station.outbox.closed = False

    assert server.read(client, b"PUB a 0\r\n\r\n")
    assert server.taken == []


def test_a_publisher_that_is_held(stage: Stage, server: Server) -> None:
    """Its message waits in the outbox that held it."""
    client = stage.station()
    server.station.outbox.alarm = 1
    server.station.owner.decide = lambda: True

    assert server.read(client, b"PUB a 0\r\n\r\n")
    assert server.taken == []


def test_other_receivers(stage: Stage, server: Server) -> None:
    """A few get their copy with the same flush; where many do, the server gets its own as well."""
    client, others = stage.station(), [stage.station() for _ in range(MOST_TOUCHED)]
    own = server.station.target(b"7")
    stage.subscribe(b"a", others[0].target(), own, others[1].target())
    assert server.read(client, b"PUB a 0\r\n\r\n") == b""
    assert [b"MSG a 1 0\r\n\r\n"] * 2 == [each.wire.heard() for each in others[:2]]
    stage.subscribe(b"a", own, *[each.target() for each in others])

    assert server.read(client, b"PUB a 0\r\n\r\n")
    assert [b"MSG a 1 0\r\n\r\n"] * MOST_TOUCHED == [each.wire.heard() for each in others]
    assert len(server.taken) == 1


def test_one_that_fails_is_gone(stage: Stage, server: Server) -> None:
    """What taking it raises ends the read, and it is not handed over a second time."""

    def fail(*_message: bytes) -> bool:
        raise KeyError

    stage.plane.lone = {b"7": fail}
    client = stage.station()
    client.feed(b"PUB a 0\r\n\r\n")
    with pytest.raises(KeyError):
        stage.plane.finish()

    assert server.station.heard() == b""


@given(
    messages=st.lists(
        st.tuples(st.sampled_from([b"a", b"b", b"c"]), st.sampled_from([b"", b" r", b" a"])), max_size=2
    ),
    size=st.sampled_from([0, 5, LONGEST_LONE - 20, LONGEST_LONE]),
    headed=st.booleans(),
    wants=st.booleans(),
)
def test_twins_take_the_same(
    make_plane: MakePlane, messages: list[tuple[bytes, bytes]], size: int, *, headed: bool, wants: bool
) -> None:
    """And write the same."""
    found = []
    for make in (make_plane, choose("python")[1]):
        stage = Stage(make)
        server, client = Server(stage), stage.station()
        client.inlet.headers, server.wants = True, wants
        stage.subscribe(b"r", client.target())
        block = BLOCK if headed else b""
        head = b"%d " % len(block) if headed else b""
        data = b"".join(
            b"%bPUB %b%b %b%d\r\n%b%b\r\n"
            % (b"H" if headed else b"", subject, reply, head, len(block) + size, block, bytes(size))
            for subject, reply in messages
        )
        written = [server.read(client, data), server.read(client, data)]
        outbox = server.station.outbox
        found.append((written, client.wire.heard(), server.taken, stage.plane.out_msgs, outbox.pending()))

    assert found[0] == found[1]
