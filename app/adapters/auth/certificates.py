"""Users by certificate: the names in it decide who a client is (ADR 0043)."""

from collections.abc import Collection, Mapping
from dataclasses import replace

from ...domain.connection_type import ConnectionType
from ...domain.events import Event, Level
from ...domain.security.certificate import CertificateNames, CertificateUsers
from ...domain.security.credentials import Answer, Credentials, PendingVerdict
from ...domain.text import printable
from ...domain.value_object import value_object
from ...ports.authenticator import Authenticator
from .guard import Report


@value_object
class CertificateUnknown(Event):
    """A client was refused because its certificate names no user, or because it has none."""

    level = Level.DEBUG
    sentence = "User required in certificate: {self.names}"

    names: str


class CertificateAuthenticator(Authenticator):
    """Finds the user in the certificate, and lets the password be checked as for any other user.

    The user name in CONNECT has no effect where certificates count. Elsewhere a user without a
    password cannot log in, since it is one for certificates.
    """

    required = True

    def __init__(
        self,
        users: Mapping[str, str],
        mapped: Collection[ConnectionType],
        passwords: Authenticator,
        report: Report,
        exempt: Collection[str] = (),
    ) -> None:
        """`users` are passwords by user; certificates count at the listeners `mapped`.

        `passwords` judges user and password. Users who are `exempt` need neither certificate nor
        password elsewhere.
        """
        self._users = CertificateUsers(users)
        self._mapped = frozenset(mapped)
        self._bare = frozenset(user for user, password in users.items() if not password) - set(exempt)
        self._passwords = passwords
        self._report = report

    def check(self, credentials: Credentials, answer: Answer) -> PendingVerdict | None:
        if credentials.connection_type in self._mapped:
            user = self._find(credentials.certificate)
        else:
            user = "" if credentials.user in self._bare else credentials.user
        # Nobody is named "", so this is a refusal, in the time of one.
        return self._passwords.check(replace(credentials, user=user), answer)

    def _find(self, names: CertificateNames | None) -> str:
        user = None if names is None else self._users.find(names)
        if user is None:
            self._report(CertificateUnknown(None, "none" if names is None else printable(str(names))))
        return user or ""

    def close(self) -> None:
        self._passwords.close()
