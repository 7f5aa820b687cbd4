"""Headers, and requests to nobody, between real servers: of ours, and with one of gnatsd among them."""

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from app.domain.dataplane import PYTHON
from tests.support.cluster_processes import CLOSED, REGISTERED, ClusterProcess
from tests.support.gnatsd import running_gnatsd
from tests.support.headers_client import PLAIN, Delivery, HeadersClient, published, until
from tests.support.server_process import START_SECONDS
from tests.support.twins import twins

CURRENT = ("--compatibility", "current")
ROUNDS, BATCH = 20, 100
"""Each publisher sends this many batches of this many messages."""

LARGE = 100_000
"""Bytes of the last message of a batch."""


class Mesh:
    """Two servers of ours, one on each twin, and one of gnatsd at times; all know each other."""

    def __init__(self, stack: ExitStack, seed: tuple[int, int] | None) -> None:
        """`seed` has the ports of gnatsd, for clients and for routes."""
        self._stack = stack
        self.ours: list[ClusterProcess] = []
        for twin in (twins()[-1], PYTHON):
            first = self.ours[0].route_port if self.ours else None
            self.ours.append(self._start(twin, seed[1] if seed else first))
        others = len(self.ours) - 1 + (seed is not None)
        for server in self.ours:
            server.wait_for(REGISTERED, START_SECONDS, count=others)
        self.ports = [server.port for server in self.ours] + ([seed[0]] if seed else [])
        """For clients: those of our servers, and then that of gnatsd."""

    def _start(self, twin: str, seed: int | None) -> ClusterProcess:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("DATA_PLANE", twin)
            server = ClusterProcess(*CURRENT, seed=seed)
        return self._stack.enter_context(server)

    def client(self, number: int, *lines: bytes, connect: bytes | None = None) -> HeadersClient:
        """A client of a server; it takes headers from ours, if `connect` does not say otherwise."""
        is_ours = number < len(self.ours)
        client = HeadersClient(self.ports[number], *lines, **_options(connect, is_ours=is_ours))
        return self._stack.enter_context(client)

    def expect_nothing_closed(self) -> None:
        """No server of ours has closed a route, or was sent away."""
        assert not [server.log for server in self.ours if CLOSED in server.log]


def _options(connect: bytes | None, *, is_ours: bool) -> dict[str, bytes]:
    if connect is not None:
        return {"connect": connect}
    return {} if is_ours else {"connect": PLAIN}


@pytest.fixture(name="gnatsd")
def _gnatsd() -> Iterator[tuple[int, int]]:
    """The ports of a gnatsd: for clients, and for routes."""
    with running_gnatsd() as ports:
        yield ports


@pytest.fixture(name="pair")
def _pair() -> Iterator[Mesh]:
    """Two servers of ours."""
    with ExitStack() as stack:
        yield Mesh(stack, None)


@pytest.fixture(name="mixed")
def _mixed(gnatsd: tuple[int, int]) -> Iterator[Mesh]:
    """Two servers of ours, and one of gnatsd."""
    with ExitStack() as stack:
        yield Mesh(stack, gnatsd)


def block_of(origin: int, number: int) -> bytes:
    """The headers of a message; those of gnatsd's clients have none."""
    return b"NATS/1.0\r\nOrigin: %d\r\nNumber: %05d\r\n\r\n" % (origin, number)


def payload_of(origin: int, number: int) -> bytes:
    """The payload of a message; the last one of a batch is large."""
    return b"%d %05d" % (origin, number) + (b"x" * LARGE if (number + 1) % BATCH == 0 else b"")


class Traffic:
    """Publishers and receivers at all servers of a mesh; each server also has a member of one group."""

    def __init__(self, mesh: Mesh) -> None:
        self._mesh = mesh
        sizes = range(len(mesh.ports))
        self.able = [mesh.client(number, b"SUB t 1\r\nSUB t q 2\r\n") for number in sizes]
        """They take headers, but for those at gnatsd."""
        self.plain = [mesh.client(number, b"SUB t 1\r\n", connect=PLAIN) for number in sizes]
        self.publishers = [mesh.client(number) for number in sizes]
        self._await_interest()

    def _await_interest(self) -> None:
        """Wait until each server knows all subscriptions: those that come last are known last."""
        receivers = [*self.able, *self.plain]
        for number, receiver in enumerate(receivers):
            for publisher in self.publishers:
                subject = b"ready.%d" % number
                receiver.ask(b"SUB %b 3\r\n" % subject)
                until(lambda: self._arrives(publisher, receiver, subject))  # noqa: B023 - called at once
                receiver.ask(b"UNSUB 3\r\n")
                until(lambda: not self._arrives(publisher, receiver, subject))  # noqa: B023 - called at once

    @staticmethod
    def _arrives(publisher: HeadersClient, receiver: HeadersClient, subject: bytes) -> bool:
        publisher.ask(published(subject, b"?"))
        return bool(receiver.take())

    def play(self) -> None:
        """Publish everything, in equal shares at all servers; read meanwhile, so that nobody is slow."""
        for round_ in range(ROUNDS):
            for origin, publisher in enumerate(self.publishers):
                numbers = range(round_ * BATCH, (round_ + 1) * BATCH)
                publisher.ask(*(self._message(origin, number) for number in numbers))
            for receiver in (*self.able, *self.plain):
                receiver.ask()

    def _message(self, origin: int, number: int) -> bytes:
        block = block_of(origin, number) if origin < len(self._mesh.ours) else b""
        return published(b"t", payload_of(origin, number), block, b"re")

    def expected(self, *, headers: bool) -> list[Delivery]:
        """What a receiver gets in all; those of each origin are in order."""
        return [
            Delivery(
                b"t",
                b"1",
                b"re",
                block_of(origin, number) if headers and origin < len(self._mesh.ours) else b"",
                payload_of(origin, number),
            )
            for origin in range(len(self.publishers))
            for number in range(ROUNDS * BATCH)
        ]

    def await_all(self) -> None:
        """Wait until the last message has come; what comes twice has come by then too."""
        total = len(self.publishers) * ROUNDS * BATCH

        def all_came() -> bool:
            for receiver in (*self.able, *self.plain):
                receiver.ask()
            members = sum(one.sid == b"2" for receiver in self.able for one in receiver.received)
            return members >= total and all(
                sum(one.sid == b"1" for one in receiver.received) >= total
                for receiver in (*self.able, *self.plain)
            )

        until(all_came)


