"""Unit tests of keeping somebody else's authenticator from doing harm."""

import asyncio
import threading
from collections.abc import Callable
from typing import NoReturn

import pytest

from app.adapters.auth import guard as guard_module
from app.adapters.auth.guard import AuthenticatorFailed, GuardedAuthenticator, GuardedFunction
from app.domain.events import Event
from app.domain.security.credentials import Answer, Credentials, Identity
from app.ports.authenticator import Authenticator

pytestmark = pytest.mark.asyncio

DEREK = Credentials("derek", "s3cr3t", "t0k3n")
LONG = 20.0
"""Seconds that no check of these tests takes."""
SHORT = 0.01
"""Seconds after which a check that hangs is given up."""


class Strange(BaseException):
    """What no handler of exceptions catches."""


RAISED = [
    ValueError("s3cr3t"),
    SystemExit("s3cr3t"),
    KeyboardInterrupt("s3cr3t"),
    Strange("s3cr3t"),
    asyncio.CancelledError("s3cr3t"),
]
"""Some end a program wherever they come from, unless somebody stops them."""
KINDS = ["error", "exit", "interrupt", "strange", "cancelled"]


class Desk:
    """Asks an authenticator about Derek, and keeps answers and reports."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.answers: list[Identity | None] = []
        self.answered = asyncio.Event()

    def report(self, event: Event) -> None:
        """Keep a fact."""
        self.events.append(event)

    def answer(self, identity: Identity | None) -> None:
        """Keep an answer."""
        self.answers.append(identity)
        self.answered.set()

    async def ask(self, authenticator: Authenticator) -> Identity | None:
        """The answer, and no second one soon after."""
        authenticator.check(DEREK, self.answer)
        await asyncio.wait_for(self.answered.wait(), LONG)
        for _ in range(5):
            await asyncio.sleep(0)
        (answer,) = self.answers
        return answer

    def reasons(self) -> list[str]:
        """What was reported."""
        assert all(isinstance(event, AuthenticatorFailed) for event in self.events)
        return [event.text().removeprefix("Authenticator failed: ") for event in self.events]


class Scripted(Authenticator):
    """An authenticator written to the port, whose check is what the test says."""

    def __init__(self, act: Callable[[Answer], None], *, required: bool = True) -> None:
        self._act = act
        self._required = required
        self.closed = False

    @property
    def required(self) -> bool:
        """As the test says."""
        return self._required

    def check(self, credentials: Credentials, answer: Answer) -> None:
        """Do what the test says."""
        assert credentials is DEREK
        self._act(answer)

    def close(self) -> None:
        """Note it."""
        self.closed = True


def guarded(act: Callable[[Answer], None], desk: Desk, seconds: float = LONG) -> GuardedAuthenticator:
    """A guarded authenticator whose check is `act`."""
    return GuardedAuthenticator(Scripted(act), seconds, desk.report)


VERDICTS = pytest.mark.parametrize(
    ("verdict", "identity"),
    [
        (True, Identity("derek")),
        (False, None),
        (None, None),
        (Identity("someone"), Identity("someone")),
        (Identity(), Identity()),
    ],
    ids=["true", "false", "none", "identity", "nameless"],
)

NONSENSE = pytest.mark.parametrize(
    ("verdict", "kind"),
    [
        ("s3cr3t", "str"),
        (1, "int"),
        ({}, "dict"),
        (Identity(5), "Identity"),  # type: ignore[arg-type] # not a name
        (Identity(permissions={"publish": "a"}), "Identity"),  # type: ignore[arg-type] # no permissions
    ],
)


@VERDICTS
async def test_a_function_is_believed(verdict: bool | Identity | None, identity: Identity | None) -> None:  # noqa: FBT001 - pytest's way
    """True lets in under the name that was given, an identity under its own, all else not."""
    desk = Desk()

    async def check(credentials: Credentials) -> bool | Identity | None:
        assert credentials is DEREK
        await asyncio.sleep(0)
        return verdict

    guard = GuardedFunction(check, LONG, desk.report)

    assert guard.required
    assert identity == await desk.ask(guard)
    assert [] == desk.reasons()


@NONSENSE
async def test_nonsense_of_a_function(verdict: object, kind: str) -> None:
    """A verdict of any other type refuses, and is reported by its type alone."""
    desk = Desk()

    async def check(credentials: Credentials) -> bool:  # noqa: ARG001 - it judges no one
        return verdict  # type: ignore[return-value] # the defect under test

    assert await desk.ask(GuardedFunction(check, LONG, desk.report)) is None
    assert [f"its verdict was of type {kind}, not True, False, None or an Identity"] == desk.reasons()


@pytest.mark.parametrize("error", RAISED, ids=KINDS)
async def test_a_function_that_raises(error: BaseException) -> None:
    """What it raises refuses; the report says what and where, and not with which words."""
    desk = Desk()

    async def check(credentials: Credentials) -> NoReturn:  # noqa: ARG001 - it judges no one
        raise error

    assert await desk.ask(GuardedFunction(check, LONG, desk.report)) is None

    (reason,) = desk.reasons()
    assert reason.startswith(f"it raised {type(error).__name__} at test_guard.py:")
    assert "s3cr3t" not in reason


async def test_a_function_that_hangs() -> None:
    """When its time is up it is cancelled, and refuses."""
    desk = Desk()
    cancelled = asyncio.Event()

    async def check(credentials: Credentials) -> NoReturn:  # noqa: ARG001 - it judges no one
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()
        pytest.fail("nothing sets that event")

    assert await desk.ask(GuardedFunction(check, SHORT, desk.report)) is None
    await asyncio.wait_for(cancelled.wait(), LONG)
    assert ["it gave no verdict within 0.01 s"] == desk.reasons()


async def test_a_function_that_will_not_be_cancelled() -> None:
    """Who goes on after the time limit is refused all the same, and changes nothing any more."""
    desk = Desk()
    done = asyncio.Event()

    async def check(credentials: Credentials) -> bool:  # noqa: ARG001 - it judges no one
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            done.set()
        return True

    assert await desk.ask(GuardedFunction(check, SHORT, desk.report)) is None
    await asyncio.wait_for(done.wait(), LONG)
    assert [None] == desk.answers


async def test_a_hanging_check_holds_nobody_up() -> None:
    """While one login hangs another is answered."""
    desk = Desk()
    hanging: list[Identity | None] = []
    first = True

    async def check(credentials: Credentials) -> bool:  # noqa: ARG001 - it judges no one
        nonlocal first
        if first:
            first = False
            await asyncio.Event().wait()
        return True

    guard = GuardedFunction(check, LONG, desk.report)
    guard.check(DEREK, hanging.append)

    assert Identity("derek") == await desk.ask(guard)
    assert [] == hanging
    guard.close()


async def test_closing_cancels_the_checks_under_way() -> None:
    """What is under way when the server ends is cancelled, and stays unanswered and unreported."""
    desk = Desk()
    begun, cancelled = asyncio.Event(), asyncio.Event()

    async def check(credentials: Credentials) -> NoReturn:  # noqa: ARG001 - it judges no one
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()
        pytest.fail("nothing sets that event")

    guard = GuardedFunction(check, LONG, desk.report)
    guard.check(DEREK, desk.answer)
    await asyncio.wait_for(begun.wait(), LONG)

    guard.close()

    await asyncio.wait_for(cancelled.wait(), LONG)
    assert [] == desk.answers
    assert [] == desk.reasons()


async def test_a_function_whose_client_has_left() -> None:
    """A check that is withdrawn is cancelled, and neither answered nor reported."""
    desk = Desk()
    begun, cancelled = asyncio.Event(), asyncio.Event()

    async def check(credentials: Credentials) -> NoReturn:  # noqa: ARG001 - it judges no one
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()
        pytest.fail("nothing sets that event")

    pending = GuardedFunction(check, LONG, desk.report).check(DEREK, desk.answer)
    await asyncio.wait_for(begun.wait(), LONG)
    under_way = pending.under_way

    pending.cancel()
    pending.cancel()

    await asyncio.wait_for(cancelled.wait(), LONG)
    assert under_way
    assert ([], []) == (desk.answers, desk.reasons())


async def test_a_check_that_never_ends_does_not_keep_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    """The end of the loop waits a moment for a check that ignores its cancellation, and abandons it."""
    monkeypatch.setattr(guard_module, "CANCEL_SECONDS", SHORT)
    desk, complaints = Desk(), []
    refusals = 0

    async def check(credentials: Credentials) -> NoReturn:  # noqa: ARG001 - it judges no one
        nonlocal refusals
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                refusals += 1

    async def serve() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
        guard = GuardedFunction(check, LONG, desk.report)
        guard.check(DEREK, desk.answer)
        await asyncio.sleep(0)
        guard.close()

    await asyncio.to_thread(asyncio.run, serve())

    assert refusals > 0
    assert ([], [], []) == (desk.answers, desk.reasons(), complaints)


@pytest.mark.parametrize("required", [True, False])
async def test_an_authenticator_says_whether_it_is_needed(required: bool) -> None:  # noqa: FBT001 - pytest's way
    """Whether peers must show credentials is for the authenticator to say."""
    inner = Scripted(lambda answer: answer(None), required=required)

    assert required is GuardedAuthenticator(inner, LONG, pytest.fail).required  # type: ignore[arg-type] # it accepts any text


@VERDICTS
async def test_an_authenticator_is_believed(verdict: Identity | None, identity: Identity | None) -> None:
    """Its answer counts, at once or later."""
    at_once, later = Desk(), Desk()

    assert identity == await at_once.ask(guarded(lambda answer: answer(verdict), at_once))
    assert identity == await later.ask(
        guarded(lambda answer: _call_soon(answer, verdict), later),
    )
    assert [] == at_once.reasons() + later.reasons()


def _call_soon(answer: Answer, verdict: Identity | None) -> None:
    asyncio.get_running_loop().call_soon(answer, verdict)


@NONSENSE
async def test_nonsense_of_an_authenticator(verdict: Identity, kind: str) -> None:
    """An answer of any other type refuses, and is reported."""
    desk = Desk()

    assert await desk.ask(guarded(lambda answer: answer(verdict), desk)) is None
    assert [f"its verdict was of type {kind}, not True, False, None or an Identity"] == desk.reasons()


@pytest.mark.parametrize("error", RAISED, ids=KINDS)
async def test_an_authenticator_that_raises(error: BaseException) -> None:
    """What it raises refuses, and is reported without its words."""
    desk = Desk()

    def act(_answer: Answer) -> NoReturn:
        raise error

    assert await desk.ask(guarded(act, desk)) is None

    (reason,) = desk.reasons()
    assert reason.startswith(f"it raised {type(error).__name__} at test_guard.py:")
    assert "s3cr3t" not in reason


async def test_an_authenticator_that_answers_twice() -> None:
    """The first answer counts: nobody is thrown out, or let in, by a second."""
    desk = Desk()

    def act(answer: Answer) -> None:
        answer(Identity("derek"))
        answer(None)
        answer(Identity("root"))

    assert Identity("derek") == await desk.ask(guarded(act, desk))
    assert [] == desk.reasons()


async def test_an_authenticator_that_answers_and_raises() -> None:
    """Once it has answered, what it raises changes nothing."""
    desk = Desk()

    def act(answer: Answer) -> None:
        answer(Identity("derek"))
        raise ValueError

    assert Identity("derek") == await desk.ask(guarded(act, desk))
    assert [] == desk.reasons()


async def test_an_authenticator_that_never_answers() -> None:
    """When its time is up, silence is a refusal; an answer after that is ignored."""
    desk = Desk()
    late: list[Answer] = []

    assert await desk.ask(guarded(late.append, desk, SHORT)) is None
    late[0](Identity("derek"))

    assert [None] == desk.answers
    assert ["it gave no verdict within 0.01 s"] == desk.reasons()


async def test_an_answer_from_another_thread() -> None:
    """An answer that comes from another thread is heard on the loop's own."""
    desk = Desk()
    heard_on: list[threading.Thread] = []

    def answer(identity: Identity | None) -> None:
        heard_on.append(threading.current_thread())
        desk.answer(identity)

    guard = guarded(lambda inner: threading.Thread(target=inner, args=(Identity("derek"),)).start(), desk)
    guard.check(DEREK, answer)
    await asyncio.wait_for(desk.answered.wait(), LONG)

    assert [Identity("derek")] == desk.answers
    assert [threading.current_thread()] == heard_on


