"""An authenticator that takes its time."""

from app.domain.credentials import Answer, Credentials, Identity
from app.ports.authenticator import Authenticator


class PatientGatekeeper(Authenticator):
    """Requires credentials, remembers them in `asked`, and answers when told.

    `admit` and `refuse` answer the oldest question that is open.
    """

    def __init__(self) -> None:
        self.asked: list[Credentials] = []
        self.closed = False
        self._open: list[Answer] = []

    @property
    def required(self) -> bool:
        """Whether peers must show credentials: yes."""
        return True

    def check(self, credentials: Credentials, answer: Answer) -> None:
        """Note the question; the answer comes later."""
        self.asked.append(credentials)
        self._open.append(answer)

    def admit(self, user: str = "") -> None:
        """Let the one who asked first in."""
        self._open.pop(0)(Identity(user))

    def refuse(self) -> None:
        """Send the one who asked first away."""
        self._open.pop(0)(None)

    def close(self) -> None:
        """Note that the server ended."""
        self.closed = True
