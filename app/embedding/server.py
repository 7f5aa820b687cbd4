"""A server in the event loop of the program that embeds it (ADR 0045)."""

import asyncio
import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import cached_property, partial
from typing import Self, Unpack

from ..adapters.faults.faults import Faults
from ..adapters.faults.local_tap import local_tap
from ..adapters.logs.destinations import LogDestinationError
from ..adapters.logs.recent_lines import RecentLines
from ..adapters.logs.setup import open_event_log
from ..adapters.monitoring.context import MonitoringContext, MonitorSettings, WallTime
from ..adapters.net_asyncio.tls_context import TlsError
from ..adapters.process.event_loop import to_its_end
from ..config.errors import ConfigError
from ..config.load import Loaded
from ..config.options import Options
from ..config.reloading import ReloadPlan
from ..domain.address import is_wildcard, joined
from ..domain.dataplane import AUTO, DataPlaneUnavailable
from ..domain.sessions.local_client import LocalClient
from ..entrypoints.container import Container
from ..entrypoints.events import ConfigurationQuestioned, StartFailed
from ..entrypoints.monitor_settings import monitor_settings
from ..entrypoints.reload import Reloader
from ..entrypoints.service import Addresses, CannotStart, Service
from ..entrypoints.settings import lame_duck_terms, log_settings
from ..entrypoints.streams import open_storage
from ..ports.authenticator import AuthError
from ..ports.clock import Clock
from ..ports.event_log import EventLog
from ..ports.hooks import Hooks, HooksError
from .client import Client
from .clock import ManualClock
from .configuration import LOOPBACK, RequestedOptions
from .loops import asyncio_loop
from .ports import at_ports, same_ports
from .views import ConnzQueryKeys, Page, Views

WAIT_SECONDS = 30.0
"""How long `wait_for` waits, unless it is called with another time."""

_REASONS = (AuthError, ConfigError, DataPlaneUnavailable, HooksError, LogDestinationError, TlsError)
"""Why a server cannot start, before it opens anything."""

_CHECK_SECONDS = 0.002
_END_STEP = 0.02
"""Virtual seconds that pass for a stopping server in as many real ones."""


