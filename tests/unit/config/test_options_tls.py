"""Unit tests of the section ``tls``."""

import pytest

from app.config.errors import ConfigError
from app.config.options import TlsOptions, make_options
from app.domain.cipher_suites import PREFERRED


def test_defaults() -> None:
    """A section that says nothing has gnatsd's timeout and its preferred suites."""
    assert TlsOptions() == make_options({"tls": {}}).tls
    assert (0.5, False, PREFERRED) == (
        TlsOptions().timeout,
        TlsOptions().verify,
        TlsOptions().cipher_suites,
    )


def test_without_the_section_there_is_no_tls() -> None:
    """Encryption is wanted only by those who ask for it."""
    assert make_options({}).tls is None


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"cert_file": 5}, "error parsing tls config, expected 'cert_file' to be filename"),
        ({"key_file": True}, "error parsing tls config, expected 'key_file' to be filename"),
        ({"ca_file": ("x",)}, "error parsing tls config, expected 'ca_file' to be filename"),
        ({"verify": "yes"}, "error parsing tls config, expected 'verify' to be a boolean"),
        ({"verify_and_map": 1}, "error parsing tls config, expected 'verify_and_map' to be a boolean"),
        ({"cipher_suites": ()}, "error parsing tls config, 'cipher_suites' cannot be empty"),
        ({"cipher_suites": ("AES",)}, "Unrecognized cipher AES"),
        (
            {"cipher_suites": (1,)},
            "error parsing tls config, expected 'cipher_suites' to be an array of names",
        ),
        ({"cipher_suites": 1}, "error parsing tls config, expected 'cipher_suites' to be an array of names"),
        ({"timeout": -1}, "tls.timeout must be greater than 0"),
    ],
)
def test_mistakes(given: dict[str, object], message: str) -> None:
    """Each mistake has the message of gnatsd."""
    with pytest.raises(ConfigError) as raised:
        make_options({"tls": given})

    assert message == str(raised.value)


@pytest.mark.parametrize(
    ("given", "expected"),
    [({}, False), ({"verify": True}, True), ({"verify_and_map": True}, True)],
)
def test_who_has_to_show_a_certificate(given: dict[str, object], *, expected: bool) -> None:
    """Names can only be taken from certificates that are verified."""
    assert expected is TlsOptions.model_validate(given).demands_certificates


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, False),
        ({"tls": {}}, False),
        ({"tls": {"verify": True}}, False),
        ({"tls": {"verify_and_map": True}}, True),
        ({"websocket": {"port": -1, "tls": {"verify_and_map": True}}}, True),
        ({"websocket": {"tls": {"verify_and_map": True}}}, False),
        ({"websocket": {"port": -1, "no_tls": True, "tls": {"verify_and_map": True}}}, False),
    ],
)
def test_whether_certificates_name_users(given: dict[str, object], *, expected: bool) -> None:
    """They do where a listener with TLS says so."""
    assert expected is make_options(given).maps_certificates
