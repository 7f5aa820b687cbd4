"""An authenticator that answers when the test says."""

from app.domain.security.credentials import Answer, Credentials, Identity, PendingVerdict
from app.ports.authenticator import Authenticator


class ManualCheck(PendingVerdict):
    """A pending check of a `ManualAuthenticator`."""

    def __init__(self, owner: "ManualAuthenticator", answer: Answer) -> None:
        self.answer = answer
        self._owner = owner

    @property
    def under_way(self) -> bool:
        """As the authenticator says."""
        return self._owner.at_work

    def cancel(self) -> None:
        """Count and drop the check."""
        self._owner.cancelled += 1
        self._owner.open.remove(self)


class ManualAuthenticator(Authenticator):
    """Requires credentials, records them in `asked`, and answers when the test says.

    `admit` and `refuse` answer the oldest open check. `cancelled` counts withdrawn checks, and
    `at_work` says whether the open ones have begun.
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
        """Record the check; the answer comes later."""
        self.asked.append(credentials)
        pending = ManualCheck(self, answer)
        self.open.append(pending)
        return pending

    def admit(self, user: str = "") -> None:
        """Accept the oldest open check."""
        self.open.pop(0).answer(Identity(user))

    def refuse(self) -> None:
        """Reject the oldest open check."""
        self.open.pop(0).answer(None)

    def close(self) -> None:
        """Record the end of the server."""
        self.closed = True
