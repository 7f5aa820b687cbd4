"""Dialling hubs for leaf nodes: one dialer for the servers of one remote."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ...domain.leaf.leaf_url import LeafUrl, is_numeric
from ...domain.leaf.settings import LeafDialer
from ...domain.sessions.wire import Handler, Wire
from ...domain.timers import Scheduler
from ...ports.layers import LayerFactory
from .dialer import TcpDialer
from .info_first import InfoTerms, info_first_layers
from .tls_layer import TlsLayers, TlsSettings


@dataclass(frozen=True, slots=True)
class LeafDialSettings:
    """How the hubs of a remote are dialled."""

    urls: Sequence[LeafUrl] = ()
    """As configured."""
    demands_tls: bool = False
    """Whether all links are protected; else those whose URL or hub says so."""
    tls_first: bool = False
    """Whether TLS begins before INFO."""
    dial_seconds: float = 1.0
    first_info_seconds: float = 1.0


class LeafTcpDialer(LeafDialer):
    """Opens TCP links to hubs."""

    def __init__(
        self,
        settings: LeafDialSettings,
        tls: TlsLayers,
        *,
        on_failure: Callable[[Exception], None],
        scheduler: Scheduler | None = None,
        taps: Sequence[LayerFactory] = (),
    ) -> None:
        """`tls` is used where TLS is; `taps` are further layers, next to the wire. See `TcpDialer`."""
        self.tls = tls
        """Where TLS is used; its settings may change."""
        self._urls = tuple(settings.urls)
        self._name = next((url.host for url in settings.urls if not is_numeric(url.host)), "")

        def dialer(layer: LayerFactory) -> TcpDialer:
            return TcpDialer(
                on_failure=on_failure,
                layers=(layer, *taps),
                scheduler=scheduler,
                seconds=settings.dial_seconds,
                setup_seconds=settings.first_info_seconds + tls.settings.timeout,
            )

        terms = InfoTerms(settings.first_info_seconds, settings.demands_tls)
        demanding = InfoTerms(settings.first_info_seconds, demands_tls=True)
        self._usual = dialer(tls if settings.tls_first else info_first_layers(tls, terms))
        self._demanding = dialer(tls if settings.tls_first else info_first_layers(tls, demanding))

    def dial(self, url: LeafUrl, acceptor: Callable[[Wire], Handler], refused: Callable[[str], None]) -> None:
        dialer = self._demanding if self._demands_tls(url) else self._usual
        dialer.dial(url.host, url.port, acceptor, refused, name=self._certified_name(url.host))

    def _demands_tls(self, url: LeafUrl) -> bool:
        """A hub that was discovered is held to what one of the configured URLs asks for."""
        is_discovered = url not in self._urls
        return url.tls or (is_discovered and any(each.tls for each in self._urls))

    def _certified_name(self, host: str) -> str:
        """A hub at a numeric address, as hubs name each other, has the certificate of the configured name."""
        return self._name if self._name and is_numeric(host) else host

    def protect(self, settings: TlsSettings) -> None:
        """Use these certificates from now on; links that are there keep theirs."""
        self.tls.settings = settings

    def close(self) -> None:
        self._usual.close()
        self._demanding.close()
