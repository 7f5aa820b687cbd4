"""Options of websockets turned into the plain values that their layer takes."""

from collections.abc import Callable

from ..adapters.net_asyncio.websocket_layer import BATCH_BYTES, WebsocketSettings
from ..adapters.net_asyncio.websocket_upgrade import OriginRules, parse_origin
from ..config.options import Options
from ..domain.events import Event
from ..domain.limits import longest_message


def websocket_settings(options: Options, record: Callable[[Event], None]) -> WebsocketSettings:
    """How websockets work."""
    section = options.websocket
    return WebsocketSettings(
        record,
        limit=longest_message(options.max_payload, options.max_control_line) + BATCH_BYTES,
        timeout=section.handshake_timeout,
        compression=section.compression,
        origins=OriginRules(section.same_origin, frozenset(map(parse_origin, section.allowed_origins))),
        secure=not section.no_tls,
    )