class Server:
    """A server on loopback, at a free port; start it with ``async with``, or with `start` and `stop`.

        async with pynatsd.Server() as server:
            client = await nats.connect(server.url)

    It may be started again after `stop`, and has the same ports then, so that clients reconnect. All
    methods belong to the loop that has started it.
    """

    def __init__(  # noqa: PLR0913 - by name, and all have a default
        self,
        config: Mapping[str, object] | None = None,
        *,
        config_file: str | os.PathLike[str] = "",
        data_plane: str = AUTO,
        clock: Clock | None = None,
        debug_log: bool = False,
        record: bool = False,
        hooks: Hooks | Mapping[str, object] | None = None,
        **keys: object,
    ) -> None:
        """Configure it: nothing is opened, and nothing is checked, before `start`.

        `config` has the keys of the configuration file, nested, `config_file` is the path of one, and
        `keys` are keys of the top level; they win over `config`, which wins over the file. Port 0 and
        -1 mean any free port; sizes and times may be texts. `jetstream=True` keeps all streams in memory,
        `jetstream={"store_dir": …}` in files. `data_plane` is ``native``, ``python`` or
        ``auto``. With a `clock` such as `pynatsd.testing.ManualClock` time passes as that says.
        `debug_log` adds lines about each connection to `log`; `record` keeps what is said on each link,
        for `conversation`. `hooks` see what clients do, and decide; a mapping is that key of the file.
        """
        if not isinstance(config, Mapping | None):
            raise TypeError(f"config is a mapping, not {config!r}; the path of a file is config_file=")
        if isinstance(hooks, Mapping):
            keys["hooks"], hooks = hooks, None
        if not isinstance(hooks, Hooks | None):
            raise TypeError(f"hooks is an object of a class that extends pynatsd.Hooks, not {hooks!r}")
        self._asked = RequestedOptions(config or {}, keys, os.fspath(config_file))
        self._hooks = hooks
        self._data_plane = data_plane
        self._clock = clock
        self._debug_log = debug_log
        self._running: _Running | None = None
        self._turn: tuple[asyncio.AbstractEventLoop, asyncio.Lock] | None = None
        """Of starting and stopping, one after the other, with the loop that it belongs to."""
        self._ports: dict[str, int] = {}
        """Of the first start, by option."""
        self._log = RecentLines()
        self.faults = Faults(record=record)
        """What goes wrong with the traffic, on command."""

    # --- starting and stopping -------------------------------------------------------

    async def start(self) -> Self:
        """Serve. Without effect on a server that runs. Raises `CannotStart`, which says why.

        Raises `RuntimeError` on a server that runs in another event loop.
        """
        async with self._own_turn():
            if self._running is None:
                await self._start()
        return self

    async def _start(self) -> None:
        try:
            options, notices = self._asked.options()
            running = self._prepare(at_ports(options, self._ports), options)
            for notice in notices:
                running.container.event_log().record(ConfigurationQuestioned(None, str(notice)))
            self.faults.bind(running.service.broker, running.container.clock())
            await running.start()
        except BaseException as error:
            self.faults.bind(None, None)
            if isinstance(error, _REASONS):
                raise CannotStart(StartFailed(None, str(error))) from error
            raise
        self._running = running
        self._ports = running.ports()

    def _own_turn(self) -> asyncio.Lock:
        """To be held by who starts or stops it."""
        loop = asyncio_loop("pynatsd.Server", "use pynatsd.ThreadedServer, also under trio")
        if self._turn is None or self._turn[0] is not loop:
            if self._running is not None and self._running.loop.is_closed():
                raise RuntimeError(
                    "the server's event loop has ended before its stop(): create another server"
                )
            if self._running is not None:
                raise RuntimeError("the server runs in another event loop: start and stop it there")
            self._turn = loop, asyncio.Lock()
        return self._turn[1]

    def _prepare(self, options: Options, given: Options) -> "_Running":
        """`given` are the same, with ports as they were asked for."""
        container = _Container(options, self._data_plane, self._asked.config_file)
        container.debug_log = self._debug_log
        self._log = container.recent = RecentLines(
            container.open_log(options), debug=options.debug or self._debug_log, trace=options.trace
        )
        container.use("log", self._log)
        container.use("taps", (self.faults.layer,))
        container.use("open_storage", partial(open_storage, wrap=self.faults.disk_faults.files))
        if options.stores_streams and options.streams_dir is None:
            container.use("streams_in_memory", True)  # noqa: FBT003 - the part itself
        if self._clock is not None:
            container.use("clock", self._clock)
        if self._hooks is not None:
            container.use("hooks", self._hooks)
        if isinstance(self._clock, ManualClock):
            self._clock.join()
        return _Running(container, self._asked, given)

    async def stop(self) -> None:
        """Accept no more, send what is pending, and end. Without effect on a server that does not run.

        A cancellation of the caller is raised after that; `RuntimeError` in another event loop.
        """
        await to_its_end(self._stop(self._own_turn()))

    async def _stop(self, turn: asyncio.Lock) -> None:
        async with turn:
            running, self._running = self._running, None
            if running is not None:
                self.faults.let_go()
                try:
                    await running.stop(self._clock)
                finally:
                    self.faults.bind(None, None)

    async def reload(self, config: Mapping[str, object] | None = None, **keys: object) -> list[str]:
        """Let another configuration be in force, all of it or nothing; return what has changed, in words.

        The file is read again. `config` replaces the earlier one if it is given, and `keys` those with the
        same names. Raises `ReloadRefused`, which says why nothing has changed, and `RuntimeError` on a
        server that does not run, or runs in another event loop.
        """
        self._own_turn()
        running, old = self._live, self._asked
        asked = RequestedOptions(
            old.config if config is None else config, {**old.keywords, **keys}, old.config_file
        )
        plan = await running.reload(asked)
        self._asked = asked
        return [change.text for change in plan.changes]

    async def lame_duck(self, *, duration: float | None = None, grace: float | None = None) -> None:
        """Send the clients to the other servers, one after the other, and stop.

        It takes `duration` seconds at most, in the first `grace` of which all clients may stay; those of
        the configuration by default. `stop` ends it early. Without effect on a server that does not run.
        Raises `RuntimeError` on a server that runs in another event loop.
        """
        self._own_turn()
        running = self._running
        if running is None:
            return
        terms = lame_duck_terms(running.options)
        if duration is not None:
            terms = replace(terms, duration=duration)
        if grace is not None:
            terms = replace(terms, grace=grace)
        await running.service.lame_duck(terms)
        if self._running is running:
            await self.stop()

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(self, *_exc: object) -> None:
        await self.stop()

    # --- where it is -------------------------------------------------------------------

    @property
    def is_running(self) -> bool:
        """Whether it has been started, and not stopped since."""
        return self._running is not None

    @property
    def port(self) -> int:
        """The port for clients. Raises `RuntimeError` before the first start, as all addresses do."""
        return self._port("port", "")

    @property
    def url(self) -> str:
        """Where clients connect, as ``nats://127.0.0.1:4222``."""
        options = self._options
        return f"{'tls' if options.tls else 'nats'}://{joined(_reachable(options.host), self.port)}"

    @property
    def http_url(self) -> str:
        """Where the pages of monitoring are, without a path; `http` or `https` is to be set."""
        options, ports = self._options, self._ports
        if "https_port" in ports and "http_port" not in ports:
            return f"https://{joined(_reachable(options.https_host or options.host), ports['https_port'])}"
        port = self._port("http_port", "http=-1")
        return f"http://{joined(_reachable(options.http_host or options.host), port)}"

    @property
    def route_url(self) -> str:
        """Where other servers connect; `cluster` is to be set."""
        port = self._port("cluster.port", 'cluster={"port": -1}')
        return f"nats-route://{joined(_reachable(self._options.cluster.host), port)}"

    @property
    def leaf_url(self) -> str:
        """Where leaf nodes connect; `leafnodes` is to be set."""
        port = self._port("leafnodes.port", 'leafnodes={"port": -1}')
        return f"nats-leaf://{joined(_reachable(self._options.leafnodes.host), port)}"

    @property
    def websocket_url(self) -> str:
        """Where clients connect over websockets; `websocket` is to be set."""
        port = self._port("websocket.port", 'websocket={"port": -1, "no_tls": True}')
        section = self._options.websocket
        return f"{'ws' if section.no_tls else 'wss'}://{joined(_reachable(section.host), port)}"

    @property
    def name(self) -> str:
        """The name of the server: the one that was given, or else its id."""
        return self._service.broker.greeting.info.server_name

    @property
    def server_id(self) -> str:
        """The id that it has made for itself, another one after each start."""
        return self._service.broker.greeting.info.server_id

    def _port(self, option: str, missing: str) -> int:
        if not self._ports:
            raise RuntimeError("the server has not been started")
        if option not in self._ports:
            raise RuntimeError(f"the server has no such port; give it {missing}")
        return self._ports[option]

    # --- what it does --------------------------------------------------------------------

    def varz(self) -> Page:
        """The contents of ``/varz``, now."""
        return self._views.varz()

    def connz(self, **query: Unpack[ConnzQueryKeys]) -> Page:
        """The contents of ``/connz``, now; see `Views.connz` for the parameters."""
        return self._views.connz(**query)

    def routez(self, *, subs: bool = False) -> Page:
        """The contents of ``/routez``, now; `subs` lists what the peers' clients subscribe to."""
        return self._views.routez(subs=subs)

    def leafz(self, *, subs: bool = False) -> Page:
        """The contents of ``/leafz``, now; `subs` lists what is asked for on each link."""
        return self._views.leafz(subs=subs)

    def subsz(self, *, subs: bool = False) -> Page:
        """The contents of ``/subsz``, now; `subs` lists the subscriptions."""
        return self._views.subsz(subs=subs)

    @property
    def log(self) -> list[str]:
        """The last lines of the log, oldest first."""
        return self._log.lines

    def conversation(self, number: int) -> list[str]:
        """The last frames on a link, by its cid or rid: ``-->`` from the peer, ``<--`` to it.

        Empty without `record`.
        """
        return self.faults.conversation(number)

    async def wait_for(
        self,
        condition: Callable[[Self], object],
        timeout: float = WAIT_SECONDS,  # noqa: ASYNC109 - the time limit of a test
    ) -> None:
        """Wait until `condition`, called with this server, is true.

        Raises `TimeoutError` after `timeout` seconds, with what the server shows then.
        """
        deadline = time.monotonic() + timeout
        while not condition(self):
            if time.monotonic() > deadline:
                raise TimeoutError(f"not true within {timeout:g} s; {self.summary()}")
            await asyncio.sleep(_CHECK_SECONDS)

    def summary(self) -> str:
        """What the server does now, in some lines of text."""
        if self._running is None:
            return "the server is not running"
        page, routes = self.connz(subs=True), self.routez()
        lines = [
            f"the server {self.name} has {page['num_connections']} connections, {routes['num_routes']} routes"
        ]
        for row in page["connections"]:
            subjects = ", ".join(row.get("subscriptions_list", ())) or "nothing"
            lines.append(
                f"  cid {row['cid']} {row.get('name', '')!r} from {row['ip']}:{row['port']}: "
                f"{row['in_msgs']} in, {row['out_msgs']} out, subscribes to {subjects}"
            )
        return "\n".join(lines)

    def client(self, name: str = "") -> Client:
        """A client without a socket, to be entered with ``async with``; `name` is for log and faults."""
        return Client(lambda: self._connect_local(name))

    def _connect_local(self, name: str) -> LocalClient:
        container = self._live.container
        return container.service().broker.connect_local(name, local_tap(self.faults, container.clock(), name))

    @property
    def _options(self) -> Options:
        if self._running is not None:
            return self._running.options
        return self._asked.options()[0]

    @property
    def _service(self) -> Service:
        return self._live.container.service()

    @property
    def _views(self) -> Views:
        return self._live.views

    @property
    def _live(self) -> "_Running":
        if self._running is None:
            raise RuntimeError("the server is not running")
        return self._running


