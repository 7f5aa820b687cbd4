"""Unit tests of who leaf nodes are at the door."""

from app.adapters.auth.leaf_doors import LeafGatekeeper
from app.domain.credentials import Credentials, Identity
from tests.fakes.authenticator import ManualAuthenticator

NOBODY = Identity("nobody")


def test_a_leaf_without_credentials() -> None:
    """It is the user for those, if there is one."""
    authenticator, answers = ManualAuthenticator(), list[Identity | None]()
    LeafGatekeeper(authenticator, NOBODY).check(Credentials(), answers.append)

    assert [NOBODY] == answers
    assert not authenticator.asked


def test_all_others_are_judged() -> None:
    """One with a JWT claims to be somebody; without such a user the authenticator is always asked."""
    authenticator, answers = ManualAuthenticator(), list[Identity | None]()
    for gatekeeper, credentials in (
        (LeafGatekeeper(authenticator, NOBODY), Credentials("u")),
        (LeafGatekeeper(authenticator, NOBODY), Credentials(jwt="j")),
        (LeafGatekeeper(authenticator), Credentials()),
    ):
        gatekeeper.check(credentials, answers.append)

    assert [Credentials("u"), Credentials(jwt="j"), Credentials()] == authenticator.asked
    assert LeafGatekeeper(authenticator).required
