"""Functions of the container's providers: they make parts from other parts."""

import weakref
from collections.abc import Callable, Sequence

from ..adapters.auth.setup import AuthSettings, open_authenticator
from ..adapters.auth.switch import SwitchableAuthenticator
from ..adapters.hooks.setup import OpenHooks
from ..adapters.logs.structured import LinesDropped
from ..adapters.monitoring.journal import Journal
from ..adapters.net_asyncio.tls_choice import ChoiceTerms, choice_layers
from ..adapters.net_asyncio.tls_layer import TlsLayers, TlsSettings
from ..config.options import Options
from ..domain.broker import Broker
from ..domain.events import Event, InternalFailure
from ..domain.failure import described
from ..domain.hooks.gate import HookGate
from ..domain.jetstream.settings import JetStreamSettings
from ..ports.authenticator import Authenticator
from ..ports.event_log import EventLog
from ..ports.layers import LayerFactory
from ..ports.streams_view import StreamsView
from .streams import Streams


def view_of_streams(streams: Streams | None) -> Callable[[], StreamsView | None]:
    """What pages ask of JetStream, if it is on."""
    return streams.view if streams is not None else lambda: None


def settings_of_streams(
    options: Options,
    broker: Broker,
    in_memory: bool,  # noqa: FBT001 - called by a provider
) -> Callable[[], JetStreamSettings]:
    """Makes the settings of JetStream when it starts."""
    from .stream_settings import stream_settings  # noqa: PLC0415 - see the head of the container

    return lambda: stream_settings(options, broker.greeting.info, in_memory=in_memory)


def gate_of(hooks: OpenHooks | None) -> HookGate | None:
    """The gate of hooks, if there are any."""
    return None if hooks is None else hooks.gate


def switchable(settings: AuthSettings, report: Callable[[Event], None]) -> Authenticator:
    """The authenticator of these settings, which a reload may replace. Raises `AuthError`."""
    return SwitchableAuthenticator(open_authenticator(settings, report))


def tls_layers(settings: TlsSettings | None) -> TlsLayers | None:
    """The layers of links with TLS, if it is on."""
    return None if settings is None else TlsLayers(settings)


def layers_of(
    tls: TlsLayers | None,
    *above: LayerFactory,
    choice: ChoiceTerms | None = None,
    taps: Sequence[LayerFactory] = (),
) -> list[LayerFactory]:
    """Between each socket and its wire, the first one next to the socket."""
    if tls is None:
        return [*above, *taps]
    return [tls if choice is None else choice_layers(tls, choice), *above, *taps]


def failure_reporter(event_log: EventLog) -> Callable[[Exception], None]:
    """Records a defect that has ended one link."""
    return lambda error: event_log.record(InternalFailure(None, described(error)))


def noting(journal: Journal) -> Callable[[LinesDropped], None]:
    """Note facts in a journal without keeping it: the log's thread would keep a dropped server alive."""
    known = weakref.ref(journal)

    def note(fact: LinesDropped) -> None:
        kept = known()
        if kept is not None:
            kept.note(fact)

    return note
