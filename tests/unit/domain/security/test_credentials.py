"""Unit tests of credentials and identities."""

from app.domain.security.credentials import Answer, Credentials, Gatekeeper, Identity

TOKEN = "open sesame"  # noqa: S105 - it opens nothing


class Doorkeeper:
    """Admits every client that has the token, at once."""

    required = True

    def check(self, credentials: Credentials, answer: Answer) -> None:
        """Judge the token alone."""
        answer(Identity(credentials.user) if credentials.token == TOKEN else None)


def test_secrets_are_not_shown() -> None:
    """Whatever prints credentials, a log or a traceback, prints the user alone."""
    credentials = Credentials("alice", "my password", "my token")

    assert "Credentials(user='alice')" == repr(credentials) == str(credentials)


def test_secrets_tell_credentials_apart() -> None:
    """Hidden as they are, they count when credentials are compared."""
    assert Credentials("alice", "one") == Credentials("alice", "one")
    assert Credentials("alice", "one") != Credentials("alice", "two")
    assert Credentials("alice", "one", TOKEN) != Credentials("alice", "one")


def test_nobody() -> None:
    """A client that names nobody shows nothing, and is nobody in particular."""
    assert Credentials("", "", "") == Credentials()
    assert "" == Identity().user


def test_a_gatekeeper_answers_with_an_identity_or_none() -> None:
    """Any object of this shape may judge; a refusal is None, never an exception."""
    gatekeeper: Gatekeeper = Doorkeeper()
    answers: list[Identity | None] = []

    gatekeeper.check(Credentials("alice", token=TOKEN), answers.append)
    gatekeeper.check(Credentials("mallory"), answers.append)

    assert [Identity("alice"), None] == answers
