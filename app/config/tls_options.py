"""The section ``tls`` (configuration.md, section 4)."""

from typing import Annotated

from pydantic import AfterValidator, Field

from app.config.section import Key, Seconds, Section, Verdict
from app.domain.cipher_suites import PREFERRED, SUITES


def _known_cipher(name: str) -> str:
    if name not in SUITES:
        raise Verdict(f"Unrecognized cipher {name}")
    return name


def _some_ciphers(names: tuple[str, ...]) -> tuple[str, ...]:
    if not names:
        raise Verdict("error parsing tls config, 'cipher_suites' cannot be empty", lacking=True)
    return names


def _expected(name: str, kind: str) -> Key:
    return Key(wrong=f"error parsing tls config, expected '{name}' to be {kind}", guards=True)


class TlsOptions(Section):
    """Keys and certificates. Paths are relative to the directory in which the server runs."""

    unknown = 'error parsing tls config, unknown field ["{key}"]'

    cert_file: Annotated[
        str | None,
        Field(description="File with the server's certificate, in PEM."),
        _expected("cert_file", "filename"),
    ] = None
    key_file: Annotated[
        str | None,
        Field(description="File with its private key, in PEM."),
        _expected("key_file", "filename"),
    ] = None
    ca_file: Annotated[
        str | None,
        Field(description="File with the authorities whose certificates are trusted, in PEM."),
        _expected("ca_file", "filename"),
    ] = None
    verify: Annotated[
        bool,
        Field(description="Require a certificate of every peer; always so between servers."),
        _expected("verify", "a boolean"),
    ] = False
    cipher_suites: Annotated[
        tuple[Annotated[str, AfterValidator(_known_cipher)], ...],
        AfterValidator(_some_ciphers),
        Field(
            strict=False,
            description="Names of the cipher suites of TLS 1.2, the best first; see `--help_tls`.",
        ),
        _expected("cipher_suites", "an array of names"),
    ] = PREFERRED
    timeout: Annotated[Seconds, Field(description="Time for the handshake."), Key(unit="seconds")] = 0.5
