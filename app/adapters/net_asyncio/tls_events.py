"""Facts about TLS for the event log, in the words of gnatsd (client-protocol.md, section 16).

gnatsd shows failed handshakes at level debug alone. Here they are errors: an operator
whose clients are turned away should not have to ask for the reason.
"""

from ...domain.events import Event, Level
from ...domain.value_object import value_object


@value_object
class TlsRequired(Event):
    level = Level.INFO
    sentence = "TLS required for client connections"


@value_object
class TlsAvailable(Event):
    """Clients may use TLS, or go without it."""

    level = Level.INFO
    sentence = "TLS available for client connections"


@value_object
class TlsFirst(Event):
    """Clients get no INFO before the handshake."""

    level = Level.INFO
    sentence = "TLS handshake first: clients that wait for INFO before it cannot connect"


@value_object
class HandshakeStarting(Event):
    """``role`` says what kind of link it is, and which side of it we are."""

    level = Level.DEBUG
    sentence = "Starting TLS {self.role} handshake"

    role: str


@value_object
class HandshakeComplete(Event):
    level = Level.DEBUG
    sentence = "TLS handshake complete"


@value_object
class SecurityAgreed(Event):
    level = Level.DEBUG
    sentence = "TLS version {self.version}, cipher suite {self.cipher_suite}"

    version: str
    cipher_suite: str


@value_object
class HandshakeFailed(Event):
    """The link was closed; ``whose`` is empty for a client, and names any other kind and its peer."""

    level = Level.ERROR
    sentence = "TLS {self.whose}handshake error: {self.reason}"

    whose: str
    reason: str


@value_object
class ProtectionBroken(Event):
    """What came in on an open link was no valid TLS; the link was cut."""

    level = Level.ERROR
    sentence = "TLS error: {self.reason}"

    reason: str
