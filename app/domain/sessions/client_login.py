"""The login of a client: who it is before and after its CONNECT, and after a reload of users (ADR 0052)."""

from abc import abstractmethod
from dataclasses import replace
from functools import partial

from ..connection_type import ConnectionType
from ..events import AuthorizationFailed, AuthorizationTimedOut
from ..hooks.decisions import Refuse
from ..hooks.gate import Verdict
from ..hooks.hook_event import HookEvent, HookPoint
from ..limits import Limits
from ..permissions.rules import Permissions
from ..protocol import encode
from ..protocol.connect import Connect
from ..protocol.encode import PersonalInfo
from ..protocol.errors import AuthorizationTimeout, AuthorizationViolation, LoginRefused
from ..security.credentials import NAMELESS, Identity
from ..security.reauthorization import Dismissal, Login
from .asking_hooks import ask
from .connection import Connection
from .host import Host
from .peer import PeerSession
from .permission_guard import PermissionGuard, removal
from .shown_credentials import shown_credentials


class ClientLogin(PeerSession):
    """A client's session, as far as its login goes. Implements `reauthorization.AuthorizedClient`."""

    __slots__ = ("_guard", "_logged_in", "identity")

    _personal: PersonalInfo

    def __init__(self, host: Host, connection: Connection) -> None:
        """The client has sent no credentials yet."""
        asks_hooks = host.hooks is not None and host.hooks.asks(HookPoint.CONNECT)
        self.identity: Identity | None = None if host.gatekeeper.required or asks_hooks else NAMELESS
        """Who the client is; None as long as it may do nothing but CONNECT."""
        self._logged_in = False
        self._guard: PermissionGuard | None = None
        """None for a client without rules."""
        super().__init__(host, connection, admitted=self.identity is not None)

    @property
    def _asks_hooks(self) -> bool:
        """Whether hooks decide about logins."""
        hooks = self.host.hooks
        return hooks is not None and hooks.asks(HookPoint.CONNECT)

    @abstractmethod
    def _apply_options(self) -> None:
        """Have the data plane obey what the client is, and what it wants."""

    def configure(self, limits: Limits) -> None:
        """See `PeerSession`."""
        super().configure(limits)
        self._allow_briefs()

    def _allow_briefs(self) -> None:
        """Let the data plane keep brief subscriptions where nothing else is done about each one."""
        host = self.host
        is_logged = host.events.debug or host.events.trace
        self.connection.inlet.briefs = not (self._guard or host.limits.max_subscriptions or is_logged)
        host.plane.briefs.settle()

    # --- who it is -------------------------------------------------------------------

    @property
    def user(self) -> str:
        """The user it logged in as; empty before that, and where users have no names."""
        return self.identity.user if self.identity is not None else ""

    @property
    def permissions(self) -> Permissions | None:
        """See `PeerSession`."""
        return self.identity.permissions if self.identity is not None else None

    @property
    def _connection_type(self) -> ConnectionType:
        listener = self._personal.listener
        return ConnectionType.STANDARD if listener is None else listener.connection_type

    @property
    def _anonymous(self) -> Identity | None:
        """Who the client is if it sends no credentials; None if it must send some, or need not."""
        anonymous = self.host.anonymous
        return anonymous.get(self._connection_type) if anonymous else None

    # --- login -------------------------------------------------------------------

    def _log_in(self, connect: Connect) -> None:
        """Ask for a verdict, unless the client is logged in and sends no credentials."""
        gatekeeper = self.host.gatekeeper
        user = connect.user
        if user is None:
            user = self.user if self._logged_in else ""
        secret = connect.password or connect.auth_token or connect.nkey or connect.sig
        if self._logged_in and not secret and (gatekeeper.required or user == self.user):
            own = self.identity
            self.let_in(own if own is not None and own.user == user else Identity(user))
            return
        security, nonce = self.connection.wire.security, self._personal.nonce
        credentials = shown_credentials(user, connect, security, nonce, self._connection_type)
        if self._anonymous is not None and credentials.is_empty:
            self.let_in(self._anonymous)
        elif self.ask_for_verdict(gatekeeper, credentials):
            self.host.login_pending(self.connection)

    def let_in(self, identity: Identity) -> bool:
        """Log the client in, or let it continue; returns whether it may."""
        self.host.login_over(self.connection)
        if not self._may_become(identity):
            self.refuse(AuthorizationViolation())
            return False
        hooks = self.host.hooks
        if hooks is not None and self._asks_hooks and not self._logged_in:
            login = HookEvent(replace(self.hook_client, user=identity.user))
            ask(self, hooks, HookPoint.CONNECT, login, partial(self._let_in_if, identity))
        else:
            self._let_in(identity)
        return not self.connection.closed

    def _let_in_if(self, identity: Identity, verdict: Verdict) -> None:
        """Obey what hooks say of a login."""
        if isinstance(verdict, Refuse):
            self.refuse(LoginRefused(verdict.text))
        else:
            self._let_in(identity)

    def _let_in(self, identity: Identity) -> None:
        if not self._logged_in:
            self.host.client_in(self.connection)
        self._logged_in = True
        self._become(identity)
        if self.verbose:
            self.connection.send(encode.OK)

    def _begin_as_anonymous(self) -> None:
        """Let a client in that may do without a login, until its CONNECT says who it is."""
        identity = self._anonymous
        if identity is not None and not self._asks_hooks:
            self._become(identity)

    def _become(self, identity: Identity) -> None:
        """Take the rights of this identity; see `_may_become`."""
        before = self.identity
        if before is None or identity.permissions != before.permissions:
            self._obey(identity.permissions)
        rate = identity.publish_rate
        if before is None or rate != before.publish_rate:
            self.connection.meter = self.host.meter_of(identity, self.connection)
        self.identity = identity
        self.admitted = True
        self._apply_options()

    def _obey(self, permissions: Permissions | None) -> None:
        """Let these rules, and no others, hold from now on; what came before is obeyed by those before."""
        self.host.plane.briefs.settle()
        guard, self._guard = self._guard, None
        if guard is not None:
            guard.close()
        if permissions is not None and permissions != Permissions():
            self._guard = PermissionGuard(self.host, self.connection, permissions)

    def _may_become(self, identity: Identity) -> bool:
        """An identity never changes, but for one without credentials that has not subscribed yet."""
        is_bound = self._logged_in or (bool(self.subscriptions) and self._anonymous is not None)
        return not is_bound or identity == self.identity

    def _be_nobody(self) -> None:
        """Have no rights, until a login."""
        self._obey(None)
        self.identity, self.admitted = None, False
        self._apply_options()

    @property
    def _acts_as_anonymous(self) -> bool:
        """Whether the client uses no login, and has sent something."""
        return self.admitted and self._pending is None and self._has_acted

    def login_expired(self) -> None:
        """No CONNECT in time, or no verdict: one that is being made is waited for."""
        if self._acts_as_anonymous:
            return
        if self._pending is None or not self._pending.under_way:
            self.connection.closes_for(AuthorizationTimeout.closing)
            self.end(AuthorizationTimedOut(self.connection.link), self.wire_of(AuthorizationTimeout()))

    # --- after a reload ------------------------------------------------------------

    @property
    def awaits_verdict(self) -> bool:
        """See `AuthorizedClient`."""
        return self._pending is not None

    def login(self) -> Login:
        """See `AuthorizedClient`."""
        is_anonymous = not self.host.gatekeeper.required or self.identity is self._anonymous
        return Login(self.user, self._connection_type, is_anonymous)

    def reauthorize(self, verdict: Identity | Dismissal) -> bool:
        """See `AuthorizedClient`. One that has done nothing yet is as if it had come later."""
        if self.connection.closed:
            return False
        if self._pending is None and not self._logged_in and not self._has_acted:
            return self._begin_again()
        if self.identity is not None and isinstance(verdict, Identity):
            return self._stay_as(verdict)
        if self.awaits_verdict and not self._logged_in and not self.subscriptions:
            self._be_nobody()  # until its verdict
            return False
        self.connection.closes_for(AuthorizationViolation.closing)
        if self.identity is not None and verdict is Dismissal.CHANGED:
            self.refuse(AuthorizationViolation())
        else:  # or hooks are asked about one whom the former users let in: it comes back
            self.end(AuthorizationFailed(self.connection.link))
        return False

    @property
    def _has_acted(self) -> bool:
        return bool(self.lines or self.connection.inlet.in_msgs)

    def _begin_again(self) -> bool:
        """Admit the client as if it had just connected."""
        identity = self._anonymous if self.host.gatekeeper.required else NAMELESS
        if not self.host.gatekeeper.required:
            self.host.login_over(self.connection)
        if identity is not None and not self._asks_hooks:
            return self._stay_as(identity)
        self._be_nobody()
        self.host.login_due(self.connection)
        return False

    def _stay_as(self, identity: Identity) -> bool:
        """Take this identity from now on; returns whether the rules have changed."""
        before = self.identity.permissions if self.identity is not None else None
        self._become(identity)
        if identity.permissions == before:
            return False
        self._recheck()
        return True

    def _recheck(self) -> None:
        """End the subscriptions that are not allowed any more, and filter the others again."""
        guard = self._guard
        for one in list(self.subscriptions.values()):
            stays, rule = guard.filter_now(one) if guard is not None else (True, None)
            if not stays and guard is not None:
                self._remove(one)
                self.refuse(removal(one))
                guard.report_removed(one, self.user)
            elif rule is not one.filter:
                self.host.interest.refilter(one, rule)