async def test_closing_closes_the_authenticator() -> None:
    """The server's end is passed on; what is under way stays unanswered."""
    desk = Desk()
    late: list[Answer] = []
    inner = Scripted(late.append)
    guard = GuardedAuthenticator(inner, LONG, desk.report)
    guard.check(DEREK, desk.answer)

    guard.close()
    late[0](Identity("derek"))

    assert inner.closed
    assert [] == desk.answers


async def test_an_authenticator_that_cannot_be_closed() -> None:
    """What its end raises is reported, and stops nothing."""

    class Unclosable(Scripted):
        def close(self) -> None:
            raise ValueError("s3cr3t")

    desk = Desk()

    GuardedAuthenticator(Unclosable(lambda answer: answer(None)), LONG, desk.report).close()

    (reason,) = desk.reasons()
    assert reason.startswith("closing it raised ValueError at test_guard.py:")
    assert "s3cr3t" not in reason


async def test_an_authenticator_hears_who_has_left() -> None:
    """A withdrawn check is withdrawn from the authenticator, once, if it has a way to do so."""
    desk = Desk()
    left: list[str] = []

    class Ticket:
        under_way = True

        def cancel(self) -> None:
            left.append("left")

    class Withdrawable(Authenticator):
        required = True

        def check(self, credentials: Credentials, answer: Answer) -> Ticket:  # noqa: ARG002 - it never answers
            return Ticket()

        def close(self) -> None:
            pytest.fail("not closed")

    pending = GuardedAuthenticator(Withdrawable(), LONG, desk.report).check(DEREK, desk.answer)
    pending.cancel()
    pending.cancel()

    assert (["left"], [], []) == (left, desk.answers, desk.reasons())


