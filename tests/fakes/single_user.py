"""An authenticator that answers at once: one user with a plain-text password."""

from app.domain.credentials import Answer, Credentials, Identity
from app.ports.authenticator import Authenticator


class SingleUser(Authenticator):
    """Accepts one name with one password."""

    required = True

    def __init__(self, user: str, password: str) -> None:
        self._known = (user, password)

    def check(self, credentials: Credentials, answer: Answer) -> None:
        """Answer within this call."""
        right = self._known == (credentials.user, credentials.password)
        answer(Identity(credentials.user) if right else None)

    def close(self) -> None:
        """Nothing to release."""