class _Container(Container):
    """The parts of a server whose log is kept for its program."""

    debug_log = False
    """Whether debug lines are kept, whatever the configuration says."""
    recent: RecentLines
    """The log."""

    def open_log(self, options: Options) -> EventLog | None:
        """See `Container`: what lines are passed on to besides."""
        settings = log_settings(options)
        is_asked = settings.log_file or settings.syslog or settings.remote_syslog
        return open_event_log(settings) if is_asked else None

    def use_log(self, log: EventLog | None, options: Options) -> EventLog | None:
        """See `Container`."""
        return self.recent.switch(log, debug=options.debug or self.debug_log, trace=options.trace)


class _Running:
    """One start of a server."""

    def __init__(self, container: Container, asked: RequestedOptions, given: Options) -> None:
        self._given = given
        """The options that were read last, with ports as they were asked for."""
        self.loop = asyncio.get_running_loop()
        self.container = container
        self._asked = asked
        self.service = container.service()
        self.addresses: Addresses | None = None
        self._loaded: float | None = None
        """When the configuration was read again, on the clock of the server."""
        container.journal().name_of = lambda link: container.view().name_of(link)
        self._reloader = Reloader(container, self._load)

    @property
    def options(self) -> Options:
        """Those that are in force."""
        return self.container.options

    @cached_property
    def views(self) -> Views:
        """Made when they are asked for: most programs never look."""
        return Views(self._context)

    @cached_property
    def _context(self) -> MonitoringContext:
        container = self.container
        return MonitoringContext(
            container.view(), self._settings(), WallTime(container.clock()), journal=container.journal()
        )

    def _settings(self) -> MonitorSettings:
        container = self.container
        settings = monitor_settings(self.options, container.data_plane, dates=container.dates)
        return settings if self._loaded is None else replace(settings, loaded=self._loaded)

    def _load(self) -> Loaded:
        return Loaded(*self._asked.options())

    async def reload(self, asked: RequestedOptions) -> ReloadPlan:
        """Raises `ReloadRefused`."""
        before, in_force = self._given, self.options
        read: list[Options] = []

        def load() -> Loaded:
            options, notices = asked.options()
            read.append(options)
            return Loaded(same_ports(options, before, in_force), notices)

        plan = await self._reloader.reload(load)
        self._asked, self._given = asked, read[-1]
        self._loaded = self.container.clock().monotonic()
        self._context.settings = self._settings()
        return plan

    async def start(self) -> None:
        """Raises `CannotStart`."""
        self.addresses = await self.service.start()

    async def stop(self, clock: Clock | None) -> None:
        passing = asyncio.create_task(_pass_time(clock)) if isinstance(clock, ManualClock) else None
        try:
            await self.service.stop()
            await self.service.departed()
        finally:
            if passing is not None:
                passing.cancel()
                with suppress(asyncio.CancelledError):
                    await passing

    def ports(self) -> dict[str, int]:
        """The real ports, by option."""
        addresses = self.addresses
        if addresses is None:
            return {}
        ports = {"port": addresses.clients[0].port}
        ports |= {f"{scheme}_port": port for scheme, port in addresses.monitoring.items()}
        if addresses.routes is not None:
            ports["cluster.port"] = addresses.routes.port
        if addresses.leaves is not None:
            ports["leafnodes.port"] = addresses.leaves.port
        if self.options.websocket.port:
            ports["websocket.port"] = addresses.clients[1].port
        return ports


async def _pass_time(clock: ManualClock) -> None:
    """The end of a server waits for time too."""
    while True:
        await asyncio.sleep(_END_STEP)
        await clock.advance(_END_STEP)


def _reachable(host: str) -> str:
    return LOOPBACK if is_wildcard(host) else host
