"""Unit tests of who leaf nodes are that connect."""

from app.adapters.auth.leaf_gatekeeper import LeafGatekeeper
from app.domain.security.credentials import Credentials, Identity
from tests.fakes.authenticator import ManualAuthenticator

NOBODY = Identity("nobody")


def test_a_leaf_without_credentials() -> None:
    """It is the user for those, if there is one."""
    authenticator, answers = ManualAuthenticator(), list[Identity | None]()
    LeafGatekeeper(authenticator, anonymous=NOBODY).check(Credentials(), answers.append)

    assert [NOBODY] == answers
    assert not authenticator.asked


def test_all_others_are_judged() -> None:
    """One with a JWT claims to be somebody; without such a user the authenticator is always asked."""
    authenticator, answers = ManualAuthenticator(), list[Identity | None]()
    for gatekeeper, credentials in (
        (LeafGatekeeper(authenticator, anonymous=NOBODY), Credentials("u")),
        (LeafGatekeeper(authenticator, anonymous=NOBODY), Credentials(jwt="j")),
        (LeafGatekeeper(authenticator), Credentials()),
    ):
        gatekeeper.check(credentials, answers.append)

    assert [Credentials("u"), Credentials(jwt="j"), Credentials()] == authenticator.asked
    assert LeafGatekeeper(authenticator).required


def test_logins_of_their_own() -> None:
    """Those of clients do not count then, and are not closed with them."""
    shared, own = ManualAuthenticator(), ManualAuthenticator(required=False)
    gatekeeper = LeafGatekeeper(shared, own)
    gatekeeper.check(Credentials("u"), list[Identity | None]().append)
    gatekeeper.close()

    assert ([], [Credentials("u")]) == (shared.asked, own.asked)
    assert not gatekeeper.required
    assert (False, True) == (shared.closed, own.closed)


def test_a_switch() -> None:
    """Others judge from now on, and what is not needed any more is closed."""
    shared, first, second = ManualAuthenticator(), ManualAuthenticator(), ManualAuthenticator()
    gatekeeper, answers = LeafGatekeeper(shared), list[Identity | None]()
    for own in (first, second, None):
        gatekeeper.switch(own, NOBODY if own is None else None)
        gatekeeper.check(Credentials(), answers.append)
    gatekeeper.close()

    assert ([Credentials()], [Credentials()], []) == (first.asked, second.asked, shared.asked)
    assert [NOBODY] == answers
    assert (True, True, False) == (first.closed, second.closed, shared.closed)
