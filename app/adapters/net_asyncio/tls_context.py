"""From certificate files to contexts for TLS, once, at start.

Texts of errors are those of gnatsd where it has some (configuration-file.md, sections 4 and 7).
"""

import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, cast

from ...domain.failure import reason_of
from ...domain.security.cipher_suites import PREFERRED, openssl_name
from ...domain.security.curves import effective_curves, openssl_curve
from ...domain.value_object import value_object

SETS_LISTS = hasattr(ssl.SSLContext, "set_groups")
"""Whether this Python sets several curves, as from 3.15 on; else it sets a single one."""

_PAIR = "error parsing X509 certificate/key pair"
_CERTIFICATE = "-----BEGIN CERTIFICATE-----"
_KEY = "PRIVATE KEY-----"


_VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


class TlsError(Exception):
    """The settings cannot be used. The text, one line, says why and names the file."""


class _EncryptedKeyError(Exception):
    """A password would be needed."""


@value_object
class TlsFiles:
    """What an operator says about TLS; paths are relative to the working directory."""

    cert_file: str
    key_file: str
    ca_file: str = ""
    """Who signs our peers' certificates; empty means those whom the system trusts."""
    verify: bool = False
    """Whether a client has to show a certificate; it is verified."""
    cipher_suites: Sequence[str] = ()
    """By IANA's names, the best first; empty means `cipher_suites.PREFERRED`. They bear on TLS 1.2 alone."""
    min_version: str = "1.2"
    """Or 1.3."""
    curves: Sequence[str] = ()
    """By nats-server's names; empty means those of OpenSSL. See `effective_curves` for those that count."""


class _SetsGroups(Protocol):
    """A context of Python 3.15."""

    def set_groups(self, groups: str, /) -> None: ...


class _Switchable(Protocol):
    """A link that begins its handshake."""

    context: ssl.SSLContext


def server_context(files: TlsFiles) -> ssl.SSLContext:
    """For links that we accept. Raises `TlsError`."""
    context = _context(ssl.PROTOCOL_TLS_SERVER, files)
    context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE
    context.num_tickets = 0
    if files.verify:
        context.verify_mode = ssl.CERT_REQUIRED
    if files.verify or files.ca_file:  # a file that is named must be right, needed or not
        _trust(context, files.ca_file, ssl.Purpose.CLIENT_AUTH)
    return context


def client_context(files: TlsFiles) -> ssl.SSLContext:
    """For links that we dial: we show our certificate, and verify the other's and its name.

    Raises `TlsError`.
    """
    context = _context(ssl.PROTOCOL_TLS_CLIENT, files)
    _trust(context, files.ca_file, ssl.Purpose.SERVER_AUTH)
    return context


def dialing_context(files: TlsFiles, *, insecure: bool = False) -> ssl.SSLContext:
    """The same for links on which we need no certificate; `insecure` verifies nothing.

    Raises `TlsError`.
    """
    context = _context(ssl.PROTOCOL_TLS_CLIENT, files, needs_pair=False)
    if insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if files.ca_file or not insecure:  # a file that is named must be right, needed or not
        _trust(context, files.ca_file, ssl.Purpose.SERVER_AUTH)
    return context


def check_authorities(ca_file: str) -> None:
    """Raises `TlsError` when no certificates of authorities are in this file."""
    _trust(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ca_file, ssl.Purpose.CLIENT_AUTH)


def lead_to(context: ssl.SSLContext, other: ssl.SSLContext) -> None:
    """Let new links of a context that is in use show the certificate of another one.

    To load another pair into a context is not enough: it has one for each kind of key.
    """

    def switch(link: _Switchable, _name: str, _context: ssl.SSLContext) -> None:
        link.context = other

    context.sni_callback = switch  # it is called for clients without a server name, too


def _context(protocol: int, files: TlsFiles, *, needs_pair: bool = True) -> ssl.SSLContext:
    context = ssl.SSLContext(protocol)
    context.minimum_version = _VERSIONS[files.min_version]
    # A resumed session would skip the look at a certificate that may have been replaced since,
    # and tickets are sealed with a key that lives as long as the server.
    context.options |= ssl.OP_NO_TICKET | ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    _choose_ciphers(context, files.cipher_suites or PREFERRED)
    _choose_curves(context, files.curves)
    if needs_pair or files.cert_file or files.key_file:
        _load_pair(context, files.cert_file, files.key_file)
    return context


