"""Users by nkey: a client signs the nonce of its connection (later-client-features.md, section 6)."""

from collections.abc import Mapping, Sequence

from ...domain.permissions.rules import Permissions
from ...domain.security.credentials import Answer, Credentials, Identity, PendingVerdict
from ...domain.security.nkey import public_user_key, signature_bytes
from ...ports.authenticator import Authenticator, AuthError
from .authenticators import NO_RULES


class NkeyAuthenticator(Authenticator):
    """Accepts clients that sign with the key of a user; those without an nkey are left to another.

    An unknown key costs the time of a known one: the signature is compared with the first key's,
    and the result is dropped.
    """

    required = True

    def __init__(
        self,
        nkeys: Sequence[str],
        others: Authenticator | None = None,
        permissions: Mapping[str, Permissions] = NO_RULES,
    ) -> None:
        """`nkeys` are public keys, at least one; `others` judges clients without. Raises `AuthError`.

        Keys without `permissions` may do everything.
        """
        # Loaded here, so that a server without nkeys does without it.
        from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - see above
        from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415 - see above
            Ed25519PublicKey,
        )

        self._invalid = InvalidSignature
        self._keys = {text: Ed25519PublicKey.from_public_bytes(_key_of(text)) for text in nkeys}
        self._dummy_key = self._keys[nkeys[0]]
        self._others = others
        self._permissions = dict(permissions)

    def check(self, credentials: Credentials, answer: Answer) -> PendingVerdict | None:
        if not credentials.nkey and self._others is not None:
            return self._others.check(credentials, answer)
        nkey = credentials.nkey
        identity = Identity(nkey, permissions=self._permissions.get(nkey))
        answer(identity if self._is_signed(credentials) else None)
        return None

    def _is_signed(self, credentials: Credentials) -> bool:
        key = self._keys.get(credentials.nkey)
        signature = signature_bytes(credentials.sig)
        if signature is None or not credentials.nonce:
            return False
        try:
            (key or self._dummy_key).verify(signature, credentials.nonce.encode())
        except self._invalid:
            return False
        return key is not None

    def close(self) -> None:
        if self._others is not None:
            self._others.close()


def _key_of(text: str) -> bytes:
    key = public_user_key(text)
    if key is None:
        raise AuthError("Not a valid public nkey for a user")
    return key