async def test_an_authenticator_that_cannot_withdraw() -> None:
    """What withdrawing a check raises is reported, and stops nothing."""
    desk = Desk()

    class Ticket:
        under_way = True

        def cancel(self) -> None:
            raise Strange("s3cr3t")

    class Withdrawable(Authenticator):
        required = True

        def check(self, credentials: Credentials, answer: Answer) -> Ticket:  # noqa: ARG002 - it never answers
            return Ticket()

        def close(self) -> None:
            pytest.fail("not closed")

    GuardedAuthenticator(Withdrawable(), LONG, desk.report).check(DEREK, desk.answer).cancel()

    (reason,) = desk.reasons()
    assert reason.startswith("cancelling a check raised Strange at test_guard.py:")
    assert "s3cr3t" not in reason


async def test_an_authenticator_with_async_methods() -> None:
    """Coroutines where plain methods belong are refused with a word on what to do, and leave no warning."""

    class Async(Scripted):
        async def check(  # type: ignore[override] # it is wrong, that is the point
            self, credentials: Credentials, answer: Answer
        ) -> None:
            pytest.fail(f"awaited for {credentials} and {answer}")

        async def close(self) -> None:  # type: ignore[override] # the same
            pytest.fail("awaited")

    desk = Desk()
    guard = GuardedAuthenticator(Async(pytest.fail), LONG, desk.report)  # type: ignore[arg-type] # the same

    assert await desk.ask(guard) is None
    guard.close()

    assert [
        "its check is an async function, and must be a plain one that calls answer",
        "its close is an async function, and must be a plain one",
    ] == desk.reasons()


