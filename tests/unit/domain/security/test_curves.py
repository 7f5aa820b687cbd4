"""Unit tests of the curves of TLS."""

import pytest

from app.domain.security.curves import CURVES, effective_curves, openssl_curve


def test_names_of_nats_server_are_known() -> None:
    """All names of nats-server can be written, and OpenSSL has a name for each."""
    assert {
        "X25519": "X25519",
        "CurveP256": "prime256v1",
        "CurveP384": "secp384r1",
        "CurveP521": "secp521r1",
        "X25519MLKEM768": "X25519MLKEM768",
        "SecP256r1MLKEM768": "SecP256r1MLKEM768",
        "SecP384r1MLKEM1024": "SecP384r1MLKEM1024",
    } == {name: openssl_curve(name) for name in CURVES}


@pytest.mark.parametrize(
    ("names", "one"),
    [
        ((), ()),
        (("CurveP384", "X25519"), ("CurveP384",)),
        (("X25519MLKEM768", "X25519", "CurveP256"), ("X25519",)),
        (("X25519MLKEM768",), ()),
    ],
)
def test_curves_that_count(names: tuple[str, ...], one: tuple[str, ...]) -> None:
    """An interpreter that sets lists uses all names, another one the first that is no hybrid."""
    assert names == effective_curves(names, lists=True)
    assert one == effective_curves(names, lists=False)
