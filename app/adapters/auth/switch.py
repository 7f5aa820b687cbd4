"""An authenticator that can be replaced by another one while the server runs."""

from functools import partial

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
        return question if question.ask(self.inner) else None

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

    __slots__ = ("_answer", "_asked", "_credentials", "_open", "_pending")

    def __init__(self, questions: "set[_Question]", credentials: Credentials, answer: Answer) -> None:
        self._open = questions
        self._credentials = credentials
        self._answer = answer
        self._pending: PendingVerdict | None = None
        self._asked: Authenticator | None = None

    @property
    def under_way(self) -> bool:
        return self._pending is not None and self._pending.under_way

    def ask(self, inner: Authenticator) -> bool:
        """Ask this one, and no other any more; whether it is open then, and its check can be dropped."""
        before, self._pending = self._pending, None
        if before is not None:
            before.cancel()
        self._open.add(self)
        self._asked = inner
        pending = inner.check(self._credentials, partial(self._take, inner))
        if self in self._open:
            self._pending = pending
        return self._pending is not None

    def _take(self, asked: Authenticator, identity: Identity | None) -> None:
        if asked is self._asked and self in self._open:
            self._open.discard(self)
            self._answer(identity)

    def cancel(self) -> None:
        self._open.discard(self)
        if self._pending is not None:
            self._pending.cancel()
