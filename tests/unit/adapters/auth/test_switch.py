"""An authenticator that is replaced: logins that are being checked are checked by the next one."""

from app.adapters.auth.authenticators import AllowAll
from app.adapters.auth.switch import SwitchableAuthenticator
from app.domain.security.credentials import Credentials, Identity
from tests.fakes.authenticator import ManualAuthenticator

CREDENTIALS = Credentials("u", "p")


class Rig:
    """A switchable authenticator, and what it answered."""

    def __init__(self) -> None:
        self.first, self.second = ManualAuthenticator(), ManualAuthenticator()
        self.switchable = SwitchableAuthenticator(self.first)
        self.answers: list[Identity | None] = []

    def ask(self) -> object:
        """One login."""
        return self.switchable.check(CREDENTIALS, self.answers.append)


def test_the_one_in_use_is_asked() -> None:
    """Its answers come through, and what it requires is required."""
    rig = Rig()
    assert rig.switchable.required
    pending = rig.switchable.check(CREDENTIALS, rig.answers.append)
    assert pending is not None
    seen = [pending.under_way]
    rig.first.at_work = True
    seen.append(pending.under_way)
    assert [False, True] == seen
    rig.first.admit("u")

    assert [Identity("u")] == rig.answers
    rig.switchable.close()
    assert rig.first.closed


def test_a_login_during_a_switch() -> None:
    """The next one is asked with the same credentials, and answers once; the one before is closed."""
    rig = Rig()
    rig.ask()
    late = rig.first.open[0]
    rig.switchable.switch(rig.second)
    late.answer(Identity("old"))
    assert [] == rig.answers
    rig.second.refuse()

    assert [None] == rig.answers
    assert (1, True, False) == (rig.first.cancelled, rig.first.closed, rig.second.closed)
    assert [CREDENTIALS] == rig.second.asked


def test_a_login_that_is_withdrawn() -> None:
    """It is not asked again."""
    rig = Rig()
    pending = rig.switchable.check(CREDENTIALS, rig.answers.append)
    assert pending is not None
    pending.cancel()
    rig.switchable.switch(rig.second)

    assert ([], 1) == (rig.second.asked, rig.first.cancelled)


def test_an_answer_at_once() -> None:
    """There is nothing to withdraw then, after a switch neither."""
    rig = Rig()
    rig.ask()
    rig.switchable.switch(AllowAll())

    assert [Identity()] == rig.answers
    assert rig.ask() is None
    assert not rig.switchable.required
