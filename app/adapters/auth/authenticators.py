"""The authenticators of our own: no check at all, users by password, one shared token."""

from collections.abc import Mapping
from hashlib import blake2b

from ...domain.permissions.rules import Permissions
from ...domain.security.credentials import NAMELESS, Answer, Credentials, Identity, PendingVerdict
from ...ports.authenticator import Authenticator, AuthError
from .hash_workers import HashWorkers
from .secret import Secret, encoded, read_secret

NO_RULES: Mapping[str, Permissions] = {}


class AllowAll(Authenticator):
    """Accepts every client, and accepts no name as proven."""

    required = False

    def check(self, credentials: Credentials, answer: Answer) -> None:  # noqa: ARG002 - it reads none
        answer(NAMELESS)

    def close(self) -> None:
        """Nothing to release."""


class PasswordAuthenticator(Authenticator):
    """Accepts clients that know a user's password; one user, or several.

    An unknown user costs the time of a known one: the password is compared with that of a
    configured user, always the same one for the same name, and the result is dropped. So
    the time reveals nothing, even where some passwords are hashed and some are not. Each
    step is made for every name, known or not.
    """

    required = True

    def __init__(
        self,
        passwords: Mapping[str, str],
        workers: HashWorkers,
        permissions: Mapping[str, Permissions] = NO_RULES,
    ) -> None:
        """`passwords` by user, at least one; plain or hashed. Raises `AuthError`.

        Users without `permissions` may do everything.
        """
        self._permissions = dict(permissions)
        self._secrets = {
            user: _read(text, f"the password of user {user!r}") for user, text in passwords.items()
        }
        self._decoys = list(self._secrets.values())
        # From the configuration, and unknown to others: a restart changes none.
        texts = "\0".join(f"{user}\0{text}" for user, text in passwords.items())
        self._key = blake2b(encoded(texts)).digest()
        self._workers = workers

    def check(self, credentials: Credentials, answer: Answer) -> PendingVerdict | None:
        dummy = self._dummy_secret(credentials.user)
        identity = Identity(credentials.user, permissions=self._permissions.get(credentials.user))
        secret = self._secrets.get(credentials.user)
        known = secret is not None
        return self._workers.compare(
            dummy if secret is None else secret,
            credentials.password,
            lambda matches: answer(identity if matches and known else None),
        )

    def _dummy_secret(self, user: str) -> Secret:
        """The secret that an unknown `user` is compared with."""
        digest = blake2b(encoded(user), key=self._key).digest()
        return self._decoys[int.from_bytes(digest) % len(self._decoys)]

    def close(self) -> None:
        self._workers.close()


class TokenAuthenticator(Authenticator):
    """Accepts clients that know the token; they have no names."""

    required = True

    def __init__(self, token: str, workers: HashWorkers) -> None:
        """`token` is plain or hashed. Raises `AuthError`."""
        self._secret = _read(token, "the token")
        self._workers = workers

    def check(self, credentials: Credentials, answer: Answer) -> PendingVerdict | None:
        return self._workers.compare(
            self._secret,
            credentials.token,
            lambda matches: answer(NAMELESS if matches else None),
        )

    def close(self) -> None:
        self._workers.close()


def _read(text: str, owner: str) -> Secret:
    try:
        return read_secret(text)
    except AuthError as error:
        raise AuthError(f"{owner} {error}") from None
