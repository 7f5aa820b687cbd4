"""Guards around authenticators that the operator wrote.

Such code may raise, hang, answer twice, from another thread, or with nonsense. Each of
these costs one client its login, within a time limit, and one line in the log; all other
clients are unaffected. The one exception is code that blocks the event loop, which no
guard can interrupt.

Anything it raises is a refusal, `KeyboardInterrupt` and `SystemExit` included: inside a
check they come from that code. Signals for the process raise nothing inside the server.
"""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress

from ...domain.events import Event, Level, ServerFailure
from ...domain.failure import described
from ...domain.permissions.rules import Permissions
from ...domain.security.credentials import Answer, Credentials, Identity, PendingVerdict
from ...domain.value_object import value_object
from ...ports.authenticator import Authenticator

CHECK_SECONDS = 2.0
"""Default time limit of one check; clients give up after about as long."""

CANCEL_SECONDS = 1.0
"""Time for a cancelled check to end; after that it is abandoned."""

Report = Callable[[Event], None]
"""Records a fact."""

Check = Callable[[Credentials], Awaitable[bool | Identity | None]]
"""An async function that decides. True accepts the client under the name it gave."""


@value_object
class AuthenticatorFailed(Event):
    """The operator's authenticator broke its contract, so a client was refused.

    The reason contains no text chosen by that code, which might be a secret.
    """

    level = Level.ERROR
    sentence = "Authenticator failed: {self.reason}"

    reason: str


class _PendingCheck(PendingVerdict):
    """One login. The first result counts. Made on the loop's thread."""

    under_way = True

    __slots__ = ("_answer", "_checks", "_loop", "_timer", "_user", "stop")

    def __init__(self, checks: "_PendingChecks", user: str, answer: Answer) -> None:
        self._checks = checks
        self._user = user
        self._answer = answer
        self._loop = asyncio.get_running_loop()
        self._timer = self._loop.call_later(checks.seconds, self._expire)
        self.stop: Callable[[], object] | None = None
        """Stops the check, where that is possible; called when its result is no longer wanted."""

    def resolve(self, verdict: object) -> None:
        """Answer with `verdict`. May be called from any thread, and more than once."""
        if _running_loop() is self._loop:
            self._judge(verdict)
        else:
            with suppress(RuntimeError):  # the loop has ended, and its clients with it
                self._loop.call_soon_threadsafe(self._judge, verdict)

    def fail(self, error: BaseException) -> None:
        """Refuse because the check raised. Only for the loop's thread."""
        self.refuse(f"it raised {described(error)}")

    def refuse(self, reason: str) -> None:
        """Refuse and report why, unless there is a result already."""
        if self in self._checks.pending:
            self._checks.report(AuthenticatorFailed(None, reason))
            self._finish(None)

    def cancel(self) -> None:
        """Drop the check without an answer. May be called again."""
        self._checks.pending.discard(self)
        self._timer.cancel()
        stop, self.stop = self.stop, None
        if stop is None:
            return
        try:
            stop()
        except BaseException as error:  # noqa: BLE001 - see the module
            self._checks.report(AuthenticatorFailed(None, f"cancelling a check raised {described(error)}"))

    def _judge(self, verdict: object) -> None:
        if verdict is True:
            self._finish(Identity(self._user))
        elif verdict is False or verdict is None:
            self._finish(None)
        elif isinstance(verdict, Identity) and _is_sound(verdict):
            self._finish(verdict)
        else:
            kind = type(verdict).__name__
            self.refuse(f"its verdict was of type {kind}, not True, False, None or an Identity")

    def _expire(self) -> None:
        if self in self._checks.pending:
            self.refuse(f"it gave no verdict within {self._checks.seconds:g} s")
            self.cancel()

    def _finish(self, identity: Identity | None) -> None:
        if self not in self._checks.pending:
            return
        self._checks.pending.remove(self)
        self._timer.cancel()
        try:
            self._answer(identity)
        except Exception as error:  # noqa: BLE001 - a defect of the server is not one of the authenticator
            self._checks.report(ServerFailure(None, described(error)))


def _is_sound(identity: Identity) -> bool:
    """Whether its fields are what they should be; other code may have made it."""
    user: object = identity.user
    permissions: object = identity.permissions
    return isinstance(user, str) and isinstance(permissions, Permissions | None)


