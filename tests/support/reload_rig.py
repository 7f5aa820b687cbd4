"""A server without sockets that is reloaded."""

from dependency_injector import providers

from app.config.errors import ConfigError, Problem
from app.config.load import Loaded
from app.config.options import Options, make_options
from app.domain.dataplane import PYTHON
from app.entrypoints.container import Container
from app.entrypoints.reload import Reloader
from tests.fakes.event_log import RecordingEventLog


class ReloadRig:
    """A server without sockets, and the options that it is to have next."""

    def __init__(self, **given: object) -> None:
        self.container = Container(make_options(given), PYTHON)
        self.log = RecordingEventLog(debug=False, trace=False)
        self.container.event_log.override(providers.Object(self.log))
        self.container.service()
        self.next: Options | ConfigError = self.container.options
        self.reads = 0
        self.reloader = Reloader(self.container, self._load)

    def _load(self) -> Loaded:
        self.reads += 1
        if isinstance(self.next, ConfigError):
            raise self.next
        return Loaded(self.next, (Problem("x has no effect"),))

    async def reload(self, **given: object) -> list[str]:
        """Reload; return what has changed."""
        self.next = make_options(given)
        return [change.key for change in (await self.reloader.reload()).changes]
