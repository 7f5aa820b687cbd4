"""Credentials for a hub: the login of a URL, a seed, or a creds file."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from ...domain.leaf.leaf_url import LeafUrl
from ...domain.leaf.settings import LeafCredentials, LeafLogin, LeafLoginError
from ...domain.security.nkey import public_user_text, signature_text, user_seed
from ...ports.authenticator import AuthError
from .creds_file import CredsError, read_creds


@dataclass(frozen=True, slots=True)
class RemoteLogin:
    """What an operator says about the login at one hub."""

    urls: Sequence[LeafUrl] = ()
    creds_file: str = ""
    seed: str = field(default="", repr=False)


class RemoteCredentials(LeafCredentials):
    """Logs in at the hubs of one remote.

    Hubs that were discovered get the login of the first URL that has one, as with nats-server. A creds
    file is read for each login, so that it can be renewed. The user of a URL goes along with a signature.
    """

    def __init__(self, login: RemoteLogin) -> None:
        """Raises `AuthError` for a file that cannot be used."""
        self._login = login
        self._shared = next((url for url in login.urls if url.has_login), None)
        if login.creds_file:
            try:
                read_creds(login.creds_file)
            except CredsError as error:
                raise AuthError(str(error)) from None

    def login(self, url: LeafUrl, nonce: str) -> LeafLogin:
        shown = url if url.has_login else self._shared_with(url)
        login = LeafLogin(shown.user, shown.password, shown.token)
        if self._login.creds_file:
            try:
                creds = read_creds(self._login.creds_file)
            except CredsError as error:
                raise LeafLoginError(str(error)) from None
            return replace(login, jwt=creds.jwt, sig=_signed(creds.seed, nonce)[1])
        if self._login.seed:
            public, sig = _signed(self._login.seed, nonce)
            return replace(login, nkey=public, sig=sig)
        return login

    def _shared_with(self, url: LeafUrl) -> LeafUrl:
        """The URL whose login is shown to a hub that has none of its own: it was discovered."""
        if self._shared is None or url in self._login.urls:
            return url
        return self._shared


def _signed(seed: str, nonce: str) -> tuple[str, str]:
    """The public key of a valid seed, and its signature of a nonce."""
    # Loaded here, so that a server without nkeys does without it.
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415 - see above
        Ed25519PrivateKey,
    )

    raw = user_seed(seed)
    if raw is None:
        raise LeafLoginError("the seed of the remote is not valid")
    key = Ed25519PrivateKey.from_private_bytes(raw)
    return public_user_text(key.public_key().public_bytes_raw()), signature_text(key.sign(nonce.encode()))
