"""The options of a section ``tls``: keys and certificates (configuration-file.md, section 4)."""

import re
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from ...domain.security.cipher_suites import PREFERRED, SUITES
from ...domain.security.curves import CURVES
from ..scalars import parse_duration
from .section import LARGEST_COUNT, Key, OptionError, Seconds, Section

_PIN = re.compile(r"[0-9a-f]{64}")


def _known_cipher(name: str) -> str:
    if name not in SUITES:
        raise OptionError(f"Unrecognized cipher {name}")
    return name


def _known_curve(name: str) -> str:
    if name not in CURVES:
        raise OptionError(f"unrecognized curve preference {name}; the names are {', '.join(CURVES)}")
    return name


def _some(key: str) -> AfterValidator:
    """Refuses an empty array of names."""

    def check(names: tuple[str, ...]) -> tuple[str, ...]:
        if not names:
            raise OptionError(f"error parsing tls config, '{key}' cannot be empty", lacking=True)
        return names

    return AfterValidator(check)


def _pin(text: str) -> str:
    if not _PIN.fullmatch(text.lower()):
        reason = "does not look like hex-encoded sha256 of DER encoded SubjectPublicKeyInfo"
        raise OptionError(f"error parsing tls config, 'pinned_certs' key {text} {reason}")
    return text.lower()


def _first(value: object) -> object:
    """As nats-server reads it, whatever the case of letters; a wait of no time is none."""
    if isinstance(value, bool):
        return value
    word = value.lower() if isinstance(value, str) else ""
    if word in _FIRST_WORDS:
        return _FIRST_WORDS[word]
    try:
        return word if parse_duration(word) else True
    except ValueError:
        raise ValueError('must be true, false, auto, or a time such as "300ms"') from None


_FIRST_WORDS: Mapping[str, bool | str] = {
    "true": True,
    "on": True,
    "false": False,
    "off": False,
    "auto": "auto",
    "auto_fallback": "auto",
}


CipherNames = Annotated[
    tuple[Annotated[str, AfterValidator(_known_cipher)], ...],
    _some("cipher_suites"),
    Field(strict=False),
]

CurveNames = Annotated[
    tuple[Annotated[str, AfterValidator(_known_curve)], ...],
    _some("curve_preferences"),
    Field(strict=False),
]

Pins = Annotated[tuple[Annotated[str, AfterValidator(_pin)], ...], Field(strict=False)]

HandshakeFirst = Annotated[bool | str, BeforeValidator(_first)]


def tls_key(meaning: str, name: str, kind: str) -> Key:
    """A key of a section ``tls``, with the error for a value of another kind."""
    return Key(meaning, wrong=f"error parsing tls config, expected '{name}' to be {kind}", guards=True)


def _lowest(value: object) -> object:
    if value not in ("1.2", "1.3"):
        raise ValueError('must be "1.2" or "1.3", with quotes')
    return value


MinVersion = Annotated[
    Literal["1.2", "1.3"],
    BeforeValidator(_lowest),
    Key('Lowest version of TLS, `"1.2"` or `"1.3"`.', guards=True),
]


class TlsOptions(Section):
    """Keys and certificates. Paths are relative to the directory in which the server runs."""

    unknown = 'error parsing tls config, unknown field ["{key}"]'

    cert_file: Annotated[str | None, tls_key("Server certificate, a PEM file.", "cert_file", "filename")] = (
        None
    )
    key_file: Annotated[
        str | None, tls_key("Private key of that certificate, a PEM file.", "key_file", "filename")
    ] = None
    ca_file: Annotated[
        str | None, tls_key("CA certificates to trust, a PEM file.", "ca_file", "filename")
    ] = None
    verify: Annotated[
        bool,
        tls_key("Require and verify client certificates; always on between servers.", "verify", "a boolean"),
    ] = False
    verify_and_map: Annotated[
        bool,
        tls_key(
            "Same as `verify`; the names in the certificate select one of `authorization.users`.",
            "verify_and_map",
            "a boolean",
        ),
    ] = False
    cipher_suites: Annotated[
        CipherNames,
        tls_key(
            "Cipher suites for TLS 1.2, in order of preference; see `--help_tls`.",
            "cipher_suites",
            "an array of names",
        ),
    ] = PREFERRED
    min_version: MinVersion = "1.2"
    timeout: Annotated[Seconds, Key("Time limit for the TLS handshake.")] = 0.5
    handshake_first: Annotated[
        HandshakeFirst,
        Key(
            "Send INFO to clients inside TLS, after the handshake. With `auto` (50 ms) or a time, "
            "a client that starts no handshake in that time gets INFO in clear text.",
            also=("first", "immediate"),
        ),
    ] = False
    connection_rate_limit: Annotated[
        int,
        Field(ge=0, le=LARGEST_COUNT),
        Key("Maximum number of handshakes per second; further connections are closed. 0 means no limit."),
    ] = 0
    pinned_certs: Annotated[
        Pins,
        tls_key(
            "Public keys of peers that may connect, each the SHA-256 of its SubjectPublicKeyInfo in DER "
            "form, in hex; any key if empty. Requires `verify`.",
            "pinned_certs",
            "a list of hex-encoded sha256 of DER encoded SubjectPublicKeyInfo",
        ),
    ] = ()
    curve_preferences: Annotated[
        CurveNames,
        tls_key(
            "Curves for key agreement. Before Python 3.15, only the first one that is not a hybrid is used.",
            "curve_preferences",
            "an array of names",
        ),
    ] = ()

    @property
    def demands_certificates(self) -> bool:
        """Whether clients have to show a certificate."""
        return self.verify or self.verify_and_map
