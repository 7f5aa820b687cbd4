"""From files to contexts for TLS: what is chosen, and what is said about files that cannot be used."""

import ssl
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from app.adapters.net_asyncio import tls_context
from app.adapters.net_asyncio.tls_context import (
    TlsError,
    TlsFiles,
    client_context,
    dialing_context,
    lead_to,
    server_context,
)
from app.domain.security.cipher_suites import PREFERRED, iana_name
from tests.support.certificates import certificates

PAIR = "error parsing X509 certificate/key pair"


def complaint(files: TlsFiles) -> str:
    """What is said about settings that cannot be used."""
    with pytest.raises(TlsError) as failure:
        server_context(files)
    text = str(failure.value)
    assert "\n" not in text
    return text


def suites_of_1_2(context: ssl.SSLContext) -> list[str]:
    """What a context offers for TLS 1.2, by IANA's names, in order."""
    return [
        iana_name(cipher["name"]) for cipher in context.get_ciphers() if not cipher["name"].startswith("TLS_")
    ]


def test_only_good_versions_and_suites() -> None:
    """TLS 1.2 is the least, and without a choice the suites are the preferred ones in their order."""
    context = server_context(certificates().files())

    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert suites_of_1_2(context) == list(PREFERRED)
    assert context.options & ssl.OP_CIPHER_SERVER_PREFERENCE


def test_nothing_is_resumed_by_ticket_or_renegotiated() -> None:
    """No ticket is given out, so there is no early data, and no handshake follows the first."""
    context = server_context(certificates().files())

    assert context.num_tickets == 0
    assert context.options & ssl.OP_NO_TICKET
    assert context.options & ssl.OP_NO_RENEGOTIATION


def test_suites_are_chosen_by_their_usual_names() -> None:
    """An operator's choice, and its order, are taken."""
    chosen = ("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA")

    context = server_context(replace(certificates().files(), cipher_suites=chosen))

    assert suites_of_1_2(context) == list(chosen)


def test_an_unknown_suite_is_named() -> None:
    """A name that is none of gnatsd's is refused as gnatsd does."""
    files = replace(certificates().files(), cipher_suites=("TLS_NULL_WITH_NULL_NULL",))

    assert complaint(files) == "Unrecognized cipher TLS_NULL_WITH_NULL_NULL"


def test_a_suite_that_openssl_has_given_up_is_named() -> None:
    """gnatsd's oldest suites are broken; where OpenSSL has them no more, that is said."""
    files = replace(certificates().files(), cipher_suites=("TLS_RSA_WITH_RC4_128_SHA",))

    assert complaint(files) == f"Cipher TLS_RSA_WITH_RC4_128_SHA is not offered by {ssl.OPENSSL_VERSION}"


def test_clients_are_verified_if_so_wished() -> None:
    """With `verify` a client must show a certificate; without, it is not even asked."""
    assert server_context(certificates().files(verify=True)).verify_mode is ssl.CERT_REQUIRED
    assert server_context(certificates().files()).verify_mode is ssl.CERT_NONE


def test_those_we_dial_are_always_verified() -> None:
    """A dialled server must show a certificate for the name that was dialled."""
    context = client_context(certificates().files())

    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert len(context.get_ca_certs()) == 1


def test_without_authorities_of_our_own_the_systems_are_trusted() -> None:
    """No `ca_file` is no error."""
    files = replace(certificates().files(verify=True), ca_file="")

    assert server_context(files).verify_mode is ssl.CERT_REQUIRED


def test_files_that_were_not_named() -> None:
    """A certificate without a key, and a key without a certificate, are missed by name."""
    pair = certificates().server

    assert complaint(TlsFiles("", pair.key_file)) == "TLS Server certificate must be present and valid."
    assert complaint(TlsFiles(pair.cert_file, "")) == "TLS Server private key must be present and valid."


@pytest.mark.parametrize("verify", [False, True])
def test_authorities_that_are_named_must_be_there(tmp_path: Path, *, verify: bool) -> None:
    """A wrong `ca_file` ends the start also where no certificates are asked for, as with gnatsd."""
    lost = str(tmp_path / "lost.pem")
    files = replace(certificates().files(verify=verify), ca_file=lost)

    assert complaint(files) == f"open {lost}: no such file or directory"


def test_files_that_are_not_there(tmp_path: Path) -> None:
    """The error has the name of the file, then the system's own text."""
    pair, lost = certificates().server, str(tmp_path / "lost.pem")
    reason = f"open {lost}: no such file or directory"

    assert complaint(TlsFiles(lost, pair.key_file)) == f"{PAIR}: {reason}"
    assert complaint(TlsFiles(pair.cert_file, lost)) == f"{PAIR}: {reason}"


def test_files_that_hold_something_else(tmp_path: Path) -> None:
    """It is said which file it is, and what was looked for in it."""
    pair, other = certificates().server, tmp_path / "other.pem"
    other.write_text("# nothing\n")

    assert complaint(TlsFiles(str(other), pair.key_file)) == (
        f"{PAIR}: {other}: it contains no certificate in PEM form"
    )
    assert complaint(TlsFiles(pair.cert_file, str(other))) == (
        f"{PAIR}: {other}: there is no private key in it, in PEM form"
    )
    assert complaint(replace(certificates().files(verify=True), ca_file=str(other))) == (
        f"failed to parse root ca certificate: {other}: it contains none in PEM form"
    )


def test_files_that_are_damaged(tmp_path: Path) -> None:
    """A certificate whose inside makes no sense is refused with OpenSSL's reason."""
    damaged = tmp_path / "damaged.pem"
    damaged.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")

    ca_complaint = complaint(replace(certificates().files(verify=True), ca_file=str(damaged)))
    pair_complaint = complaint(TlsFiles(str(damaged), certificates().server.key_file))

    assert ca_complaint.startswith(f"failed to parse root ca certificate: {damaged}: ")
    assert pair_complaint.startswith(f"{PAIR}: {damaged}, {certificates().server.key_file}: ")


