"""Authenticator: decides whether a peer may connect.

The domain needs no more than `Gatekeeper`. An adapter promises in addition

    * to answer exactly once, within this call or later on the loop's own thread;
    * never to block: a check that takes time runs elsewhere;
    * to refuse, not to raise, whatever the credentials contain;
    * to drop a check that is cancelled before its answer, at no further cost;
    * to spend the same time on an unknown user as on a wrong password;
    * never to log or keep a secret.
"""

from typing import Protocol

from ..domain.security.credentials import Gatekeeper


class AuthError(Exception):
    """No authenticator can be made; the text says what to do, and contains no secret."""


class Authenticator(Gatekeeper, Protocol):
    """Judges credentials for as long as the server runs."""

    def close(self) -> None:
        """Release threads and files; checks under way may stay unanswered."""
        ...
