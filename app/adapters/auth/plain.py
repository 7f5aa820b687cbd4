"""Authenticators that answer at once: everybody, one user, one token."""

import hmac

from app.adapters.auth.secret import encoded
from app.domain.credentials import Answer, Credentials, Identity
from app.ports.authenticator import Authenticator


class OpenDoor(Authenticator):
    """Lets everybody in, unasked, and believes no name: nobody has proven one."""

    required = False

    def check(self, credentials: Credentials, answer: Answer) -> None:  # noqa: ARG002 - it judges no one
        answer(Identity())

    def close(self) -> None:
        """Nothing to let go of."""


class SingleUser(Authenticator):
    """Lets in who knows the one user's name and plain-text password."""

    required = True

    def __init__(self, user: str, password: str) -> None:
        self._user = user
        self._password = password

    def check(self, credentials: Credentials, answer: Answer) -> None:
        user = _same(credentials.user, self._user)
        password = _same(credentials.password, self._password)
        answer(Identity(self._user) if user and password else None)

    def close(self) -> None:
        """Nothing to let go of."""


class SingleToken(Authenticator):
    """Lets in who knows the plain-text token."""

    required = True

    def __init__(self, token: str) -> None:
        self._token = token

    def check(self, credentials: Credentials, answer: Answer) -> None:
        answer(Identity() if _same(credentials.token, self._token) else None)

    def close(self) -> None:
        """Nothing to let go of."""


def _same(given: str, expected: str) -> bool:
    """Compare in a time that does not tell where they differ."""
    return hmac.compare_digest(encoded(given), encoded(expected))
