"""Unit tests of the names of cipher suites."""

import pytest

from app.domain.security.cipher_suites import PREFERRED, SUITES, iana_name, openssl_name


def test_seventeen_suites() -> None:
    """There are those of gnatsd and two more, and the preferred ones come first."""
    assert 17 == len(set(SUITES))
    assert PREFERRED == SUITES[: len(PREFERRED)]
    assert all("_ECDHE_" in suite and suite.split("_")[-2] in ("GCM", "POLY1305") for suite in PREFERRED)


@pytest.mark.parametrize("suite", SUITES)
def test_suites_have_two_names(suite: str) -> None:
    """What OpenSSL calls a suite leads back to what operators call it."""
    assert suite == iana_name(openssl_name(suite))


def test_suites_of_tls_1_3_have_one_name() -> None:
    """OpenSSL and IANA agree on them."""
    assert "TLS_AES_128_GCM_SHA256" == iana_name("TLS_AES_128_GCM_SHA256")