def in_order(deliveries: list[Delivery], sid: bytes) -> list[Delivery]:
    """Those of a subscription, sorted by origin, each origin's in the order in which they came."""
    return sorted((one for one in deliveries if one.sid == sid), key=lambda one: one.payload[:1])


def expect_headers(mesh: Mesh) -> None:
    """All receivers get all messages; the headers whole, or not at all."""
    traffic = Traffic(mesh)

    traffic.play()
    traffic.await_all()

    with_headers, without = traffic.expected(headers=True), traffic.expected(headers=False)
    members = Counter[bytes]()
    for number, (able, plain) in enumerate(zip(traffic.able, traffic.plain, strict=True)):
        right = with_headers if number < len(mesh.ours) else without
        received = able.take()
        assert right == in_order(received, b"1")
        assert without == in_order(plain.take(), b"1")
        drawn = [one._replace(sid=b"1") for one in in_order(received, b"2")]
        assert drawn
        assert set(drawn) <= set(right)
        members.update(one.payload for one in drawn)
    assert Counter(one.payload for one in without) == members
    mesh.expect_nothing_closed()


@pytest.mark.timeout(180)  # some thousand messages through six processes on a busy machine
def test_headers_between_servers_of_ours(pair: Mesh) -> None:
    """Headers travel both ways, to plain receivers and group members, and are cut off for clients without."""
    expect_headers(pair)


@pytest.mark.timeout(180)
def test_headers_with_gnatsd_in_the_mesh(mixed: Mesh) -> None:
    """Headers travel between ours, and gnatsd gets the payload alone; nothing is lost, and nothing closed."""
    expect_headers(mixed)


def request(client: HeadersClient, subject: bytes) -> list[Delivery]:
    """Send a request, and return what has come for it by the time the server has obeyed."""
    client.ask(published(subject, b"?", reply=b"_R.1"))
    return client.take()


def nobody(subject: bytes) -> Delivery:
    """The answer to a request that nobody serves."""
    return Delivery(b"_R.1", b"1", b"", b"NATS/1.0 503\r\nNats-Subject: %b\r\n\r\n" % subject, b"")


def expect_no_responders(mesh: Mesh, home: int, subscription: bytes) -> None:
    """A requester at the first server gets 503 whenever the responder at the server `home` is away."""
    requester = mesh.client(0, b"SUB _R.* 1\r\n")
    assert [nobody(b"svc")] == request(requester, b"svc")

    responder = mesh.client(home, subscription)
    until(lambda: not request(requester, b"svc"))
    until(lambda: bool(responder.take()))
    responder.ask(published(b"_R.2", b"yes"))
    until(lambda: b"yes" in [one.payload for one in requester.take()])
    for _ in range(20):
        assert not request(requester, b"svc")

    responder.ask(b"UNSUB 1\r\n")
    until(lambda: bool(request(requester, b"svc")))
    assert [nobody(b"svc")] == request(requester, b"svc")
    mesh.expect_nothing_closed()


@pytest.mark.parametrize("subscription", [b"SUB svc 1\r\n", b"SUB svc q 1\r\n", b"SUB > q 1\r\n"])
def test_a_responder_at_another_server(pair: Mesh, subscription: bytes) -> None:
    """A request is answered at once with 503 only as long as no server has a responder."""
    expect_no_responders(pair, 1, subscription)


def test_a_responder_at_gnatsd(mixed: Mesh) -> None:
    """Interest of gnatsd's clients is interest, too."""
    expect_no_responders(mixed, 2, b"SUB svc q 1\r\n")


def test_the_server_of_the_responder_ends(pair: Mesh) -> None:
    """When a server is gone with its responders, requests to them get 503."""
    requester = pair.client(0, b"SUB _R.* 1\r\n")
    pair.client(1, b"SUB svc 1\r\n")
    until(lambda: not request(requester, b"svc"))

    pair.ours[1].kill()

    until(lambda: bool(request(requester, b"svc")))
    assert [nobody(b"svc")] == request(requester, b"svc")