def test_a_key_of_another_certificate() -> None:
    """A pair that is none is recognised."""
    server, client = certificates().server, certificates().client

    assert complaint(TlsFiles(server.cert_file, client.key_file)) == (
        f"{PAIR}: {client.key_file}: the private key does not belong to the certificate {server.cert_file}"
    )


def test_an_encrypted_key_is_refused_without_a_question(tmp_path: Path) -> None:
    """A server has nobody to ask for a password."""
    pair, locked = certificates().server, tmp_path / "locked.pem"
    key = serialization.load_pem_private_key(Path(pair.key_file).read_bytes(), None)
    locked.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )

    assert complaint(TlsFiles(pair.cert_file, str(locked))) == (
        f"{PAIR}: {locked}: the private key is encrypted; give one without a password"
    )


def test_a_name_that_no_file_can_have() -> None:
    """A null byte in a name is an error like any other."""
    assert complaint(TlsFiles("a\0b", "c")).startswith(f"{PAIR}: open a\0b: ")


# --- curves --------------------------------------------------------------------------------


def handshake(server: ssl.SSLContext, client: ssl.SSLContext) -> bool:
    """Whether they agree."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(to_client, to_server, server_hostname="localhost"),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    done = 0
    for _ in range(4):
        for end in ends:
            try:
                end.do_handshake()
                done += 1
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLError:
                return False
    return done >= len(ends)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_curve_is_chosen(version: ssl.TLSVersion) -> None:
    """In TLS 1.2 and 1.3 a client with the curve is served, and one with another curve is not."""
    context = server_context(
        replace(certificates().files(pair=certificates().rsa_server), curves=("CurveP384",))
    )
    agreed = []

    for curve in ("secp384r1", "prime256v1"):
        client = certificates().client_context()
        client.maximum_version = version
        client.set_ecdh_curve(curve)
        agreed.append(handshake(context, client))

    assert [True, False] == agreed


@pytest.mark.skipif(tls_context.SETS_LISTS, reason="this Python sets all of them")
def test_hybrid_curves_need_a_newer_python() -> None:
    """A list of hybrids alone is an error that says what to do; beside others they are left out."""
    hybrids = ("X25519MLKEM768", "SecP256r1MLKEM768")

    assert complaint(replace(certificates().files(), curves=hybrids)) == (
        "Curve X25519MLKEM768 cannot be set by this Python: "
        "add X25519 or CurveP256, or run Python 3.15 or newer"
    )
    server_context(replace(certificates().files(), curves=(*hybrids, "X25519")))


def test_a_newer_python_sets_all_curves(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where lists can be set OpenSSL gets all names in their order, and one that it lacks is named."""
    asked: list[str] = []

    def set_groups(_: ssl.SSLContext, groups: str) -> None:
        asked.append(groups)
        if groups == "secp521r1":
            raise ssl.SSLError("no such group")

    monkeypatch.setattr(tls_context, "SETS_LISTS", True)
    monkeypatch.setattr(ssl.SSLContext, "set_groups", set_groups, raising=False)
    server_context(replace(certificates().files(), curves=("X25519MLKEM768", "CurveP256")))

    assert asked[-1] == "X25519MLKEM768:prime256v1"
    assert complaint(replace(certificates().files(), curves=("CurveP256", "CurveP521"))) == (
        f"Curve CurveP521 is not offered by {ssl.OPENSSL_VERSION}"
    )


# --- another certificate ---------------------------------------------------------------------


def shown_by(context: ssl.SSLContext) -> bytes | None:
    """The certificate that a server shows."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = certificates().client_context(trusting=True).wrap_bio(to_client, to_server)
    server = context.wrap_bio(to_server, to_client, server_side=True)
    for end in (client, server, client):
        with suppress(ssl.SSLWantReadError):
            end.do_handshake()
    return client.getpeercert(binary_form=True)


def test_a_context_leads_to_another() -> None:
    """New links show the certificate of the last context, also with another kind of key."""
    pairs = (certificates().server, certificates().rsa_server, certificates().expired_server)
    context, *others = (server_context(certificates().files(pair=pair)) for pair in pairs)
    shown = [shown_by(context)]

    for other in others:
        lead_to(context, other)
        shown.append(shown_by(context))

    assert [shown_by(server_context(certificates().files(pair=pair))) for pair in pairs] == shown


def test_a_context_for_hubs_needs_no_certificate() -> None:
    """It verifies the hub and its name; one of our own is shown if it is given."""
    files = certificates().files()
    bare = dialing_context(TlsFiles("", "", files.ca_file))

    assert (ssl.CERT_REQUIRED, True) == (bare.verify_mode, bare.check_hostname)
    dialing_context(files)
    with pytest.raises(TlsError, match="private key must be present"):
        dialing_context(TlsFiles(files.cert_file, ""))


def test_an_insecure_context_verifies_nothing() -> None:
    """Neither certificate nor name; a file that is named must be right all the same."""
    insecure = dialing_context(TlsFiles("", ""), insecure=True)

    assert (ssl.CERT_NONE, False) == (insecure.verify_mode, insecure.check_hostname)
    with pytest.raises(TlsError, match="open /none"):
        dialing_context(TlsFiles("", "", "/none"), insecure=True)


def test_the_lowest_version() -> None:
    """It is TLS 1.2 unless 1.3 is asked for."""
    files = certificates().files()

    versions = [server_context(replace(files, min_version=text)).minimum_version for text in ("1.2", "1.3")]

    assert [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3] == versions
