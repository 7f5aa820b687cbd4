"""An authenticator that takes its time."""

from app.domain.credentials import Answer, Credentials, Identity, PendingVerdict
from app.ports.authenticator import Authenticator


class ManualCheck(PendingVerdict):
    """A question to a `ManualAuthenticator`."""

    def __init__(self, owner: "ManualAuthenticator", answer: Answer) -> None:
        self.answer = answer
        self._owner = owner

    @property
    def under_way(self) -> bool:
        """As the gatekeeper says."""
        return self._owner.at_work

    def cancel(self) -> None:
        """Count, and forget the question."""
        self._owner.cancelled += 1
        self._owner.open.remove(self)


class ManualAuthenticator(Authenticator):
    """Requires credentials, remembers them in `asked`, and answers when told.

    `admit` and `refuse` answer the oldest question that is open; `cancelled` counts those that were
    withdrawn, and `at_work` says whether the others are being worked on.
    """

    def __init__(self, *, required: bool = True) -> None:
        self.asked: list[Credentials] = []
        self.closed = False
        self.cancelled = 0
        self.at_work = False
        self.open: list[ManualCheck] = []
        self._required = required

    @property
    def required(self) -> bool:
        """Whether peers must show credentials: yes, unless the test says otherwise."""
        return self._required

    def check(self, credentials: Credentials, answer: Answer) -> PendingVerdict:
        """Note the question; the answer comes later."""
        self.asked.append(credentials)
        question = ManualCheck(self, answer)
        self.open.append(question)
        return question

    def admit(self, user: str = "") -> None:
        """Let the one who asked first in."""
        self.open.pop(0).answer(Identity(user))

    def refuse(self) -> None:
        """Send the one who asked first away."""
        self.open.pop(0).answer(None)

    def close(self) -> None:
        """Note that the server ended."""
        self.closed = True
