"""The dates on which certificates expire: shown by monitoring, and logged when they are near."""

from collections.abc import Callable, MutableMapping
from datetime import UTC, datetime

from ..adapters.net_asyncio.certificate_dates import not_after
from ..adapters.net_asyncio.tls_context import TlsError
from ..adapters.process.own_thread import in_own_thread
from ..config.options import Options
from ..config.sections.tls import TlsOptions
from ..domain.events import Event
from ..ports.clock import Clock
from .events import CertificateEnded, CertificateEnds

DAY = 86_400.0
CHECK_SECONDS = 3600.0
"""How often it is seen how much time is left."""

WARN_DAYS = (30, 14, 7, 3, 1, 0)
"""The log has a line when this number of days is left."""

Dates = MutableMapping[str, float]
"""By section, in seconds since the epoch."""


def sections_with_tls(options: Options) -> dict[str, TlsOptions]:
    """The sections ``tls`` whose files are in use, by name."""
    websocket = options.websocket
    sections = {
        "tls": options.tls,
        "cluster.tls": options.cluster.tls if options.cluster.port else None,
        "leafnodes.tls": options.leafnodes.tls if options.leafnodes.port else None,
        "websocket.tls": websocket.tls if websocket.port and not websocket.no_tls else None,
    }
    return {name: section for name, section in sections.items() if section is not None}


def read_dates(options: Options) -> dict[str, float]:
    """The date on which each certificate expires. Raises `TlsError`."""
    return {name: not_after(section.cert_file or "") for name, section in sections_with_tls(options).items()}


def refuse_expired(new: Options, known: Dates, now: float) -> dict[str, float]:
    """The dates of new certificates. Raises `TlsError` for one that is over, unless it is in use already."""
    dates = read_dates(new)
    for name, ends in dates.items():
        if ends <= now and known.get(name) != ends:
            raise TlsError(
                f"the certificate of {name} has expired on {_date(ends)}; replace it with a valid one"
            )
    return dates


class CertificateDates:
    """Checks again and again how much time is left."""

    def __init__(self, dates: Dates, clock: Clock, record: Callable[[Event], None]) -> None:
        """`dates` is filled by `read`, and by others."""
        self._dates = dates
        self._clock = clock
        self._record = record
        self._warned: dict[str, tuple[float, int]] = {}

    async def read(self, options: Options) -> None:
        """Read the dates, in a thread, and check from now on."""
        try:
            found = await in_own_thread(lambda: read_dates(options))
        except TlsError:  # the files were there when the server started
            found = {}
        self._dates.update(found)
        self._go_on()

    def _go_on(self) -> None:
        self.check()
        self._clock.call_later(CHECK_SECONDS, self._go_on)

    def check(self) -> None:
        """Log what ends soon, once for each of `WARN_DAYS`."""
        now = self._clock.time()
        for name, ends in self._dates.items():
            passed = [days for days in WARN_DAYS if ends - now <= days * DAY]
            if not passed:
                continue
            before = self._warned.get(name)
            if before is not None and before[0] == ends and before[1] <= passed[-1]:
                continue
            self._warned[name] = ends, passed[-1]
            if ends <= now:
                self._record(CertificateEnded(None, name, _date(ends)))
            else:
                self._record(CertificateEnds(None, name, _date(ends), int((ends - now) // DAY)))


def _date(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M UTC")
