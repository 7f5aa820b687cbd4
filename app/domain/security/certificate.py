"""The names in a client's certificate, and the users that they name.

The order and the ways to compare are those of nats-server 2.15: it looks for a user by each e-mail
address, then each DNS name, then each URI, and then by the subject.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from .distinguished_name import DistinguishedName, escaped, name_text, parse_name

_ORDER: Final = ("SERIALNUMBER", "CN", "POSTALCODE", "STREET", "ST", "L", "OU", "O", "C")
"""The order in which Go writes a subject, whatever that of the certificate is."""

_SINGLE: Final = ("SERIALNUMBER", "CN")
"""Types of which Go keeps the last value."""


@dataclass(frozen=True, slots=True)
class CertificateNames:
    """The names in a certificate whose signature has been verified."""

    emails: tuple[str, ...] = ()
    dns_names: tuple[str, ...] = ()
    uris: tuple[str, ...] = ()
    subject: DistinguishedName = ()

    @property
    def subject_text(self) -> str:
        """The subject as RFC 2253 writes it, as in ``CN=derek,O=Example``."""
        return name_text(self.subject)

    @property
    def alternatives(self) -> Iterator[str]:
        """All names but the subject, in the order in which they are tried."""
        yield from self.emails
        yield from self.dns_names
        yield from self.uris

    def __str__(self) -> str:
        """All of them, for the log."""
        return ", ".join([*self.alternatives, f'"{self.subject_text}"'])


class CertificateUsers:
    """Finds the user that a certificate names."""

    def __init__(self, users: Iterable[str]) -> None:
        """Of two users with the same name in other words, the first counts."""
        self._users = frozenset(users)
        self._exact: dict[DistinguishedName, str] = {}
        self._reordered: dict[DistinguishedName, str] = {}
        for user in users:
            name = parse_name(user)
            if name is not None:
                key = comparable(name)
                self._exact.setdefault(key, user)
                self._reordered.setdefault(_in_any_order(key), user)

    def find(self, names: CertificateNames) -> str | None:
        """The user; None if there is none.

        A subject is compared part by part, in its order, and then in any order. Then its text is
        compared with the user's as Go writes it, with the parts ``DC`` at the end, and without.
        """
        for text in names.alternatives:
            if text in self._users:
                return text
        key = comparable(names.subject)
        found = self._exact.get(key) or self._reordered.get(_in_any_order(key))
        if found is not None:
            return found
        return next((text for text in _go_texts(names.subject) if text in self._users), None)


def comparable(name: DistinguishedName) -> DistinguishedName:
    """Equal for equal names: the order within a part means nothing."""
    return tuple(tuple(sorted(part)) for part in name)


def _in_any_order(name: DistinguishedName) -> DistinguishedName:
    return tuple(sorted(name))


def _go_texts(subject: DistinguishedName) -> Iterator[str]:
    """The subject in a fixed order, with all values of a type together, and without unknown types."""
    values: dict[str, list[str]] = {}
    for part in reversed(subject):
        for kind, value in reversed(part):
            values.setdefault(kind, []).append(value)
    for kind in _SINGLE:
        values[kind] = values.get(kind, [])[-1:]
    parts = [[f"{kind}={escaped(value)}" for value in values.get(kind, ())] for kind in _ORDER]
    text = ",".join("+".join(part) for part in parts if part)
    domains = [f"DC={value}" for value in values.get("DC", ())]
    if domains:
        yield ",".join([text, *domains])
    yield text


def looks_like_certificate_name(user: str) -> bool:
    """Whether a user's name is that of a certificate: a subject, an e-mail address or a URI."""
    return parse_name(user) is not None or "@" in user or "://" in user
