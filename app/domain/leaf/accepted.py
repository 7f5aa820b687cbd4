"""Accepted leaf link: the other end has dialled; it logs in, and gets its permissions."""

from dataclasses import replace
from typing import Protocol

from ..connection_type import ConnectionType
from ..events import AuthorizationTimedOut
from ..peer_kind import PeerKind
from ..permissions.responses import OpenReplies
from ..permissions.rules import Permissions, Rule
from ..protocol.compatibility import Compatibility
from ..protocol.connect import check_info
from ..protocol.errors import AuthorizationTimeout, PermissionsViolation
from ..protocol.quoting import quoted
from ..security.credentials import Credentials, Gatekeeper, Identity
from ..sessions.connection import Connection
from ..sessions.host import Host
from .connect import LeafConnect, parse_leaf_connect
from .errors import ClientOnLeafPort, LeafVersionTooLow, SameLeafCluster
from .info import LeafInfo
from .link_rights import denials
from .session import LeafLinks, LeafSession

_MOST_PART = 9
"""Digits of one part of a version."""


class LeafAcceptor(LeafLinks, Protocol):
    """All leaf links, as one that was accepted knows them."""

    @property
    def gatekeeper(self) -> Gatekeeper:
        """Judges leaf nodes."""
        ...

    @property
    def min_version(self) -> str:
        """The lowest version that a leaf node may have; empty for any."""
        ...

    def info(self) -> LeafInfo:
        """The INFO of this server as a hub, the same for all leaves."""
        ...

    def is_own_cluster(self, cluster: str) -> bool:
        """Whether this server belongs to a cluster of this name."""
        ...

    def login_over(self, session: "AcceptedLeaf") -> None:
        """Its login has a verdict."""
        ...

    def login_pending(self, session: "AcceptedLeaf") -> None:
        """Its CONNECT is complete, and its verdict to come."""
        ...


class AcceptedLeaf(LeafSession):
    """One leaf node that has dialled us."""

    __slots__ = ("_acceptor", "_connect", "_nonce", "_user")

    def __init__(self, host: Host, acceptor: LeafAcceptor, connection: Connection, nonce: str) -> None:
        """`nonce` is what its INFO has."""
        self._acceptor = acceptor
        self._nonce = nonce
        self._connect = LeafConnect()
        self._user = ""
        super().__init__(host, acceptor, connection, admitted=False)

    @property
    def solicited(self) -> bool:
        """See `LeafSession`."""
        return False

    @property
    def user(self) -> str:
        """The user it logged in as; empty where users have no names."""
        return self._user

    @property
    def remote_account(self) -> str:
        """The account that it speaks for, at the other end."""
        return self._connect.remote_account

    def greet(self) -> None:
        """Send the first INFO."""
        info = replace(self._acceptor.info(), client_id=self.number, nonce=self._nonce)
        self.connection.send(info.line())

    def inform(self) -> None:
        """Send INFO again: something has changed. It says nothing of rights, which stay as they are."""
        self.connection.send(replace(self._acceptor.info(), client_id=self.number).line())

    def _answer(self, permissions: Permissions) -> None:
        """Send the second INFO, which says what it may do."""
        info = replace(
            self._acceptor.info(),
            client_id=self.number,
            connect_info=True,
            remote_account=self.account,
            imports=permissions.subscribe,
            exports=permissions.publish,
        )
        self.connection.send(info.line())

    # --- login -----------------------------------------------------------------------------

    def process_connect(self, argument: bytes) -> None:
        """It says who it is, and shows credentials; once."""
        if self.admitted:
            return
        connect = parse_leaf_connect(argument)
        if connect.lang:
            raise ClientOnLeafPort
        least = self._acceptor.min_version
        if least and _parts(connect.version) < _parts(least):
            raise LeafVersionTooLow(least)
        if self._acceptor.is_own_cluster(connect.cluster):
            raise SameLeafCluster
        self._connect = connect
        self.note_activity()
        security = self.connection.wire.security
        credentials = Credentials(
            connect.user,
            connect.password,
            connect.auth_token,
            nkey=connect.nkey,
            sig=connect.sig,
            jwt=connect.jwt,
            nonce=self._nonce,
            certificate=security.certificate if security is not None else None,
            connection_type=ConnectionType.LEAFNODE,
        )
        if self.ask_for_verdict(self._acceptor.gatekeeper, credentials):
            self._acceptor.login_pending(self)

    def let_in(self, identity: Identity) -> bool:
        """Its credentials are good: it learns what it may do, and all interest."""
        connect = self._connect
        self._acceptor.login_over(self)
        self._user = identity.user
        self.admitted = True
        self.take_kind(peer_is_hub=connect.is_hub)
        self.name_peer(connect.name or connect.server_id, connect.cluster or connect.name)
        permissions = identity.permissions or Permissions()
        self.limit(
            receive=(permissions.publish,),
            send=(permissions.subscribe, Rule(deny=denials(connect.deny_pub))),
            replies=self._replies(permissions),
        )
        self._answer(permissions)
        self.establish(headers=connect.headers, protocol=connect.protocol)
        return not self.connection.closed

    def _replies(self, permissions: Permissions) -> OpenReplies | None:
        """What a leaf node may answer; None if its user has no `allow_responses`."""
        if permissions.responses is None:
            return None
        inlet = self.connection.inlet
        return OpenReplies(permissions.responses, self.host.scheduler.monotonic, lambda: inlet.in_msgs)

    def login_expired(self) -> None:
        """No CONNECT in time, or no verdict: one that is being made is waited for."""
        if self._pending is None or not self._pending.under_way:
            self.connection.closes_for(AuthorizationTimeout.closing)
            farewell = AuthorizationTimeout().wire(Compatibility.CURRENT)
            self.end(AuthorizationTimedOut(self.connection.link), farewell)

    # --- operations ------------------------------------------------------------------------

    def process_info(self, argument: bytes) -> None:
        """It means nothing, but must be well formed."""
        check_info(argument)

    def check_interest(self, subject: bytes) -> None:
        """A leaf node must not listen to what it may not receive."""
        send = self.rights.send
        if send is not None and self.kind is PeerKind.LEAF and not send.concerns(subject):
            raise PermissionsViolation(what=b"Subscription to " + quoted(subject))


def _parts(version: str) -> tuple[int, ...]:
    """The numbers in a version, as far as it has some."""
    numbers = (part.partition("-")[0] for part in version.removeprefix("v").split(".")[:3])
    return tuple(
        int(each) if each.isascii() and each.isdigit() and len(each) <= _MOST_PART else 0 for each in numbers
    )