def _choose_ciphers(context: ssl.SSLContext, suites: Sequence[str]) -> None:
    for suite in suites:
        try:
            context.set_ciphers(openssl_name(suite))
        except KeyError:
            raise TlsError(f"Unrecognized cipher {suite}") from None
        except ssl.SSLError:
            raise TlsError(f"Cipher {suite} is not offered by {ssl.OPENSSL_VERSION}") from None
    context.set_ciphers(":".join(map(openssl_name, suites)))


def _choose_curves(context: ssl.SSLContext, names: Sequence[str]) -> None:
    if not names:
        return
    curves = effective_curves(names, lists=SETS_LISTS)
    if not curves:
        hint = "add X25519 or CurveP256, or run Python 3.15 or newer"
        raise TlsError(f"Curve {names[0]} cannot be set by this Python: {hint}")
    for curve in curves:
        try:
            _set_curves(context, openssl_curve(curve))
        except (ssl.SSLError, ValueError):
            raise TlsError(f"Curve {curve} is not offered by {ssl.OPENSSL_VERSION}") from None
    _set_curves(context, ":".join(map(openssl_curve, curves)))


def _set_curves(context: ssl.SSLContext, curves: str) -> None:
    if SETS_LISTS:
        cast("_SetsGroups", context).set_groups(curves)
    else:
        context.set_ecdh_curve(curves)


def _load_pair(context: ssl.SSLContext, cert_file: str, key_file: str) -> None:
    if not cert_file:
        raise TlsError("TLS Server certificate must be present and valid.")
    if not key_file:
        raise TlsError("TLS Server private key must be present and valid.")
    try:
        context.load_cert_chain(cert_file, key_file, password=_refuse_to_ask)
    except _EncryptedKeyError:
        reason = f"{key_file}: the private key is encrypted; give one without a password"
        raise TlsError(f"{_PAIR}: {reason}") from None
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        raise TlsError(f"{_PAIR}: {_complaint_about(cert_file, key_file, error)}") from None


def _refuse_to_ask() -> str:
    """Stand in for a prompt: OpenSSL would ask at the terminal, and wait."""
    raise _EncryptedKeyError


def _complaint_about(cert_file: str, key_file: str, error: Exception) -> str:
    """Which of the two files is at fault, and why, as far as is known."""
    if _CERTIFICATE not in _text(cert_file, _PAIR):
        return f"{cert_file}: it contains no certificate in PEM form"
    if _KEY not in _text(key_file, _PAIR):
        return f"{key_file}: there is no private key in it, in PEM form"
    if isinstance(error, ssl.SSLError) and error.reason == "KEY_VALUES_MISMATCH":
        return f"{key_file}: the private key does not belong to the certificate {cert_file}"
    return f"{cert_file}, {key_file}: {plain_tls_reason(error)}"


def _trust(context: ssl.SSLContext, ca_file: str, purpose: ssl.Purpose) -> None:
    if not ca_file:
        context.load_default_certs(purpose)
        return
    if _CERTIFICATE not in _text(ca_file):
        raise TlsError(f"failed to parse root ca certificate: {ca_file}: it contains none in PEM form")
    try:
        context.load_verify_locations(ca_file)
    except OSError as error:
        reason = plain_tls_reason(error)
        raise TlsError(f"failed to parse root ca certificate: {ca_file}: {reason}") from None


def _text(file: str, about: str = "") -> str:
    """What is in a file. Raises `TlsError` when it cannot be read."""
    try:
        return Path(file).read_text(encoding="latin-1")
    except (OSError, ValueError) as error:  # a name with a null byte is a ValueError
        reason = reason_of(error).lower()
        raise TlsError(f"{about}{': ' if about else ''}open {file}: {reason}") from None


def plain_tls_reason(error: Exception) -> str:
    """What went wrong, in OpenSSL's words, without its codes and file names."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate verify failed: {error.verify_message}"
    reason = getattr(error, "reason", None)
    if isinstance(reason, str):
        return reason.replace("_", " ").lower()
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
