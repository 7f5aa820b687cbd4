"""Authenticators of somebody else's, kept from doing harm.

Such code raises, hangs, answers twice, from another thread, or with nonsense. Each
of these costs the one client its login, within a time limit, and one line in the
log; everybody else goes on. What cannot be helped is code that blocks the event
loop: it must be written not to.

Whatever it raises is a refusal, `KeyboardInterrupt` and `SystemExit` too: raised in
here they come from that code. Those that are meant for the process arrive where the
event loop runs, outside of any check, for signals raise nothing inside the server.
"""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass

from app.domain.credentials import Answer, Credentials, Identity, PendingVerdict
from app.domain.events import Event, Level, ServerFailure
from app.domain.failure import described
from app.ports.authenticator import Authenticator

CHECK_SECONDS = 2.0
"""How long a check may take by default: as long as clients wait for it."""

PARTING_SECONDS = 1.0
"""How long a check that was cancelled may take to end, before it is abandoned."""

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


class _Case(PendingVerdict):
    """One login: open until the first outcome, which counts. Made on the loop's thread."""

    under_way = True

    __slots__ = ("_answer", "_court", "_loop", "_timer", "_user", "stop")

    def __init__(self, court: "_Court", user: str, answer: Answer) -> None:
        self._court = court
        self._user = user
        self._answer = answer
        self._loop = asyncio.get_running_loop()
        self._timer = self._loop.call_later(court.seconds, self._expire)
        self.stop: Callable[[], object] | None = None
        """Ends the work on the case, if that can be done; called when nobody waits for it any more."""

    def conclude(self, verdict: object) -> None:
        """Answer with `verdict`. May be called from any thread, and more than once."""
        if _running_loop() is self._loop:
            self._judge(verdict)
        else:
            with suppress(RuntimeError):  # the loop has ended, and everybody with it
                self._loop.call_soon_threadsafe(self._judge, verdict)

    def fail(self, error: BaseException) -> None:
        """Refuse because of what was raised. Not to be called from other threads."""
        self.refuse(f"it raised {described(error)}")

    def refuse(self, reason: str) -> None:
        """Refuse, and report why, unless there was an outcome."""
        if self in self._court.cases:
            self._court.report(AuthenticatorFailed(None, reason))
            self._finish(None)

    def cancel(self) -> None:
        """Leave it unanswered. May be called again."""
        self._court.cases.discard(self)
        self._timer.cancel()
        stop, self.stop = self.stop, None
        if stop is None:
            return
        try:
            stop()
        except BaseException as error:  # noqa: BLE001 - see the module
            self._court.report(AuthenticatorFailed(None, f"cancelling a check raised {described(error)}"))

    def _judge(self, verdict: object) -> None:
        if verdict is True:
            self._finish(Identity(self._user))
        elif verdict is False or verdict is None:
            self._finish(None)
        elif isinstance(verdict, Identity) and isinstance(verdict.user, str):
            self._finish(verdict)
        else:
            kind = type(verdict).__name__
            self.refuse(f"its verdict was of type {kind}, not True, False, None or an Identity")

    def _expire(self) -> None:
        if self in self._court.cases:
            self.refuse(f"it gave no verdict within {self._court.seconds:g} s")
            self.cancel()

    def _finish(self, identity: Identity | None) -> None:
        if self not in self._court.cases:
            return
        self._court.cases.remove(self)
        self._timer.cancel()
        try:
            self._answer(identity)
        except Exception as error:  # noqa: BLE001 - a defect of ours must not pass for one of theirs
            self._court.report(ServerFailure(None, described(error)))


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
        for case in list(self.cases):
            case.cancel()


class GuardedFunction(Authenticator):
    """Asks an async function. Everybody must show credentials."""

    required = True

    def __init__(self, check: Check, seconds: float, report: Report) -> None:
        """A check may take `seconds`."""
        self._check = check
        self._court = _Court(seconds, report)
        self._tasks: set[asyncio.Task[None]] = set()

    def check(self, credentials: Credentials, answer: Answer) -> PendingVerdict:
        case = self._court.open(credentials, answer)
        task = asyncio.get_running_loop().create_task(self._judge(credentials, case))
        case.stop = task.cancel
        self._tasks.add(task)  # the loop itself keeps no task alive
        task.add_done_callback(self._tasks.discard)
        return case

    async def _judge(self, credentials: Credentials, case: _Case) -> None:
        """Wait for the check; when it ignores its cancellation, for a moment only."""
        check = _unawaited(self._outcome(credentials, case))
        try:
            await asyncio.wait((check,))
        except asyncio.CancelledError:
            check.cancel()
            await _part(check)
            raise

    async def _outcome(self, credentials: Credentials, case: _Case) -> None:
        try:
            verdict = await self._check(credentials)
        except GeneratorExit:
            raise
        except BaseException as error:  # noqa: BLE001 - see the module
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

    def check(self, credentials: Credentials, answer: Answer) -> PendingVerdict:
        case = self._court.open(credentials, answer)
        try:
            pending: object = self._inner.check(credentials, case.conclude)
            stop = getattr(pending, "cancel", None)
        except BaseException as error:  # noqa: BLE001 - see the module
            case.fail(error)
            return case
        if inspect.iscoroutine(pending):
            pending.close()
            case.refuse("its check is an async function, and must be a plain one that calls answer")
        elif callable(stop):
            case.stop = stop
        return case

    def close(self) -> None:
        """Let it go of what it has; checks under way stay unanswered."""
        self._court.close()
        try:
            left: object = self._inner.close()  # type: ignore[func-returns-value] # if it keeps the contract
        except BaseException as error:  # noqa: BLE001 - see the module
            self._court.report(AuthenticatorFailed(None, f"closing it raised {described(error)}"))
            return
        if inspect.iscoroutine(left):
            left.close()
            self._court.report(
                AuthenticatorFailed(None, "its close is an async function, and must be a plain one")
            )


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _unawaited(work: Coroutine[object, object, None]) -> asyncio.Task[None]:
    """A task that nobody waits for who waits for all tasks of a loop, as the end of a program does."""
    task = asyncio.get_running_loop().create_task(work)
    asyncio._unregister_task(task)  # noqa: SLF001 - documented, for those who extend asyncio
    return task


async def _part(task: asyncio.Task[None]) -> None:
    """Wait for a cancelled task to end, for `PARTING_SECONDS` whatever happens; then abandon it."""
    loop = asyncio.get_running_loop()
    end = loop.time() + PARTING_SECONDS
    while not task.done() and (left := end - loop.time()) > 0:
        with suppress(asyncio.CancelledError):  # the loop ends, and asks again
            await asyncio.wait((task,), timeout=left)
    if not task.done():
        _abandon(task)


def _abandon(task: asyncio.Task[None]) -> None:
    """Leave it as it is, for ever: to destroy it would be to run its code once more, which may not end."""
    import ctypes  # noqa: PLC0415 - only code that ignores its cancellation needs it

    with suppress(AttributeError):  # it is CPython's
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(task))
