"""What clients do in a scenario."""

from collections.abc import Callable
from typing import ClassVar, Protocol

from tests.simulation.client import Client, Wish
from tests.simulation.damage import Damage
from tests.simulation.network import Network
from tests.simulation.scenario import Step, Word, amount_of, number_of
from tests.simulation.server import Server


class Stage(Protocol):
    """Where clients act."""

    network: Network
    damage: Damage
    servers: list[Server]
    clients: dict[int, Client]

    def client(self, number: int) -> Client:
        """The client of a number, made when it is first named."""
        ...


class Traffic:
    """Obeys the steps of clients; one that is not connected does nothing."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def obey(self, step: Step) -> None:
        """Let a client do it."""
        number, *words = step.words
        assert isinstance(number, int)
        self._OBEY[step.verb](self, self._stage.client(number), *words)

    def _arrive(self, client: Client, server: Word) -> None:
        if client.session is None:
            client.arrive(self._stage.servers[number_of(server)].host)

    def _move(self, client: Client, server: Word) -> None:
        if client.session is not None:
            client.leave(abrupt=False)
            client.arrive(self._stage.servers[number_of(server)].host)

    def _leave(self, client: Client, how: Word) -> None:
        client.leave(abrupt=how == "abort")

    def _subscribe(self, client: Client, pattern: Word, queue: Word) -> None:
        client.subscribe(Wish(str(pattern), None if queue is None else str(queue)))

    def _unsubscribe(self, client: Client, which: Word) -> None:
        session = client.session
        if session is not None and (interests := session.live_interests()):
            interest = interests[number_of(which) % len(interests)]
            session.unsubscribe(interest)
            client.forget(interest)

    def _limit(self, client: Client, which: Word, count: Word) -> None:
        """Only of plain subscriptions: of a group, others may take the rest."""
        session = client.session
        if session is None:
            return
        interests = [i for i in session.live_interests() if i.queue is None and not i.limit_asked]
        if interests:
            interest = interests[number_of(which) % len(interests)]
            session.limit(interest, number_of(count))
            client.forget(interest)

    def _publish(self, client: Client, subject: Word, count: Word, size: Word) -> None:
        if client.session is not None:
            client.session.publish(str(subject), number_of(count), number_of(size))

    def _request(self, client: Client, subject: Word) -> None:
        if client.session is not None:
            client.session.request(str(subject))

    def _stall(self, client: Client, seconds: Word) -> None:
        """Read nothing; the server may cut it as a slow consumer."""
        if client.session is not None:
            self._stage.damage.touch_pair(client.host, client.server, self._stage.network.now())
            client.session.stall(amount_of(seconds))

    _OBEY: ClassVar[dict[str, Callable[..., None]]] = {
        "arrive": _arrive,
        "move": _move,
        "leave": _leave,
        "sub": _subscribe,
        "unsub": _unsubscribe,
        "limit": _limit,
        "pub": _publish,
        "req": _request,
        "stall": _stall,
    }
