"""Facts about the listener for leaf nodes, in the words of nats-server (leaf-nodes.md, section 10)."""

from ...domain.events import AddressEvent, Level
from ...domain.value_object import value_object


@value_object
class LeafListening(AddressEvent):
    """Leaves can connect at this address."""

    level = Level.INFO
    sentence = "Listening for leafnode connections on {self.address}"


@value_object
class LeafListenFailed(AddressEvent):
    """They cannot, so the server does not start."""

    level = Level.FATAL
    sentence = "Error listening on leafnode port: {self.address} - {self.reason}"

    reason: str