async def test_an_answer_after_the_loop() -> None:
    """A thread that answers when the server has ended does no harm, and suffers none."""
    late: list[Answer] = []
    desk = Desk()
    other = asyncio.new_event_loop()

    async def ask() -> None:
        guarded(late.append, desk).check(DEREK, desk.answer)

    await asyncio.to_thread(other.run_until_complete, ask())
    other.close()
    late[0](Identity("derek"))

    assert [] == desk.answers


async def test_a_defect_of_ours_is_not_theirs() -> None:
    """When the server fails over an answer, the authenticator neither sees it nor is blamed for it."""
    desk = Desk()
    seen: list[str] = []

    def fail(_identity: Identity | None) -> None:
        raise ZeroDivisionError("s3cr3t")

    def act(answer: Answer) -> None:
        answer(None)
        seen.append("went on")

    guarded(act, desk).check(DEREK, fail)

    (event,) = desk.events
    assert ["went on"] == seen
    assert event.text().startswith(
        "Internal error, the server continues: ZeroDivisionError at test_guard.py:"
    )


async def test_a_report_that_knows_no_place() -> None:
    """An error of the interpreter itself, without a trace, is reported too."""
    desk = Desk()
    guard = GuardedFunction(5, LONG, desk.report)  # type: ignore[arg-type] # not callable, that is the point

    assert await desk.ask(guard) is None

    (reason,) = desk.reasons()
    assert reason.startswith("it raised TypeError at guard.py:")
