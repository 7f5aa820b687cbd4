"""Login review: which logins still hold after a change of users (ADR 0052)."""

from collections.abc import Mapping

from ...domain.connection_type import ConnectionType
from ...domain.security.credentials import Identity
from ...domain.security.reauthorization import Dismissal, Judge, Login
from .setup import AuthSettings


def judge_by(old: AuthSettings, new: AuthSettings, anonymous: Mapping[ConnectionType, Identity]) -> Judge:
    """The judge of clients that came in by `old`; `anonymous` are those without credentials from now on.

    A login holds if it would be made in the same way again, with the same secret.
    """

    def judge(login: Login) -> Identity | Dismissal:
        if not new.required:
            return Identity()
        if login.is_anonymous:
            return anonymous.get(login.connection_type, Dismissal.CHANGED)
        if old.authenticator or new.authenticator:
            return Dismissal.CHANGED
        return _of_user(login, old, new) if login.user else _of_token(old, new)

    return judge


def _of_user(login: Login, old: AuthSettings, new: AuthSettings) -> Identity | Dismissal:
    user = login.user
    if user not in new.users and user not in new.nkeys:
        return Dismissal.REMOVED
    allowed = new.listeners.get(user)
    if allowed is not None and login.connection_type.value not in allowed:
        return Dismissal.CHANGED
    is_mapped = login.connection_type in new.mapped
    if is_mapped != (login.connection_type in old.mapped) or old.users.get(user) != new.users.get(user):
        return Dismissal.CHANGED
    return Identity(user, permissions=new.permissions.get(user), publish_rate=new.publish_rates.get(user))


def _of_token(old: AuthSettings, new: AuthSettings) -> Identity | Dismissal:
    """Users take precedence over a token, and so do nkeys."""
    is_used = not new.users and not new.nkeys
    return Identity() if is_used and old.token == new.token else Dismissal.CHANGED
