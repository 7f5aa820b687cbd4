"""The port of authenticators, and who implements it."""

import pytest

from app.adapters.auth.authenticators import AllowAll, PasswordAuthenticator, TokenAuthenticator
from app.adapters.auth.guard import GuardedAuthenticator, GuardedFunction
from app.domain.security.credentials import Gatekeeper
from app.ports.authenticator import Authenticator, AuthError
from tests.fakes.authenticator import ManualAuthenticator
from tests.fakes.contracts import breaches
from tests.fakes.single_user import SingleUser

OURS = [AllowAll, PasswordAuthenticator, TokenAuthenticator, GuardedFunction, GuardedAuthenticator]


@pytest.mark.parametrize("implementation", [*OURS, ManualAuthenticator, SingleUser])
def test_implementations(implementation: type) -> None:
    """Every authenticator, real or fake, has all methods of the port, with its arguments."""
    assert [] == breaches(Authenticator, implementation)


def test_the_domain_needs_less() -> None:
    """An authenticator is all that a session asks for, and can be closed besides."""
    assert Gatekeeper in Authenticator.__mro__
    assert {"close"} == {name for name in vars(Authenticator) if not name.startswith("_")}


def test_an_error_is_its_text() -> None:
    """The text of an error reaches the operator as it is."""
    assert "the token is empty" == str(AuthError("the token is empty"))
