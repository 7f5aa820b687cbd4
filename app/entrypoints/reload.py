"""A new configuration for a server that runs: all of it, or nothing (ADR 0052).

    read ── plan ── prepare ── commit
      │       │        │
      └───────┴────────┴──> refused: nothing has changed

Reading and preparing happen in a thread: files are opened, certificates loaded, an authenticator
made. What can fail is over then, so that the commit, one call on the event loop, is whole.
"""

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING

from ..adapters.logs.destinations import LogDestinationError
from ..adapters.net_asyncio.tls_context import TlsError
from ..adapters.process.files import PidFileError
from ..adapters.process.own_thread import in_own_thread
from ..config.errors import ConfigError
from ..config.load import Loaded
from ..config.options import Options
from ..config.reloading import ReloadPlan, config_digest, plan_reload
from ..domain.events import ServerFailure
from ..domain.failure import described
from ..ports.authenticator import AuthError
from ..ports.hooks import HooksError
from .certificate_dates import sections_with_tls
from .container import Container
from .events import (
    CertificatesRead,
    ConfigurationQuestioned,
    ConfigurationReloaded,
    OptionReloaded,
    ReloadFailed,
)

if TYPE_CHECKING:
    from .reload_parts import Commit

_REASONS = (AuthError, HooksError, LogDestinationError, PidFileError, TlsError)
"""Why a part cannot be prepared."""


class ReloadRefused(Exception):
    """Nothing has changed; `reasons` are lines for the operator."""

    def __init__(self, *reasons: str) -> None:
        super().__init__("; ".join(reasons))
        self.reasons = reasons


class Reloader:
    """Reloads the configuration of one server, any number of times."""

    def __init__(self, container: Container, load: Callable[[], Loaded]) -> None:
        """`load` reads the configuration, in a thread; it raises `ConfigError`."""
        self._container = container
        self._load = load
        self._turn = asyncio.Lock()

    async def reload(self, load: Callable[[], Loaded] | None = None) -> ReloadPlan:
        """Read the configuration, and let it be in force; the log says what has changed.

        `load` reads it this time, and from now on if it can be used. Raises `ReloadRefused`, and the log
        says why.
        """
        async with self._turn:
            try:
                plan = await self._reload(load or self._load)
            except ReloadRefused as error:
                refused = error
            except Exception as error:  # noqa: BLE001 - a defect; the server goes on with what it has
                refused = ReloadRefused(described(error))
            else:
                self._load = load or self._load
                return plan
            for reason in refused.reasons:
                self._container.event_log().record(ReloadFailed(None, reason))
            raise refused

    async def _reload(self, load: Callable[[], Loaded]) -> ReloadPlan:
        container = self._container
        old = container.options
        with container.while_importing()(), ExitStack() as undo:
            try:
                loaded = await in_own_thread(load)
            except ConfigError as error:
                raise ReloadRefused(*map(str, error.problems)) from error
            has_leaves = container.broker().leaves is not None
            plan = plan_reload(old, loaded.options, has_leaves=has_leaves)
            if plan.refused:
                raise ReloadRefused(*(change.refusal for change in plan.refused))
            try:
                commits = await in_own_thread(lambda: _prepared(container, loaded.options, undo))
            except _REASONS as error:
                raise ReloadRefused(str(error)) from error
            if container.broker().is_over:
                raise ReloadRefused("the server is stopping")
            undo.pop_all()
        self._commit(commits, loaded, plan)
        return plan

    def _commit(self, commits: list["Commit"], loaded: Loaded, plan: ReloadPlan) -> None:
        from .reload_parts import Parting  # noqa: PLC0415 - see `_prepared`

        container, left = self._container, Parting()
        for commit in commits:
            try:
                commit(left)
            except Exception as error:  # noqa: BLE001 - a defect; what is half done would be worse
                container.event_log().record(ServerFailure(None, described(error)))
        container.options = loaded.options
        self._report(loaded, plan)
        left.close_all()

    def _report(self, loaded: Loaded, plan: ReloadPlan) -> None:
        record = self._container.event_log().record
        for notice in loaded.notices:
            record(ConfigurationQuestioned(None, str(notice)))
        for change in plan.changes:
            record(OptionReloaded(None, change.text))
        for section in sections_with_tls(loaded.options):
            record(CertificatesRead(None, section))
        record(ConfigurationReloaded(None, config_digest(loaded.options)))


def _prepared(container: Container, new: Options, undo: ExitStack) -> list["Commit"]:
    """What is to be done. In a thread: this is when the modules of all parts are imported."""
    from .reload_parts import prepared  # noqa: PLC0415 - most servers never reload

    return prepared(container, new, undo)
