"""The first parts of a server, which all others use: time, randomness, the log, logins, hooks."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import cast

from ..adapters.clock_loop import LoopClock
from ..adapters.entropy import SystemEntropy
from ..adapters.hooks.runners import HookRunners
from ..adapters.hooks.setup import CheckedHooks, OpenHooks, check_hooks, load_hooks, open_hooks
from ..adapters.logs.rate_limit import RateLimitedEventLog
from ..adapters.logs.setup import open_event_log
from ..adapters.logs.switchable import SwitchableLog
from ..adapters.monitoring.journal import Journal, JournaledLog
from ..adapters.process.switch_interval import short_switch_interval
from ..config.options import Options
from ..domain.dataplane import AUTO, NATIVE, choose
from ..domain.dataplane.seam import MakePlane
from ..ports.authenticator import Authenticator
from ..ports.clock import Clock
from ..ports.entropy import Entropy
from ..ports.event_log import EventLog
from ..ports.hooks import Hooks
from ..ports.layers import LayerFactory
from .journal_kinds import KINDS
from .part import Provider, part
from .settings import (
    auth_settings,
    hook_settings,
    log_settings,
)
from .wiring import (
    noting,
    switchable,
)


class World:
    """What `app.entrypoints.container` begins with, and what may be done with its parts."""

    def __init__(self, options: Options, data_plane: str = AUTO, config_file: str = "") -> None:
        """`data_plane` names the twin that runs; `config_file` is only shown.

        Raises `DataPlaneUnavailable`.
        """
        twin, make_plane = choose(data_plane)
        self.options = options
        """Those that are in force."""
        self.config_file = config_file
        self.dates: dict[str, float] = {}
        """The expiry of each certificate, by section, in seconds since the epoch, as far as it is known."""
        self.data_plane = twin
        """The twin that runs."""
        self.fell_back = data_plane == AUTO and twin != NATIVE
        """Whether the native twin would have been taken, were it built."""
        self._make_plane: MakePlane = make_plane
        self._first = options
        """Those of the start, which parts are made with."""

    def use(self, name: str, replacement: object) -> None:
        """Have this one in place of what the part `name` would be; before `service` is made."""
        provider: Provider[object] = getattr(self, name)
        provider.override(replacement)

    def open_log(self, options: Options) -> EventLog | None:
        """The log of these options; None for that of the program alone. Raises `LogDestinationError`."""
        return open_event_log(log_settings(options), on_dropped=noting(self.journal()))

    def use_log(self, log: EventLog | None, options: Options) -> EventLog | None:
        """Log there from now on, as these options say; return the log before, which is to be closed."""
        del options
        switchable = self.log()
        if log is None or not isinstance(switchable, SwitchableLog):
            return log
        return switchable.switch(log)

    def own_process(self) -> None:
        """Let this server change settings of the whole process: it is a program of its own."""
        self.use("while_importing", short_switch_interval)

    @part
    def while_importing(self) -> Callable[[], AbstractContextManager[None]]:
        """What is entered while modules are imported in a thread."""
        return nullcontext

    @part
    def clock(self) -> Clock:
        return LoopClock()

    @part
    def entropy(self) -> Entropy:
        return SystemEntropy()

    @part
    def taps(self) -> Sequence[LayerFactory]:
        """Further layers of every link, next to the wire."""
        return ()

    @part
    def journal(self) -> Journal:
        return Journal(KINDS)

    @part
    def log(self) -> EventLog:
        opened = self.open_log(self._first)
        return SwitchableLog(cast("EventLog", opened))  # who has none has another part here

    @part
    def event_log(self) -> EventLog:
        return JournaledLog(RateLimitedEventLog(self.log(), self.clock), self.journal())

    @part
    def authenticator(self) -> Authenticator:
        return switchable(auth_settings(self._first), self.event_log().record)

    @part
    def hooks(self) -> Hooks | None:
        return load_hooks(hook_settings(self._first))

    @part
    def checked_hooks(self) -> CheckedHooks | None:
        return check_hooks(self.hooks(), hook_settings(self._first))

    @part
    def open_hooks(self) -> OpenHooks | None:
        checked = self.checked_hooks()
        return None if checked is None else open_hooks(checked, self.clock(), self.event_log())

    @part
    def hook_runners(self) -> HookRunners:
        return HookRunners(self.open_hooks())
