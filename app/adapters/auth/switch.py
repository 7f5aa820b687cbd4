"""An authenticator that can be replaced by another one while the server runs."""

from ...domain.security.credentials import Answer, Credentials, Identity, PendingVerdict
from ...ports.authenticator import Authenticator


class SwitchableAuthenticator(Authenticator):
    """Asks the authenticator that is in use; a login whose check is under way is asked of the next one."""

    def __init__(self, inner: Authenticator) -> None:
        self.inner = inner
        """The one that is in use."""
        self._open: set[_Question] = set()

    @property
    def required(self) -> bool:
        return self.inner.required

    def check(self, credentials: Credentials, answer: Answer) -> PendingVerdict | None:
        question = _Question(self._open, credentials, answer)
        question.ask(self.inner)
        return question if question.can_be_withdrawn else None

    def switch(self, inner: Authenticator) -> None:
        """Ask another one from now on, and close the one that was in use."""
        before, self.inner = self.inner, inner
        for question in list(self._open):
            question.ask(inner)
        before.close()

    def close(self) -> None:
        self._open.clear()
        self.inner.close()


class _Question(PendingVerdict):
    """One login; its credentials are kept until it is answered."""

    __slots__ = ("_answer", "_credentials", "_open", "_pending", "_round")

    def __init__(self, questions: "set[_Question]", credentials: Credentials, answer: Answer) -> None:
        self._open = questions
        self._credentials = credentials
        self._answer = answer
        self._pending: PendingVerdict | None = None
        self._round = 0

    @property
    def under_way(self) -> bool:
        return self._pending is not None and self._pending.under_way

    @property
    def can_be_withdrawn(self) -> bool:
        """Whether it is open, and its check can be dropped."""
        return self in self._open and self._pending is not None

    def ask(self, inner: Authenticator) -> None:
        """Ask this one, and no other any more."""
        before, self._pending = self._pending, None
        if before is not None:
            before.cancel()
        self._open.add(self)
        self._round += 1
        asked = self._round

        def take(identity: Identity | None) -> None:
            if self in self._open and asked == self._round:
                self._open.discard(self)
                self._answer(identity)

        pending = inner.check(self._credentials, take)
        if self in self._open:
            self._pending = pending

    def cancel(self) -> None:
        self._open.discard(self)
        if self._pending is not None:
            self._pending.cancel()
