"""Names of cipher suites: IANA's, which operators write, and OpenSSL's.

The suites are those of gnatsd (configuration-file.md, section 4), and two of later servers for
machines that compute AES slowly. They are for TLS 1.2; the suites of TLS 1.3 are always on, need no
choice, and have one name only.
"""

_OPENSSL_BY_IANA = {
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": "ECDHE-ECDSA-AES256-GCM-SHA384",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": "ECDHE-ECDSA-AES128-GCM-SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": "ECDHE-RSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "ECDHE-RSA-AES128-GCM-SHA256",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-ECDSA-CHACHA20-POLY1305",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-RSA-CHACHA20-POLY1305",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA": "ECDHE-ECDSA-AES256-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA": "ECDHE-ECDSA-AES128-SHA",
    "TLS_ECDHE_ECDSA_WITH_RC4_128_SHA": "ECDHE-ECDSA-RC4-SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA": "ECDHE-RSA-AES256-SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA": "ECDHE-RSA-AES128-SHA",
    "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA": "ECDHE-RSA-DES-CBC3-SHA",
    "TLS_ECDHE_RSA_WITH_RC4_128_SHA": "ECDHE-RSA-RC4-SHA",
    "TLS_RSA_WITH_AES_256_CBC_SHA": "AES256-SHA",
    "TLS_RSA_WITH_AES_128_CBC_SHA": "AES128-SHA",
    "TLS_RSA_WITH_3DES_EDE_CBC_SHA": "DES-CBC3-SHA",
    "TLS_RSA_WITH_RC4_128_SHA": "RC4-SHA",
}
"""The best first."""

_IANA_BY_OPENSSL = {openssl: iana for iana, openssl in _OPENSSL_BY_IANA.items()}

SUITES = tuple(_OPENSSL_BY_IANA)
"""All suites that an operator may choose, by IANA's names."""

PREFERRED = SUITES[:6]
"""The suites that are used unless an operator chooses, the best first; all have forward secrecy."""


def openssl_name(suite: str) -> str:
    """OpenSSL's name of a suite. Raises `KeyError` when it is none of `SUITES`."""
    return _OPENSSL_BY_IANA[suite]


def iana_name(suite: str) -> str:
    """IANA's name of a suite that OpenSSL named; those of TLS 1.3 have the same name in both."""
    return _IANA_BY_OPENSSL.get(suite, suite)
