"""Reauthorized session: a client's session after a reload of users and rights (ADR 0052)."""

from abc import abstractmethod

from ..connection_type import ConnectionType
from ..events import AuthorizationFailed
from ..hooks.hook_event import HookPoint
from ..limits import Limits
from ..protocol.errors import AuthorizationViolation
from ..security.credentials import NAMELESS, Identity
from ..security.reauthorization import Dismissal, Login
from .peer import PeerSession
from .permission_guard import PermissionGuard, removal


class Reauthorized(PeerSession):
    """What a client's session needs for that. Implements `reauthorization.AuthorizedClient`."""

    __slots__ = ()

    identity: Identity | None
    _guard: PermissionGuard | None
    _logged_in: bool

    @property
    def _asks_hooks(self) -> bool:
        """Whether hooks decide about logins."""
        hooks = self.host.hooks
        return hooks is not None and hooks.asks(HookPoint.CONNECT)

    @abstractmethod
    def _become(self, identity: Identity) -> None:
        """Take the rights of this identity."""

    @abstractmethod
    def _be_nobody(self) -> None:
        """Do nothing but CONNECT from now on."""

    @property
    @abstractmethod
    def _anonymous(self) -> Identity | None:
        """Who it is without credentials."""

    @property
    @abstractmethod
    def _connection_type(self) -> ConnectionType:
        """Where it came in."""

    @property
    @abstractmethod
    def user(self) -> str:
        """Whom it logged in as."""

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
        if self.identity is None:
            return False  # its verdict is still to come
        if isinstance(verdict, Identity):
            return self._stay_as(verdict)
        self.connection.closes_for(AuthorizationViolation.closing)
        if verdict is Dismissal.CHANGED:
            self.refuse(AuthorizationViolation())
        else:
            self.end(AuthorizationFailed(self.connection.link))
        return False

    @property
    def _has_acted(self) -> bool:
        return bool(self.lines or self.connection.inlet.in_msgs)

    def _begin_again(self) -> bool:
        """Admit the client as if it had just come in."""
        identity = self._anonymous if self.host.gatekeeper.required else NAMELESS
        if not self.host.gatekeeper.required:
            self.host.login_over(self.connection)
        if identity is not None and not self._asks_hooks:
            return self._stay_as(identity)
        self._be_nobody()
        self.host.login_due(self.connection)
        return False

    def _stay_as(self, identity: Identity) -> bool:
        """Be this one from now on; whether the rules are others."""
        before = self.identity.permissions if self.identity is not None else None
        self._become(identity)
        if identity.permissions == before:
            return False
        self._recheck()
        return True

    def _recheck(self) -> None:
        """End the subscriptions that are not allowed any more, and filter the others anew."""
        guard = self._guard
        for one in list(self.subscriptions.values()):
            stays, rule = guard.filter_now(one) if guard is not None else (True, None)
            if not stays and guard is not None:
                self._remove(one)
                self.refuse(removal(one))
                guard.report_removed(one, self.user)
            elif rule is not one.filter:
                self.host.interest.refilter(one, rule)
