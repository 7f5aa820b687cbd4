"""Authenticators that know whom they let in: users by password, or the bearer of a token."""

from collections.abc import Mapping
from hashlib import blake2b

from app.adapters.auth.errors import AuthError
from app.adapters.auth.hash_bench import HashBench
from app.adapters.auth.secret import Secret, encoded, read_secret
from app.domain.credentials import Answer, Credentials, Identity, PendingVerdict
from app.ports.authenticator import Authenticator


class Users(Authenticator):
    """Lets in who knows a user's password; one user, or several.

    A user nobody knows costs the time of one who exists: the password is compared
    with that of a configured user, always the same one for the same name, and the
    verdict is dropped. So time tells nothing, even where some passwords are hashed
    and some are not. Each step is made for every name, known or not.
    """

    required = True

    def __init__(self, passwords: Mapping[str, str], bench: HashBench) -> None:
        """`passwords` by user, at least one; plain or hashed. Raises `AuthError`."""
        self._secrets = {
            user: _read(text, f"the password of user {user!r}") for user, text in passwords.items()
        }
        self._stand_ins = list(self._secrets.values())
        # From the configuration, and unknown to others: a restart changes no stand-in.
        texts = "\0".join(f"{user}\0{text}" for user, text in passwords.items())
        self._key = blake2b(encoded(texts)).digest()
        self._bench = bench

    def check(self, credentials: Credentials, answer: Answer) -> PendingVerdict | None:
        stand_in, identity = self._stand_in(credentials.user), Identity(credentials.user)
        secret = self._secrets.get(credentials.user)
        known = secret is not None
        return self._bench.compare(
            stand_in if secret is None else secret,
            credentials.password,
            lambda right: answer(identity if right and known else None),
        )

    def _stand_in(self, user: str) -> Secret:
        digest = blake2b(encoded(user), key=self._key).digest()
        return self._stand_ins[int.from_bytes(digest) % len(self._stand_ins)]

    def close(self) -> None:
        self._bench.close()


class TokenBearers(Authenticator):
    """Lets in who knows the token; they have no names."""

    required = True

    def __init__(self, token: str, bench: HashBench) -> None:
        """`token` is plain or hashed. Raises `AuthError`."""
        self._secret = _read(token, "the token")
        self._bench = bench

    def check(self, credentials: Credentials, answer: Answer) -> PendingVerdict | None:
        return self._bench.compare(
            self._secret,
            credentials.token,
            lambda right: answer(Identity() if right else None),
        )

    def close(self) -> None:
        self._bench.close()


def _read(text: str, owner: str) -> Secret:
    try:
        return read_secret(text)
    except AuthError as error:
        raise AuthError(f"{owner} {error}") from None
