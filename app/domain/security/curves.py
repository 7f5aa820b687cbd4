"""Curves for key agreement in TLS: nats-server's names, which operators write, and OpenSSL's."""

from collections.abc import Sequence

_CLASSIC = {
    "X25519": "X25519",
    "CurveP256": "prime256v1",
    "CurveP384": "secp384r1",
    "CurveP521": "secp521r1",
}
_HYBRID = {
    "X25519MLKEM768": "X25519MLKEM768",
    "SecP256r1MLKEM768": "SecP256r1MLKEM768",
    "SecP384r1MLKEM1024": "SecP384r1MLKEM1024",
}
"""Post-quantum groups. OpenSSL knows them from 3.5 on, and by these names only in a list."""

CURVES = (*_CLASSIC, *_HYBRID)
"""All names that an operator may write."""


def openssl_curve(name: str) -> str:
    """OpenSSL's name of a curve. Raises `KeyError` when it is none of `CURVES`."""
    return (_CLASSIC | _HYBRID)[name]


def effective_curves(names: Sequence[str], *, lists: bool) -> tuple[str, ...]:
    """Which of `names` can be set: all where the interpreter sets `lists`, else one curve that is no hybrid.

    Before Python 3.15 an `ssl.SSLContext` has `set_ecdh_curve`, for a single curve, alone. The first
    of the names is taken, so that no curve is used that the operator did not name.
    """
    return tuple(names) if lists else tuple(name for name in names if name in _CLASSIC)[:1]
