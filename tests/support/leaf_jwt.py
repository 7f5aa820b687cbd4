"""Logins with a JWT, as nats-server checks them: an operator, an account, a user and the files for them."""

import base64
import json
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.support.nkeys import key_text, seed_text

_OPERATOR, _ACCOUNT, _USER = 0x70, 0x00, 0xA0
"""What a public key begins with: O, A or U."""


def _packed(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Issuer:
    """A key pair that signs claims; the same for the same `number`."""

    def __init__(self, number: int, prefix: int) -> None:
        raw = bytes([number]) * 32
        self._private = Ed25519PrivateKey.from_private_bytes(raw)
        self.public = key_text(self._private.public_key().public_bytes_raw(), prefix)
        self.seed = seed_text(raw, prefix)

    def sign(self, subject: str, name: str, claims: dict[str, object]) -> str:
        """A JWT about `subject`."""
        body = {
            "jti": name,
            "iat": 1_700_000_000,
            "iss": self.public,
            "name": name,
            "sub": subject,
            "nats": {**claims, "version": 2},
        }
        head = {"typ": "JWT", "alg": "ed25519-nkey"}
        text = ".".join(_packed(json.dumps(part, separators=(",", ":")).encode()) for part in (head, body))
        return f"{text}.{_packed(self._private.sign(text.encode()))}"


@dataclass(frozen=True, slots=True)
class JwtLogin:
    """What a server and a user need."""

    server: str
    """The sections of the configuration that trust the account."""
    creds: str
    """The file of a user that may log in."""
    wrong_creds: str
    """The file of a user whose key is not the one its JWT is about."""
    wrong_seed: str
    """That key."""


def jwt_login(folder: Path) -> JwtLogin:
    """Make them; the files of users are in `folder`."""
    operator, account, user, other = (
        Issuer(number, prefix)
        for number, prefix in ((11, _OPERATOR), (12, _ACCOUNT), (13, _USER), (14, _USER))
    )
    limits = dict.fromkeys(("subs", "data", "payload", "imports", "exports", "conn", "leaf"), -1)
    trusted = operator.sign(operator.public, "operator", {"type": "operator"})
    account_claims: dict[str, object] = {"type": "account", "limits": {**limits, "wildcards": True}}
    account_jwt = operator.sign(account.public, "account", account_claims)
    user_claims: dict[str, object] = {"type": "user", "subs": -1, "data": -1, "payload": -1}
    user_jwt = account.sign(user.public, "user", user_claims)
    server = f"""
        operator: "{trusted}"
        resolver: MEMORY
        resolver_preload {{ {account.public}: "{account_jwt}" }}
        """
    return JwtLogin(
        server,
        _creds(folder / "user.creds", user_jwt, user.seed),
        _creds(folder / "wrong.creds", user_jwt, other.seed),
        other.seed,
    )


def _creds(file: Path, jwt: str, seed: str) -> str:
    """Write a file as `nsc` does; its path."""
    file.write_text(
        f"-----BEGIN NATS USER JWT-----\n{jwt}\n------END NATS USER JWT------\n\n"
        f"************************* IMPORTANT *************************\n\n"
        f"-----BEGIN USER NKEY SEED-----\n{seed}\n------END USER NKEY SEED------\n"
    )
    file.chmod(0o600)
    return str(file)
