"""Leaf gatekeeper: logins of leaf nodes, by users of their own or by those of clients."""

from ...domain.security.credentials import Answer, Credentials, Gatekeeper, Identity, PendingVerdict
from ...ports.authenticator import Authenticator


class LeafGatekeeper(Gatekeeper):
    """Judges leaves, and knows who one without credentials is."""

    def __init__(
        self, shared: Authenticator, own: Authenticator | None = None, anonymous: Identity | None = None
    ) -> None:
        """`shared` judges clients, too, and is asked unless there is one for leaves alone.

        `anonymous` is who a leaf without credentials is; None refuses it where a login is required.
        """
        self._shared = shared
        self._own = own
        self._anonymous = anonymous

    @property
    def authenticator(self) -> Authenticator:
        """The one that is asked."""
        return self._own or self._shared

    @property
    def required(self) -> bool:
        return self.authenticator.required

    def check(self, credentials: Credentials, answer: Answer) -> PendingVerdict | None:
        if credentials.is_empty and not credentials.jwt and self._anonymous is not None:
            answer(self._anonymous)
            return None
        return self.authenticator.check(credentials, answer)

    def switch(self, own: Authenticator | None, anonymous: Identity | None) -> None:
        """Ask this one from now on; checks under way stay unanswered, and leaves try again."""
        before, self._own = self._own, own
        self._anonymous = anonymous
        if before is not None:
            before.close()

    def close(self) -> None:
        """Close what is for leaves alone."""
        if self._own is not None:
            self._own.close()
