"""Unit tests of the section ``tls``."""

import pytest

from app.config.errors import ConfigError
from app.config.options import Options, make_options
from app.config.sections.tls import TlsOptions
from app.config.validation import validate
from app.domain.security.cipher_suites import PREFERRED
from app.domain.security.curves import CURVES
from tests.support.document import document

PINS = "hex-encoded sha256 of DER encoded SubjectPublicKeyInfo"
NO_PIN = "does not look like hex-encoded sha256 of DER encoded SubjectPublicKeyInfo"


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
        (
            {"handshake_first": 5},
            'tls.handshake_first must be true, false, auto, or a time such as "300ms"',
        ),
        (
            {"handshake_first": "soon"},
            'tls.handshake_first must be true, false, auto, or a time such as "300ms"',
        ),
        (
            {"pinned_certs": ("0" * 63,)},
            f"error parsing tls config, 'pinned_certs' key {'0' * 63} {NO_PIN}",
        ),
        (
            {"pinned_certs": "0" * 64},
            f"error parsing tls config, expected 'pinned_certs' to be a list of {PINS}",
        ),
        ({"curve_preferences": ()}, "error parsing tls config, 'curve_preferences' cannot be empty"),
        (
            {"curve_preferences": ("P-256",)},
            f"unrecognized curve preference P-256; the names are {', '.join(CURVES)}",
        ),
        (
            {"curve_preferences": "X25519"},
            "error parsing tls config, expected 'curve_preferences' to be an array of names",
        ),
        ({"timeout": -1}, "tls.timeout must be greater than 0"),
    ],
)
def test_mistakes(given: dict[str, object], message: str) -> None:
    """Each mistake has the message of gnatsd."""
    with pytest.raises(ConfigError) as raised:
        make_options({"tls": given})

    assert message == str(raised.value)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (True, True),
        (False, False),
        ("on", True),
        ("TRUE", True),
        ("off", False),
        ("auto", "auto"),
        ("Auto_fallback", "auto"),
        ("300ms", "300ms"),
        ("0s", True),
    ],
)
def test_words_for_handshake_first(written: bool | str, meant: bool | str) -> None:  # noqa: FBT001 - values of the file
    """The words of nats-server are known, in any case; a wait of no time is none."""
    section = make_options({"tls": {"handshake_first": written}}).tls

    assert section is not None
    assert meant == section.handshake_first


def test_pins_are_compared_in_lower_case() -> None:
    """Upper-case hex is the same key; no pins mean any key."""
    given = make_options({"tls": {"pinned_certs": ("AB" * 32,)}}).tls
    empty = make_options({"tls": {"pinned_certs": ()}}).tls

    assert given is not None
    assert empty is not None
    assert (("ab" * 32,), ()) == (given.pinned_certs, empty.pinned_certs)


def test_a_wrong_pin_is_named_with_its_place() -> None:
    """The line is that of the entry, in a list of several."""
    pins = ("0" * 64, "xyz")

    _, problems = validate(Options, document(("tls", [("pinned_certs", pins)])))

    (problem,) = problems
    assert str(problem).startswith("x.conf:4:1: ")
    assert str(problem).endswith(f"error parsing tls config, 'pinned_certs' key xyz {NO_PIN}")


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
