"""Users that may use only some of the listeners (`allowed_connection_types`)."""

from collections.abc import Collection, Mapping

from ...domain.security.credentials import Answer, Credentials, Identity, PendingVerdict
from ...ports.authenticator import Authenticator


class ListedListeners(Authenticator):
    """Refuses a client that was let in at another listener than those of its user."""

    def __init__(self, inner: Authenticator, listeners: Mapping[str, Collection[str]]) -> None:
        """`listeners` are by user or public nkey, each the words of connection types."""
        self._inner = inner
        self._listeners = dict(listeners)

    @property
    def required(self) -> bool:
        return self._inner.required

    def check(self, credentials: Credentials, answer: Answer) -> PendingVerdict | None:
        here = credentials.connection_type.value

        def at_listener(identity: Identity | None) -> None:
            allowed = None if identity is None else self._listeners.get(identity.user)
            answer(identity if allowed is None or here in allowed else None)

        return self._inner.check(credentials, at_listener)

    def close(self) -> None:
        self._inner.close()
