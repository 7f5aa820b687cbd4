"""The misfortunes of a scenario: what each does to the world, and which paths it touches."""

from collections.abc import Callable
from typing import ClassVar, Protocol

from tests.simulation.client import CLIENT_PORT, Client
from tests.simulation.damage import Damage
from tests.simulation.host import Host
from tests.simulation.network import Network
from tests.simulation.scenario import Scenario, Step, Word, amount_of, number_of
from tests.simulation.server import ROUTE_PORT, Server
from tests.simulation.stranger import INTRODUCTION, LONGEST_VISIT, SAYINGS, Stranger


class Victims(Protocol):
    """What misfortunes happen to."""

    network: Network
    damage: Damage
    servers: list[Server]
    clients: dict[int, Client]
    scenario: Scenario


class Faults:
    """Obeys the steps that are misfortunes, and takes their effects back.

    A delay is none for the ledger of damage: a path that is slow to answer must lose nothing.
    The same holds for a machine that takes no new routes.
    """

    def __init__(self, victims: Victims) -> None:
        self._victims = victims
        self._network = victims.network
        self.counts: dict[str, int] = {}
        """How often each had an effect."""

    def obey(self, step: Step) -> None:
        """Let it happen, if there is something it can happen to."""
        if self._OBEY[step.verb](self, *step.words):
            self.counts[step.verb] = self.counts.get(step.verb, 0) + 1

    def mend(self) -> None:
        """Take all effects back: every server runs, every path is open and quick."""
        for server in self._victims.servers:
            server.host.clock.thaw()
            if not server.running or server.stopping:
                self._start(server.number)
            server.listen()
        self._network.mend()
        self._network.calm()

    # --- servers -------------------------------------------------------------------

    def _server(self, number: Word) -> Server:
        servers = self._victims.servers
        return servers[number_of(number) % len(servers)]

    def _touch(self, server: Server) -> None:
        self._victims.damage.touch(server.host, self._network.now())

    def _power(self, number: Word) -> bool:
        server = self._server(number)
        if not server.running:
            return False
        self._touch(server)
        self._note(server, "loses power")
        server.power_off()
        return True

    def _kill(self, number: Word) -> bool:
        server = self._server(number)
        if not server.running:
            return False
        self._touch(server)
        self._note(server, "is killed")
        server.kill()
        return True

    def _stop(self, number: Word) -> bool:
        server = self._server(number)
        if not server.running or server.stopping or server.host.clock.frozen:
            return False
        self._touch(server)
        self._note(server, "is told to stop")
        server.stop()
        return True

    def _start(self, number: Word) -> bool:
        server = self._server(number)
        if server.running and not server.stopping:
            return False
        self._touch(server)
        if server.running:
            server.kill()
        server.start()
        return True

    def _freeze(self, number: Word, seconds: Word) -> bool:
        server = self._server(number)
        if not server.running or server.host.clock.frozen:
            return False
        damage, host, clock = self._victims.damage, server.host, server.host.clock
        damage.freeze(host, self._network.now())
        self._note(server, f"freezes for {seconds} s")
        clock.freeze()

        def thaw() -> None:
            damage.thaw(host)
            clock.thaw()

        self._network.clock.call_later(amount_of(seconds), thaw)
        return True

    def _deaf(self, number: Word, seconds: Word) -> bool:
        server = self._server(number)
        acceptor = server.host.listeners.pop(ROUTE_PORT, None)
        if acceptor is None:
            return False
        self._note(server, f"takes no routes for {seconds} s")
        broker = server.broker

        def listen_again() -> None:
            if server.broker is broker:
                server.listen()

        self._network.clock.call_later(amount_of(seconds), listen_again)
        return True

    # --- paths between servers -----------------------------------------------------

    def _two(self, one: Word, other: Word) -> tuple[Server, Server]:
        return self._server(one), self._server(other)

    def _touch_pair(self, one: Host, other: Host) -> None:
        self._victims.damage.touch_pair(one, other, self._network.now())

    def _split(self, direction: Word, *side: Word) -> bool:
        apart = {self._server(number).number for number in side}
        if len(apart) == len(self._victims.servers):
            return False
        self._network.trace.note("network", f"cuts {direction} of {sorted(apart)}")
        for one in self._victims.servers:
            for other in self._victims.servers:
                if one.number in apart and other.number not in apart:
                    self._touch_pair(one.host, other.host)
                    if direction != "in":
                        self._network.cut(one.host, other.host)
                    if direction != "out":
                        self._network.cut(other.host, one.host)
        return True

    def _heal(self) -> bool:
        self._network.trace.note("network", "is whole again")
        self._network.mend()
        return True

    def _reset(self, one: Word, other: Word) -> bool:
        here, there = self._two(one, other)
        links = self._network.between(here.host, there.host)
        if links:
            self._touch_pair(here.host, there.host)
            self._note(here, f"finds its links to {there.name} reset")
        for link in links:
            link.reset()
        return bool(links)

    def _slow(self, one: Word, other: Word, rate: Word) -> bool:
        here, there = self._two(one, other)
        self._touch_pair(here.host, there.host)
        self._note(here, f"has {rate} B/s with {there.name}")
        for path in (self._network.path(here.host, there.host), self._network.path(there.host, here.host)):
            path.rate = amount_of(rate)
        return here is not there

    def _delay(self, one: Word, other: Word, seconds: Word) -> bool:
        here, there = self._two(one, other)
        self._note(here, f"is {seconds} s away from {there.name}")
        for path in (self._network.path(here.host, there.host), self._network.path(there.host, here.host)):
            path.latency = amount_of(seconds)
        return here is not there

    # --- clients ---------------------------------------------------------------------

    def _lose(self, number: Word, seconds: Word) -> bool:
        """A client loses contact with its server."""
        client = self._victims.clients.get(number_of(number))
        if client is None or client.session is None:
            return False
        server = client.server
        self._touch_pair(client.host, server)
        client.note(f"loses contact with {server.name} for {seconds} s")
        there, back = self._network.path(client.host, server), self._network.path(server, client.host)
        there.open = back.open = False

        def regain() -> None:
            there.open = back.open = True
            self._network.send_again()

        self._network.clock.call_later(amount_of(seconds), regain)
        return True

    def _stranger(self, number: Word, port: Word, saying: Word, seconds: Word) -> bool:
        """Somebody visits a server. Only where nobody asks for a password could it become a route."""
        server, which = self._server(number), number_of(saying) % len(SAYINGS)
        if which == INTRODUCTION and not self._victims.scenario.guarded:
            which = 0
        name = f"x{len(self._network.hosts)}"
        host = self._network.host(name, f"10.2.0.{len(self._network.hosts)}")
        self._note(server, f"is visited by {name} on the port for {port}: {SAYINGS[which]!r}")
        visitor = Stranger(self._network, host, server.host, ROUTE_PORT if port == "routes" else CLIENT_PORT)
        visitor.come(SAYINGS[which], min(amount_of(seconds), LONGEST_VISIT))
        return True

    def _note(self, server: Server, what: str) -> None:
        self._network.trace.note(server.name, what)

    _OBEY: ClassVar[dict[str, Callable[..., bool]]] = {
        "power": _power,
        "kill": _kill,
        "stop": _stop,
        "start": _start,
        "freeze": _freeze,
        "deaf": _deaf,
        "split": _split,
        "heal": _heal,
        "reset": _reset,
        "slow": _slow,
        "delay": _delay,
        "lose": _lose,
        "stranger": _stranger,
    }
