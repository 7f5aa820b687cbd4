"""The kind of listener at which a client or a leaf node has connected."""

from enum import Enum


class ConnectionType(Enum):
    """The values are the words that configurations of current servers have for them."""

    STANDARD = "STANDARD"
    WEBSOCKET = "WEBSOCKET"
    LEAFNODE = "LEAFNODE"
