"""Unit tests of users that certificates name."""

import pytest

from app.domain.security.certificate import CertificateNames, CertificateUsers, looks_like_certificate_name
from app.domain.security.distinguished_name import DistinguishedName, parse_name


def subject(text: str) -> DistinguishedName:
    """The parts of a subject."""
    name = parse_name(text)
    assert name is not None
    return name


NAMES = CertificateNames(
    ("one@example.org", "two@example.org"),
    ("a.example.org",),
    ("spiffe://a/b",),
    subject("CN=derek,O=Example"),
)


@pytest.mark.parametrize(
    ("users", "found"),
    [
        (["CN=derek,O=Example", "spiffe://a/b", "a.example.org", "two@example.org"], "two@example.org"),
        (["two@example.org", "one@example.org"], "one@example.org"),
        (["CN=derek,O=Example", "spiffe://a/b", "a.example.org"], "a.example.org"),
        (["CN=derek,O=Example", "spiffe://a/b"], "spiffe://a/b"),
        (["O=Example,CN=derek", "cn=derek, o=Example"], "cn=derek, o=Example"),
        (["O=Example,CN=derek"], "O=Example,CN=derek"),
        (["derek", "CN=derek", "CN=Derek,O=Example", "A.example.org"], None),
        ([], None),
    ],
)
def test_the_order_of_names(users: list[str], found: str | None) -> None:
    """E-mail addresses come first, then DNS names, URIs, and the subject: in its order, then in any."""
    assert found == CertificateUsers(users).find(NAMES)


@pytest.mark.parametrize(
    ("text", "user", "found"),
    [
        ("CN=a,OU=x,OU=y,DC=com", "CN=a,OU=y+OU=x,DC=com", True),
        ("CN=a,OU=x,OU=y,DC=com", "CN=a,OU=y+OU=x", True),
        ("1.2.840.113549.1.9.1=m,CN=a,O=b", "CN=a,O=b", True),
        ("1.2.840.113549.1.9.1=m,CN=a,O=b", "1.2.840.113549.1.9.1=m,CN=a,O=b", True),
        ("CN=b,CN=a,SERIALNUMBER=7", "SERIALNUMBER=7,CN=b", True),
        ("CN=b,CN=a,SERIALNUMBER=7", "SERIALNUMBER=7,CN=a", False),
        (r"CN=a\,b+OU=x", r"OU=x+CN=a\,b", True),
        (r"O=x,1.2.3=y,CN=a\+b", r"CN=a\+b,O=x", True),
        ("CN=a,OU=x", "CN=a", False),
    ],
)
def test_the_words_of_a_subject(text: str, user: str, *, found: bool) -> None:
    """A subject is also compared as Go writes it: in a fixed order, without types it does not know."""
    names = CertificateNames(subject=subject(text))

    assert (user if found else None) == CertificateUsers([user]).find(names)


def test_a_certificate_without_names() -> None:
    """It is nobody."""
    assert CertificateUsers(["a@b", "CN=a"]).find(CertificateNames()) is None


def test_as_text() -> None:
    """The subject reads as in RFC 2253, and all names fit in one line."""
    assert "CN=derek,O=Example" == NAMES.subject_text
    assert 'one@example.org, two@example.org, a.example.org, spiffe://a/b, "CN=derek,O=Example"' == str(NAMES)


@pytest.mark.parametrize(
    ("user", "expected"),
    [("CN=a", True), ("a@b", True), ("spiffe://a", True), ("derek", False), ("a.example.org", False)],
)
def test_names_that_are_those_of_certificates(user: str, *, expected: bool) -> None:
    """A host's name may be any user's; the other forms give themselves away."""
    assert expected is looks_like_certificate_name(user)
