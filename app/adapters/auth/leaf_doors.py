"""Who leaf nodes are at the door: users of their own, or those of clients."""

from ...domain.credentials import Answer, Credentials, Gatekeeper, Identity, PendingVerdict
from ...ports.authenticator import Authenticator


class LeafGatekeeper(Gatekeeper):
    """Judges leaves, and knows who one without credentials is."""

    def __init__(self, authenticator: Authenticator, anonymous: Identity | None = None) -> None:
        """`anonymous` is who a leaf without credentials is; None refuses it where a login is required."""
        self.authenticator = authenticator
        self.anonymous = anonymous

    @property
    def required(self) -> bool:
        return self.authenticator.required

    def check(self, credentials: Credentials, answer: Answer) -> PendingVerdict | None:
        if credentials.is_empty and not credentials.jwt and self.anonymous is not None:
            answer(self.anonymous)
            return None
        return self.authenticator.check(credentials, answer)