class _PendingChecks:
    """The pending checks of one authenticator, with their time limit and their report."""

    def __init__(self, seconds: float, report: Report) -> None:
        self.seconds = seconds
        self.report = report
        self.pending: set[_PendingCheck] = set()

    def open(self, credentials: Credentials, answer: Answer) -> _PendingCheck:
        pending = _PendingCheck(self, credentials.user, answer)
        self.pending.add(pending)
        return pending

    def close(self) -> None:
        """Drop all pending checks."""
        for pending in list(self.pending):
            pending.cancel()


class GuardedFunction(Authenticator):
    """Calls an async function for each login. All clients must log in."""

    required = True

    def __init__(self, check: Check, seconds: float, report: Report) -> None:
        """A check may take `seconds`."""
        self._check = check
        self._checks = _PendingChecks(seconds, report)
        self._tasks: set[asyncio.Task[None]] = set()

    def check(self, credentials: Credentials, answer: Answer) -> PendingVerdict:
        pending = self._checks.open(credentials, answer)
        task = asyncio.get_running_loop().create_task(self._judge(credentials, pending))
        pending.stop = task.cancel
        self._tasks.add(task)  # the loop itself keeps no task alive
        task.add_done_callback(self._tasks.discard)
        return pending

    async def _judge(self, credentials: Credentials, pending: _PendingCheck) -> None:
        """Wait for the check; after a cancellation, for `CANCEL_SECONDS` at most."""
        check = _unawaited(self._outcome(credentials, pending))
        try:
            await asyncio.wait((check,))
        except asyncio.CancelledError:
            check.cancel()
            await _end_cancelled(check)
            raise

    async def _outcome(self, credentials: Credentials, pending: _PendingCheck) -> None:
        try:
            verdict = await self._check(credentials)
        except GeneratorExit:
            raise
        except BaseException as error:  # noqa: BLE001 - see the module
            pending.fail(error)
        else:
            pending.resolve(verdict)

    def close(self) -> None:
        """Cancel the checks under way; they stay unanswered."""
        self._checks.close()


class GuardedAuthenticator(Authenticator):
    """Calls an authenticator that the operator wrote to our port."""

    # A plain attribute in place of the port's property: it is read once.
    required: bool = True

    def __init__(self, inner: Authenticator, seconds: float, report: Report) -> None:
        """A check may take `seconds`."""
        self.required = inner.required
        self._inner = inner
        self._checks = _PendingChecks(seconds, report)

    def check(self, credentials: Credentials, answer: Answer) -> PendingVerdict:
        pending = self._checks.open(credentials, answer)
        try:
            returned: object = self._inner.check(credentials, pending.resolve)
            stop = getattr(returned, "cancel", None)
        except BaseException as error:  # noqa: BLE001 - see the module
            pending.fail(error)
            return pending
        if inspect.iscoroutine(returned):
            returned.close()
            pending.refuse("its check is an async function, and must be a plain one that calls answer")
        elif callable(stop):
            pending.stop = stop
        return pending

    def close(self) -> None:
        """Close it; pending checks stay unanswered."""
        self._checks.close()
        try:
            close: Callable[[], object] = self._inner.close  # None, if it keeps the contract
            left = close()
        except BaseException as error:  # noqa: BLE001 - see the module
            self._checks.report(AuthenticatorFailed(None, f"closing it raised {described(error)}"))
            return
        if inspect.iscoroutine(left):
            left.close()
            self._checks.report(
                AuthenticatorFailed(None, "its close is an async function, and must be a plain one")
            )


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _unawaited(work: Coroutine[object, object, None]) -> asyncio.Task[None]:
    """A task outside of `asyncio.all_tasks`, so that the end of the program does not wait for it."""
    task = asyncio.get_running_loop().create_task(work)
    asyncio._unregister_task(task)  # noqa: SLF001 - documented, for extensions of asyncio
    return task


async def _end_cancelled(task: asyncio.Task[None]) -> None:
    """Wait up to `CANCEL_SECONDS` for a cancelled task to end, then abandon it."""
    loop = asyncio.get_running_loop()
    end = loop.time() + CANCEL_SECONDS
    while not task.done() and (left := end - loop.time()) > 0:
        with suppress(asyncio.CancelledError):  # the loop ends, and asks again
            await asyncio.wait((task,), timeout=left)
    if not task.done():
        _abandon(task)


def _abandon(task: asyncio.Task[None]) -> None:
    """Keep it for ever: destroying the task would run its code once more, which may not end."""
    import ctypes  # noqa: PLC0415 - only code that ignores its cancellation needs it

    with suppress(AttributeError):  # other interpreters
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(task))
