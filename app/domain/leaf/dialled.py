"""Dialled leaf link: the hub sends its INFO, and this server logs in."""

from typing import Protocol

from ..events import AuthorizationTimedOut
from ..permissions.rules import Rule
from ..protocol.connect import parse_connect
from ..protocol.errors import ParserError
from ..security.credentials import Identity
from ..sessions.connection import Connection
from ..sessions.host import Host
from .connect import LeafConnect
from .errors import WrongPort
from .events import LeafLoginFailed, LeafRefused
from .info import LeafInfo, read_leaf_info
from .leaf_url import LeafUrl
from .link_rights import denials
from .session import LeafLinks, LeafSession
from .settings import LeafLogin, LeafLoginError, LeafRemote


class LeafConnector(LeafLinks, Protocol):
    """All leaf links, as one that we dialled knows them."""

    def connect(self, session: "DialledLeaf", login: LeafLogin) -> LeafConnect:
        """What we say of ourselves as a leaf node."""
        ...

    def discovered(self, session: "DialledLeaf", urls: tuple[str, ...]) -> None:
        """The other end has named its addresses, and those of its cluster."""
        ...

    def hub_leaves(self, session: "DialledLeaf", *, again: bool) -> None:
        """The other end says that it is in lame duck mode, for the first time or `again`."""
        ...


class DialledLeaf(LeafSession):
    """One hub that we have dialled, or a leaf node of ours that does not dial."""

    __slots__ = ("_connector", "info", "remote", "url")

    def __init__(
        self,
        host: Host,
        connector: LeafConnector,
        connection: Connection,
        remote: LeafRemote,
        url: LeafUrl,
    ) -> None:
        """`url` is what was dialled, of this remote."""
        self._connector = connector
        self.remote = remote
        self.url = url
        self.info: LeafInfo | None = None
        """What the other end says of itself."""
        super().__init__(host, connector, connection, admitted=True)
        self.take_kind(peer_is_hub=not remote.settings.hub)

    @property
    def solicited(self) -> bool:
        """See `LeafSession`."""
        return True

    def process_info(self, argument: bytes) -> None:
        """The first one introduces the other end, the second one answers CONNECT; later ones bring news."""
        info = read_leaf_info(argument)
        first, self.info = self.info, info
        if first is None:
            self._introduced(info)
        elif not self.established:
            self._take_rules(info)
            self.establish(headers=first.headers, protocol=first.proto)
        elif info.connect_info:
            self._take_rules(info)
        if self.connection.closed:
            return
        if info.leafnode_urls or info.ldm:
            self._connector.discovered(self, info.leafnode_urls)
        if first is not None and info.ldm:
            self._connector.hub_leaves(self, again=first.ldm)

    def _introduced(self, info: LeafInfo) -> None:
        if not info.is_for_leaves:
            raise WrongPort
        self.name_peer(info.server_name or info.server_id, info.cluster or info.server_name)
        try:
            login = self.remote.credentials.login(self.url, info.nonce)
        except LeafLoginError as error:
            self.end(LeafLoginFailed(self.connection.link, self.url.address, str(error)))
            return
        self.connection.send(self._connector.connect(self, login).line())
        self._take_rules(info)
        if not info.info_on_connect:
            self.establish(headers=info.headers, protocol=info.proto)

    def _take_rules(self, info: LeafInfo) -> None:
        settings = self.remote.settings
        self.limit(
            receive=(info.imports, Rule(deny=denials(settings.deny_imports))),
            send=(info.exports, Rule(deny=denials(settings.deny_exports))),
        )

    def process_connect(self, argument: bytes) -> None:
        """The other end has not been dialled, so it has nothing to show."""
        parse_connect(argument)
        raise ParserError("CONNECT from a server that we have dialled")

    def let_in(self, identity: Identity) -> bool:
        """A server that we have dialled needs no login here."""
        del identity
        return True

    def login_expired(self) -> None:
        """It has not introduced itself, or not answered, in time."""
        link = self.connection.link
        if self.info is None:
            self.end(LeafRefused(link, "the hub sent no INFO in time"))
        else:
            self.end(AuthorizationTimedOut(link))

    def check_interest(self, subject: bytes) -> None:
        """What we may not send is accepted without a word, and filtered."""
