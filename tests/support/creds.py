"""Creds files, for tests."""

from tests.support.nkeys import NkeyUser

JWT = "eyJhbGciOiJlZDI1NTE5LW5rZXkifQ.eyJuYW1lIjoibGVhZiJ9.c2lnbmF0dXJl"
"""A text of the form of a JWT; nobody has signed it."""


def creds_text(user: NkeyUser, jwt: str = JWT) -> str:
    """The contents of a file with this user."""
    return (
        f"-----BEGIN NATS USER JWT-----\n{jwt}\n------END NATS USER JWT------\n\n"
        "************************* IMPORTANT *************************\n"
        "Keep this file to yourself.\n\n"
        f"-----BEGIN USER NKEY SEED-----\n{user.seed}\n------END USER NKEY SEED------\n\n"
    )
