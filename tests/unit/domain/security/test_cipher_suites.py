"""Unit tests of the names of cipher suites."""

import pytest

from app.domain.security.cipher_suites import PREFERRED, SUITES, iana_name, openssl_name


def test_fifteen_suites() -> None:
    """There are as many suites as in gnatsd, and the preferred ones come first."""
    assert 15 == len(set(SUITES))
    assert PREFERRED == SUITES[: len(PREFERRED)]
    assert all("_ECDHE_" in suite and "_GCM_" in suite for suite in PREFERRED)


@pytest.mark.parametrize("suite", SUITES)
def test_suites_have_two_names(suite: str) -> None:
    """What OpenSSL calls a suite leads back to what operators call it."""
    assert suite == iana_name(openssl_name(suite))


def test_suites_of_tls_1_3_have_one_name() -> None:
    """OpenSSL and IANA agree on them."""
    assert "TLS_AES_128_GCM_SHA256" == iana_name("TLS_AES_128_GCM_SHA256")
