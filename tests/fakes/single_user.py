"""An authenticator that answers at once: one user with a plain-text password."""

from app.domain.permissions.rules import Permissions
from app.domain.security.credentials import Answer, Credentials, Identity
from app.ports.authenticator import Authenticator


class SingleUser(Authenticator):
    """Accepts one name with one password, and gives it these permissions."""

    required = True

    def __init__(self, user: str, password: str, permissions: Permissions | None = None) -> None:
        self._known = (user, password)
        self._permissions = permissions

    def check(self, credentials: Credentials, answer: Answer) -> None:
        """Answer within this call."""
        right = self._known == (credentials.user, credentials.password)
        answer(Identity(credentials.user, permissions=self._permissions) if right else None)

    def close(self) -> None:
        """Nothing to release."""
