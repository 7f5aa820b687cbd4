"""Certificates of a running server, read again from their files.

New links use what is read; those that are there keep what they have. Files that cannot be used
change nothing.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from ..adapters.monitoring.monitor import MonitorEndpoint
from ..adapters.net_asyncio.tls_context import TlsError, lead_to
from ..adapters.net_asyncio.tls_layer import TlsLayers, TlsSettings
from ..config.options import Options
from ..domain.events import Event
from .events import CertificatesKept, CertificatesRead
from .settings import accepted_route_tls, client_tls, dialed_route_tls, monitor_endpoints, websocket_tls

MakeSettings = Callable[[Options, Callable[[Event], None]], TlsSettings | None]
"""Reads the files of one section. Raises `TlsError`."""


@dataclass(frozen=True, slots=True)
class TlsUsers:
    """All that has a certificate; None and nothing where TLS is off."""

    clients: TlsLayers | None = None
    accepted_routes: TlsLayers | None = None
    dialed_routes: TlsLayers | None = None
    websockets: TlsLayers | None = None
    pages: Sequence[MonitorEndpoint] = ()


@dataclass(frozen=True, slots=True)
class CertificateFiles:
    """The files of one section of the configuration."""

    section: str
    read: Callable[[], None]
    """Put them to use. Raises `TlsError`, and changes nothing then."""


def certificate_files(options: Options, users: TlsUsers) -> list[CertificateFiles]:
    """The files of each section that is in use."""

    def clients() -> None:
        _replace(options, (users.clients, client_tls))
        for page, fresh in zip(users.pages, monitor_endpoints(options), strict=True):
            if page.tls is not None and fresh.tls is not None:
                lead_to(page.tls, fresh.tls)

    def routes() -> None:
        _replace(
            options, (users.accepted_routes, accepted_route_tls), (users.dialed_routes, dialed_route_tls)
        )

    def websockets() -> None:
        _replace(options, (users.websockets, websocket_tls))

    sections = (
        ("tls", users.clients, clients),
        ("cluster.tls", users.accepted_routes, routes),
        ("websocket.tls", users.websockets, websockets),
    )
    return [CertificateFiles(name, read) for name, user, read in sections if user is not None]


def read_again(files: Iterable[CertificateFiles], record: Callable[[Event], None]) -> None:
    """Read the files of all sections, each with a line in the log."""
    for each in files:
        try:
            each.read()
        except TlsError as error:
            record(CertificatesKept(None, each.section, str(error)))
        else:
            record(CertificatesRead(None, each.section))


def _replace(options: Options, *users: tuple[TlsLayers | None, MakeSettings]) -> None:
    """All of them, or none. Raises `TlsError`."""
    for layers, settings in list(_made(options, users)):
        layers.replace_context(settings.context)


def _made(
    options: Options, users: Iterable[tuple[TlsLayers | None, MakeSettings]]
) -> Iterator[tuple[TlsLayers, TlsSettings]]:
    for layers, make in users:
        settings = None if layers is None else make(options, layers.settings.record)
        if layers is not None and settings is not None:
            yield layers, settings
