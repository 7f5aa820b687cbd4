"""The workload: applies the steps of clients."""

from collections.abc import Callable
from typing import ClassVar, Protocol

from tests.simulation.client import SimulatedClient, SubscriptionSpec
from tests.simulation.fault_log import FaultLog
from tests.simulation.network import Network
from tests.simulation.scenario import Argument, Step, amount_of, number_of
from tests.simulation.server import SimulatedServer


class WorkloadContext(Protocol):
    """What the workload uses of the simulation."""

    network: Network
    fault_log: FaultLog
    servers: list[SimulatedServer]
    clients: dict[int, SimulatedClient]

    def client(self, number: int) -> SimulatedClient:
        """The client of a number, made on first use."""
        ...


class Workload:
    """Applies the steps of clients; steps of clients without a connection have no effect."""

    def __init__(self, context: WorkloadContext) -> None:
        self._context = context

    def apply(self, step: Step) -> None:
        """Apply a step."""
        number, *arguments = step.arguments
        assert isinstance(number, int)
        self._ACTIONS[step.action](self, self._context.client(number), *arguments)

    def _arrive(self, client: SimulatedClient, server: Argument) -> None:
        if client.session is None:
            client.arrive(self._context.servers[number_of(server)].host)

    def _move(self, client: SimulatedClient, server: Argument) -> None:
        if client.session is not None:
            client.leave(abrupt=False)
            client.arrive(self._context.servers[number_of(server)].host)

    def _leave(self, client: SimulatedClient, how: Argument) -> None:
        client.leave(abrupt=how == "abort")

    def _subscribe(self, client: SimulatedClient, pattern: Argument, queue: Argument) -> None:
        client.subscribe(SubscriptionSpec(str(pattern), None if queue is None else str(queue)))

    def _unsubscribe(self, client: SimulatedClient, which: Argument) -> None:
        session = client.session
        if session is not None and (subscriptions := session.live_subscriptions()):
            subscription = subscriptions[number_of(which) % len(subscriptions)]
            session.unsubscribe(subscription)
            client.forget(subscription)

    def _limit(self, client: SimulatedClient, which: Argument, count: Argument) -> None:
        """Limit a plain subscription; in a group, other members would receive the rest."""
        session = client.session
        if session is None:
            return
        subscriptions = [i for i in session.live_subscriptions() if i.queue is None and not i.limit_requested]
        if subscriptions:
            subscription = subscriptions[number_of(which) % len(subscriptions)]
            session.limit(subscription, number_of(count))
            client.forget(subscription)

    def _publish(self, client: SimulatedClient, subject: Argument, count: Argument, size: Argument) -> None:
        if client.session is not None:
            client.session.publish(str(subject), number_of(count), number_of(size))

    def _request(self, client: SimulatedClient, subject: Argument) -> None:
        if client.session is not None:
            client.session.request(str(subject))

    def _stall(self, client: SimulatedClient, seconds: Argument) -> None:
        """Stop reading; the server may close the client as a slow consumer."""
        if client.session is not None:
            self._context.fault_log.record_pair(client.host, client.server, self._context.network.now())
            client.session.stall(amount_of(seconds))

    _ACTIONS: ClassVar[dict[str, Callable[..., None]]] = {
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
