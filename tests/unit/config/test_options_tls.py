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
