"""Authenticators of somebody else's, kept from doing harm.

Such code raises, hangs, answers twice, from another thread, or with nonsense. Each
of these costs the one client its login, within a time limit, and one line in the
log; everybody else goes on. What cannot be helped is code that blocks the event
loop: it must be written not to.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from traceback import walk_tb

from app.domain.credentials import Answer, Credentials, Identity
from app.domain.events import Event, Level
from app.ports.authenticator import Authenticator

CHECK_SECONDS = 2.0
"""How long a check may take by default: as long as clients wait for it."""

_ANYTHING = (Exception, SystemExit, KeyboardInterrupt)
"""What such code may raise, and must not leave this place; signals raise nothing while a loop runs."""

Report = Callable[[Event], None]
"""Records a fact."""

Check = Callable[[Credentials], Awaitable[bool | Identity | None]]
"""An async function that judges. True lets in under the name that was given."""


@dataclass(frozen=True, slots=True)
class AuthenticatorFailed(Event):
    """An authenticator of the operator's own broke its contract; somebody was refused for it.

    The reason holds no text that the code chose, for it might be a secret.
    """

    level = Level.ERROR
    sentence = "Authenticator failed: {self.reason}"

    reason: str


class _Case:
    """One login: open until the first outcome, which counts. Made on the loop's thread."""

    __slots__ = ("_answer", "_court", "_loop", "_timer", "_user", "task")

    def __init__(self, court: "_Court", user: str, answer: Answer) -> None:
        self._court = court
        self._user = user
        self._answer = answer
        self._loop = asyncio.get_running_loop()
        self._timer = self._loop.call_later(court.seconds, self._expire)
        self.task: asyncio.Task[None] | None = None
        """Works on the case, if one does; it is cancelled when time is up."""

    def conclude(self, verdict: object) -> None:
        """Answer with `verdict`. May be called from any thread, and more than once."""
        if _running_loop() is self._loop:
            self._judge(verdict)
        else:
            self._loop.call_soon_threadsafe(self._judge, verdict)

    def fail(self, error: BaseException) -> None:
        """Refuse because of what was raised. Not to be called from other threads."""
        self._refuse(f"it raised {type(error).__name__}{_place(error)}")

    def drop(self) -> None:
        """Leave it unanswered."""
        self._timer.cancel()
        if self.task is not None:
            self.task.cancel()

    def _judge(self, verdict: object) -> None:
        if verdict is True:
            self._finish(Identity(self._user))
        elif verdict is False or verdict is None:
            self._finish(None)
        elif isinstance(verdict, Identity) and isinstance(verdict.user, str):
            self._finish(verdict)
        else:
            kind = type(verdict).__name__
            self._refuse(f"its verdict was of type {kind}, not True, False, None or an Identity")

    def _expire(self) -> None:
        if self.task is not None:
            self.task.cancel()
        self._refuse(f"it gave no verdict within {self._court.seconds:g} s")

    def _refuse(self, reason: str) -> None:
        if self in self._court.cases:
            self._court.report(AuthenticatorFailed(None, reason))
            self._finish(None)

    def _finish(self, identity: Identity | None) -> None:
        if self in self._court.cases:
            self._court.cases.remove(self)
            self._timer.cancel()
            self._answer(identity)


class _Court:
    """The open cases of one authenticator, and the rules they share."""

    def __init__(self, seconds: float, report: Report) -> None:
        self.seconds = seconds
        self.report = report
        self.cases: set[_Case] = set()

    def open(self, credentials: Credentials, answer: Answer) -> _Case:
        case = _Case(self, credentials.user, answer)
        self.cases.add(case)
        return case

    def close(self) -> None:
        """Drop all cases."""
        cases, self.cases = self.cases, set()
        for case in cases:
            case.drop()


class GuardedFunction(Authenticator):
    """Asks an async function. Everybody must show credentials."""

    required = True

    def __init__(self, check: Check, seconds: float, report: Report) -> None:
        """A check may take `seconds`."""
        self._check = check
        self._court = _Court(seconds, report)

    def check(self, credentials: Credentials, answer: Answer) -> None:
        case = self._court.open(credentials, answer)
        case.task = asyncio.get_running_loop().create_task(self._judge(credentials, case))

    async def _judge(self, credentials: Credentials, case: _Case) -> None:
        try:
            verdict = await self._check(credentials)
        except _ANYTHING as error:
            case.fail(error)
        else:
            case.conclude(verdict)

    def close(self) -> None:
        """Cancel the checks under way; they stay unanswered."""
        self._court.close()


class GuardedAuthenticator(Authenticator):
    """Asks an authenticator that somebody else wrote to our port."""

    # A plain attribute in place of the port's property: it is read once.
    required: bool = True

    def __init__(self, inner: Authenticator, seconds: float, report: Report) -> None:
        """A check may take `seconds`."""
        self.required = inner.required
        self._inner = inner
        self._court = _Court(seconds, report)

    def check(self, credentials: Credentials, answer: Answer) -> None:
        case = self._court.open(credentials, answer)
        try:
            self._inner.check(credentials, case.conclude)
        except _ANYTHING as error:
            case.fail(error)

    def close(self) -> None:
        """Let it go of what it has; checks under way stay unanswered."""
        self._court.close()
        try:
            self._inner.close()
        except _ANYTHING as error:
            reason = f"closing it raised {type(error).__name__}{_place(error)}"
            self._court.report(AuthenticatorFailed(None, reason))


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _place(error: BaseException) -> str:
    """Where it was raised, as `` at file.py:12``; its text might hold a secret."""
    frames = list(walk_tb(error.__traceback__))
    if not frames:
        return ""
    frame, line = frames[-1]
    return f" at {Path(frame.f_code.co_filename).name}:{line}"
