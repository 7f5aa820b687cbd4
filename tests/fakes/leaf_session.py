"""A third kind of peer, as small as can be: what a leaf node's session would begin with."""

from app.domain.broker import Broker
from app.domain.events import AuthorizationTimedOut, ClientReportedError
from app.domain.interest.routing import Audience
from app.domain.peer_kind import PeerKind
from app.domain.protocol.commands import readable
from app.domain.protocol.connect import parse_connect
from app.domain.protocol.errors import AuthorizationTimeout
from app.domain.security.credentials import Credentials, Identity
from app.domain.sessions.connection import Connection
from app.domain.sessions.peer import PeerSession
from app.domain.sessions.wire import Handler, Wire


class LeafSession(PeerSession):
    """Admits by CONNECT, speaks of itself in INFO, and leaves all else to `PeerSession`."""

    kind: PeerKind = PeerKind.LEAF

    __slots__ = ("_name", "infos", "screened")

    def __init__(self, broker: Broker, connection: Connection) -> None:
        self._name = ""
        self.screened = False
        self.infos: list[bytes] = []
        """What the peer has said of itself."""
        super().__init__(broker, connection, admitted=not broker.gatekeeper.required)
        connection.inlet.audience = Audience.LENIENT
        connection.inlet.publishing = self.admitted

    @property
    def name(self) -> str:
        """As its CONNECT has it."""
        return self._name

    def process_connect(self, argument: bytes) -> None:
        """Have the credentials judged."""
        connect = parse_connect(argument)
        self._name = connect.name or ""
        self.ask_for_verdict(self.host.gatekeeper, Credentials(connect.user or "", connect.password or ""))

    def let_in(self, identity: Identity) -> bool:  # noqa: ARG002 - all are equal here
        """All that have the right credentials."""
        self.admitted = self.connection.inlet.publishing = True
        return True

    def process_info(self, argument: bytes) -> None:
        """Remember it."""
        self.infos.append(argument)

    def process_err(self, argument: bytes) -> None:
        """End."""
        self.end(ClientReportedError(self.connection.link, readable(argument)))

    def login_expired(self) -> None:
        """End."""
        self.end(AuthorizationTimedOut(self.connection.link), AuthorizationTimeout().wire())


def accept_leaf(broker: Broker, wire: Wire) -> Handler:
    """Take on a leaf node, as the broker takes on a client."""
    connection = Connection(broker, broker.next_number(), wire, PeerKind.LEAF)
    LeafSession(broker, connection)
    return connection
