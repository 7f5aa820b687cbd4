"""The options of a section ``websocket``: clients over websockets, and web pages that may connect."""

from typing import Annotated, ClassVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field

from ..foreign_keys import WEBSOCKET_IDLE, WEBSOCKET_REFUSED
from .section import AddressKey, Advertised, Host, Key, Port, Seconds, Section, one_or_more
from .tls import TlsOptions


def _origin(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must be written https://host or https://host:port")
    return text


class WebsocketOptions(Section):
    """Where clients connect over websockets. They can when there is a port."""

    addresses: ClassVar = {"listen": AddressKey("host", "port", "Address to listen on for websockets.")}
    idle: ClassVar = WEBSOCKET_IDLE
    refused: ClassVar = WEBSOCKET_REFUSED

    host: Annotated[Host, Key("Host to listen on for websockets.", also=("net",))] = "0.0.0.0"  # noqa: S104 - as for clients
    port: Annotated[Port, Key("Port for websockets; 0 means none, -1 picks a free port.")] = 0
    no_tls: Annotated[bool, Key("Serve websockets without TLS; otherwise `tls` is required.")] = False
    tls: Annotated[TlsOptions | None, Key("TLS for websockets.", guards=True)] = None
    compression: Annotated[bool, Key("Compress messages if the client offers it.", also=("compress",))] = (
        False
    )
    same_origin: Annotated[
        bool, Key("Refuse web pages from hosts other than the one they connect to.", guards=True)
    ] = False
    allowed_origins: Annotated[
        tuple[Annotated[str, AfterValidator(_origin)], ...],
        Field(strict=False),
        BeforeValidator(one_or_more),
        Key(
            "Origins of web pages that may connect; all may if empty.",
            also=("allowed_origin", "allow_origins", "allow_origin", "origins", "origin"),
            guards=True,
        ),
    ] = ()
    handshake_timeout: Annotated[Seconds, Key("Time limit for the request of a websocket.")] = 2.0
    advertise: Annotated[Advertised | None, Key("Address to advertise to clients of websockets.")] = None
    no_auth_user: Annotated[
        str | None,
        Key(
            "User of clients without credentials over websockets; that of all clients if not set.",
            guards=True,
        ),
    ] = None

    @property
    def maps_certificates(self) -> bool:
        """Whether certificates say who a client is."""
        return bool(self.port) and not self.no_tls and self.tls is not None and self.tls.verify_and_map
