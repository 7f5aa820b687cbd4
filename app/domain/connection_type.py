"""By which kind of listener a client came in, or a leaf node."""

from enum import Enum


class ConnectionType(Enum):
    """The values are the words that configurations of current servers have for them."""

    STANDARD = "STANDARD"
    WEBSOCKET = "WEBSOCKET"
    LEAFNODE = "LEAFNODE"
