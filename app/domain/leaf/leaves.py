"""All leaf links of a server: those that others have dialled, and those to hubs (leaf-nodes.md).

A leaf node is a server outside the cluster. Each server of a cluster dials a link of its own, see
ADR 0054, and servers of one cluster name it alike: so a hub sends nothing back to where it has been.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

from ..address import joined, with_port
from ..dataplane.draw import Draw
from ..dataplane.seam import Target
from ..interest.subscription import Subscription
from ..limits import Limits
from ..peer_kind import PeerKind
from ..protocol.compatibility import Compatibility
from ..security.credentials import Gatekeeper
from ..sessions.connection import Connection
from ..sessions.host import Host
from ..sessions.keep_alive import KeepAlive
from ..sessions.sliced_lines import send_sliced
from ..sessions.wire import Handler, Wire
from ..timers import DueQueue
from .accepted import AcceptedLeaf
from .connect import PROTOCOL, TRACING, LeafConnect
from .dialled import DialledLeaf
from .errors import DuplicateLeaf
from .events import LeafClosed, LeafCreated, LeafHubLeaves, LeafInterestSent, LeafReplaced
from .info import LeafInfo
from .leaf_url import LeafUrl
from .lines import LOOP_SUBJECTS
from .link_interest import LinkInterest
from .link_rights import STREAM_SUBJECTS
from .redial import LeafRedial
from .session import LeafSession
from .settings import (
    FIRST_INFO_SECONDS,
    GLOBAL,
    LOGIN_SECONDS,
    LeafListenerSettings,
    LeafLogin,
    LeafNeeds,
    LeafRemote,
)

LEAF_VERSION = "2.15.1"
"""The version of nats-server whose leaf links are spoken; `min_version` of hubs is compared with it."""

MOST_WAITING = 512
"""Links of leaf nodes that have not logged in yet; one more takes the place of the oldest."""

ANSWER_SECONDS = 5.0
"""How long a hub may take to answer our CONNECT."""

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_LOOP_LETTERS = 22

_LASTING = ("Loop detected", "remote leafnode has same cluster name", "Permissions Violation")
"""How complaints of a hub begin that a further attempt soon will not change."""


class Leaves:
    """This server's leaf links. Implements `LeafAcceptor` and `LeafConnector`."""

    def __init__(self, host: Host, needs: LeafNeeds, seed: int) -> None:
        """`seed` is from 1 to 2**64 - 1."""
        self._host = host
        self.needs = needs
        self.sessions: dict[int, LeafSession] = {}
        """Live links by number, those without a handshake included."""
        self.interest = LinkInterest()
        draw = Draw(seed)
        self._loop_subject = LOOP_SUBJECTS + _loop_name(needs.cluster, draw)
        scheduler, events = host.scheduler, host.events
        limits = host.limits
        self._pings = KeepAlive(scheduler, events, limits.ping_interval, limits.ping_max)
        login = needs.listener.auth_timeout if needs.listener is not None else LOGIN_SECONDS
        self._logins: DueQueue[LeafSession] = DueQueue(scheduler, login, _expire)
        self._verdicts: DueQueue[LeafSession] = DueQueue(scheduler, max(login, ANSWER_SECONDS), _expire)
        self._draw = draw
        self._redials = [self._redial(remote) for remote in needs.remotes]
        self._dialled: dict[int, LeafRedial] = {}
        """Of links that we have dialled, by number."""
        self._waiting: dict[int, AcceptedLeaf] = {}
        """Of links that were accepted, those that have not logged in, the oldest first."""
        self._port = needs.listener.port if needs.listener is not None else 0
        self._stopping = False
        self._announced: tuple[str, ...] = ()
        """The addresses that were sent to leaf nodes last."""
        host.greeting.others_changed = self._inform_leaves

    # --- what links ask ----------------------------------------------------------------------

    @property
    def loop_subject(self) -> bytes:
        """See `LeafLinks`."""
        return self._loop_subject

    @property
    def denied(self) -> tuple[str, ...]:
        """See `LeafLinks`: a server with streams keeps what belongs to them."""
        return STREAM_SUBJECTS if self.needs.jetstream else ()

    @property
    def gatekeeper(self) -> Gatekeeper:
        """See `LeafAcceptor`."""
        return self.needs.gatekeeper

    @property
    def min_version(self) -> str:
        """See `LeafAcceptor`."""
        return self.needs.listener.min_version if self.needs.listener is not None else ""

    @property
    def server_name(self) -> str:
        """What other servers call this one."""
        info = self._host.greeting.info
        return info.server_name or info.server_id

    @property
    def cluster(self) -> str:
        """Its cluster, or its own name where it has none."""
        return self.needs.cluster or self.server_name

    def is_own_cluster(self, cluster: str) -> bool:
        """See `LeafAcceptor`."""
        return bool(self.needs.cluster) and cluster == self.needs.cluster

    @property
    def _has_headers(self) -> bool:
        return self._host.compatibility is Compatibility.CURRENT

    @property
    def _protocol(self) -> int:
        return PROTOCOL if self._host.tracing is None else TRACING

    def info(self) -> LeafInfo:
        """See `LeafAcceptor`."""
        listener = self.needs.listener or LeafListenerSettings("", 0)
        own = self._host.greeting.info
        return LeafInfo(
            server_id=own.server_id,
            server_name=self.server_name,
            version=LEAF_VERSION,
            proto=self._protocol,
            host=listener.host,
            port=self._port,
            headers=self._has_headers,
            auth_required=True,
            tls_required=listener.tls_required,
            tls_verify=listener.tls_verify,
            max_payload=self._host.limits.max_payload,
            cluster=self.needs.cluster,
            leafnode_urls=self.announced_urls,
            ldm=own.ldm,
            info_on_connect=True,
            jetstream=self.needs.jetstream,
            domain=self.needs.domain,
        )

    @property
    def announced_urls(self) -> tuple[str, ...]:
        """Where leaf nodes may dial this server and its cluster; they insist on one address at least.

        In lame duck mode its cluster alone.
        """
        own = () if self._host.greeting.info.ldm else self._own_urls
        return tuple(dict.fromkeys([*own, *self._host.greeting.others_for_leaves()]))

    @property
    def _own_urls(self) -> tuple[str, ...]:
        listener = self.needs.listener
        if listener is None:
            return ()
        if listener.advertised and listener.advertise:
            return (with_port(listener.advertised, self._port),)
        return (joined(listener.host, self._port),)

    def connect(self, session: DialledLeaf, login: LeafLogin) -> LeafConnect:
        """See `LeafConnector`."""
        settings = session.remote.settings
        return LeafConnect(
            version=LEAF_VERSION,
            user=login.user,
            password=login.password,
            auth_token=login.token,
            jwt=login.jwt,
            nkey=login.nkey,
            sig=login.sig,
            server_id=self._host.greeting.info.server_id,
            name=self.server_name,
            cluster=self.cluster,
            headers=self._has_headers,
            remote_account=GLOBAL,
            compress_mode="off",
            is_hub=settings.hub,
            deny_pub=settings.deny_imports,
            jetstream=self.needs.jetstream,
            domain=self.needs.domain,
            protocol=self._protocol,
        )

    def discovered(self, session: DialledLeaf, urls: tuple[str, ...]) -> None:
        """See `LeafConnector`."""
        redial = self._dialled.get(session.number)
        if redial is not None:
            redial.discovered(urls)

    def login_pending(self, session: AcceptedLeaf) -> None:
        """See `LeafAcceptor`."""
        self._logins.discard(session)
        self._verdicts.add(session)

    def login_over(self, session: AcceptedLeaf) -> None:
        """See `LeafAcceptor`."""
        self._logins.discard(session)
        self._verdicts.discard(session)

    def hub_leaves(self, session: DialledLeaf, *, again: bool) -> None:
        """See `LeafConnector`: go to another hub, if one is known."""
        redial = self._dialled.get(session.number)
        has_other = redial is not None and redial.leave(session.url)
        if has_other or not again:
            session.report(LeafHubLeaves(session.connection.link, session.name, has_other))
        if has_other:
            session.parting = "the hub is in lame duck mode"
            session.connection.close()

    # --- links ---------------------------------------------------------------------------------

    def listening_on(self, port: int) -> None:
        """Name the real port from now on, to leaf nodes and to other servers of the cluster."""
        self._port = port
        listener = self.needs.listener
        is_named = listener is not None and listener.advertise
        self._host.greeting.own_leaf_urls = self._own_urls if is_named else ()
        self._announced = self.announced_urls

    def use_listener(self, listener: LeafListenerSettings | None) -> bool:
        """Use these settings of the listener from now on, at the same port. Whether addresses changed."""
        before, own = self._announced, self._host.greeting.own_leaf_urls
        self.needs = replace(self.needs, listener=listener)
        self.listening_on(self._port)
        self._announced = before
        self._inform_leaves()
        return own != self._host.greeting.own_leaf_urls

    def _inform_leaves(self) -> None:
        """Send INFO again to leaf nodes that know other addresses than there are."""
        if self._announced != self.announced_urls:
            self.introduce_again()

    def introduce_again(self) -> None:
        """Send INFO again to all leaf nodes; in lame duck mode it asks them to go to other servers."""
        self._announced = self.announced_urls
        for session in self.established():
            if isinstance(session, AcceptedLeaf):
                session.inform()

    def solicit(self) -> None:
        """Dial all hubs, and go on until there is a link to each."""
        for redial in self._redials:
            redial.start()

    @property
    def remotes(self) -> list[LeafRemote]:
        """The hubs that are dialled."""
        return [redial.remote for redial in self._redials]

    def _redial(self, remote: LeafRemote) -> LeafRedial:
        return LeafRedial(remote, self._host.scheduler, self._host.events, self._draw, self._open)

    def use_remotes(self, remotes: Sequence[LeafRemote]) -> None:
        """Let these be the remotes from now on: dial what is new, close links to what is none any more."""
        known = {id(redial.remote): redial for redial in self._redials}
        self._redials = [
            known.pop(id(remote)) if id(remote) in known else self._redial(remote) for remote in remotes
        ]
        for redial in known.values():
            redial.stop()
        for number, redial in list(self._dialled.items()):
            if redial.stopped:
                self.sessions[number].parting = "the remote is removed"
                self.sessions[number].connection.close()
        for redial in self._redials:
            if not (redial.started or self._stopping):
                redial.start()

    def accept(self, wire: Wire) -> Handler:
        """Take on a leaf node that has dialled us."""
        connection = Connection(self._host, self._host.next_number(), wire, PeerKind.LEAF)
        session = AcceptedLeaf(self._host, self, connection, self.needs.make_nonce())
        self.sessions[connection.cid] = session
        if len(self._waiting) >= MOST_WAITING:
            next(iter(self._waiting.values())).connection.close()
        self._waiting[connection.cid] = session
        session.greet()
        return connection

    def _open(self, redial: LeafRedial, url: LeafUrl, wire: Wire) -> Handler:
        """Take on a hub that we have dialled."""
        connection = Connection(self._host, self._host.next_number(), wire, PeerKind.HUB)
        session = DialledLeaf(self._host, self, connection, redial.remote, url)
        self.sessions[connection.cid] = session
        self._dialled[connection.cid] = redial
        return connection

    def opened(self, connection: Connection) -> None:
        """A link can be talked over: time runs for the other end."""
        session = self.sessions.get(connection.cid)
        redial = self._dialled.get(connection.cid)
        if session is None or self._stopping or (redial is not None and redial.stopped):
            connection.close()
        elif isinstance(session, DialledLeaf):
            wait = max(FIRST_INFO_SECONDS, session.remote.settings.first_info_timeout)
            expire = partial(self._expire_info, session)
            self._host.scheduler.call_later(wait, partial(connection.guard, expire))
        else:
            self._logins.add(session)

    def _expire_info(self, session: DialledLeaf) -> None:
        """The other end had time for its first INFO; from then on it has some for its answer."""
        if session.connection.closed or session.established:
            return
        if session.info is None:
            session.login_expired()
        else:
            self._verdicts.add(session)

    def begin(self, session: LeafSession) -> None:
        """See `LeafLinks`."""
        connection = session.connection
        self._logins.discard(session)
        self._verdicts.discard(session)
        self._waiting.pop(session.number, None)
        self._pings.add(connection)
        self._pings.ping_soon(connection)
        if session.number in self._dialled:
            self._dialled[session.number].established()
        connection.report(LeafCreated(connection.link, session.solicited))
        if isinstance(session, AcceptedLeaf):
            self._replace(session)
        self._send_all(session)

    def _replace(self, session: AcceptedLeaf) -> None:
        """Close another link of the same server: it has come in again before we knew of its end."""
        for other in list(self.sessions.values()):
            if not isinstance(other, AcceptedLeaf) or other is session or not other.established:
                continue
            if (other.name, other.remote_account) == (session.name, session.remote_account):
                other.report(LeafReplaced(other.connection.link, other.name))
                other.refuse(DuplicateLeaf())

    def closed(self, session: LeafSession) -> None:
        """See `LeafLinks`: forget the link, and dial the hub again."""
        number = session.number
        self.sessions.pop(number, None)
        self._waiting.pop(number, None)
        self._pings.discard(session.connection)
        self._logins.discard(session)
        self._verdicts.discard(session)
        if session.established:
            link = session.connection.link
            reason = "this server stops" if self._stopping else session.reason
            session.report(LeafClosed(link, reason, session.name))
        redial = self._dialled.pop(number, None)
        if redial is not None and not self._stopping:
            redial.lost(
                session.reason, refused=session.parting.startswith(_LASTING), was_up=session.established
            )

    # --- interest --------------------------------------------------------------------------------

    def _send_all(self, session: LeafSession) -> None:
        """Send a new link all there is to hear of: a slice at once, and more as it takes them.

        What comes and goes meanwhile is sent in between: a line may come twice, and one that
        something is gone before it was announced, which both mean nothing.
        """
        self.interest.open(session)
        session.connection.outbox.send(b"LS+ %b\r\n" % self._loop_subject)
        connection = session.connection
        sent = partial(connection.report, LeafInterestSent(connection.link))
        send_sliced(connection, self._host.scheduler, self.interest.lines_for(session), sent)

    def subscriptions_of_leaves(self) -> Iterator[Mapping[bytes, Subscription]]:
        """What our leaf nodes listen to, link by link."""
        for session in list(self.sessions.values()):
            if session.kind is PeerKind.LEAF:
                yield session.subscriptions

    def find(self, number: int, sid: bytes) -> Subscription | None:
        """The subscription of a leaf node that other servers know by this name."""
        session = self.sessions.get(number)
        if session is None or session.kind is not PeerKind.LEAF:
            return None
        return session.subscriptions.get(sid)

    def find_line(self, number: int, names: list[bytes]) -> Target | None:
        """The place for messages to these queue groups of a leaf node, in one line; None without the link."""
        session = self.sessions.get(number)
        if session is None or session.kind is not PeerKind.LEAF:
            return None
        known = next(iter(session.subscriptions.values()), None)
        return known.target.under(b" ".join(names)) if known is not None else None

    # --- the outside -------------------------------------------------------------------------------

    @property
    def port(self) -> int:
        """Where it really listens for leaf nodes; 0 without a listener."""
        return self._port

    def apply(self, limits: Limits) -> None:
        """Let other limits hold from now on."""
        self._pings.set_limits(limits.ping_interval, limits.ping_max)

    def established(self) -> list[LeafSession]:
        """The links whose handshake is over."""
        return [session for session in self.sessions.values() if session.established]

    def stop(self) -> None:
        """Dial no more hubs; links stay until they are closed."""
        self._stopping = True
        for redial in self._redials:
            redial.stop()

    def connections(self) -> list[Connection]:
        """Those of all links."""
        return [session.connection for session in self.sessions.values()]


def _loop_name(cluster: str, draw: Draw) -> bytes:
    """What is drawn for a server that is alone, and is the same on all servers of a cluster.

    What one of them has announced to its hub must not come to another one by another hub either.
    """
    numbers = [draw.below(len(_LETTERS)) for _ in range(_LOOP_LETTERS)]
    if cluster:
        digest = hashlib.blake2b(cluster.encode("utf-8", "replace"), digest_size=_LOOP_LETTERS).digest()
        numbers = [each % len(_LETTERS) for each in digest]
    return "".join(_LETTERS[number] for number in numbers).encode()


def _expire(session: LeafSession) -> None:
    session.connection.guard(session.login_expired)
