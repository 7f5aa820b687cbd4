"""Logins by signed tokens that expire: ``user~subjects~until~signature``."""

import hashlib
import hmac
import os
import sys
import time

from pynatsd import Credentials, Identity, Permissions, Rule, entry

_KEY = "PASSES_KEY"


def issue(user: str, subjects: str, seconds: float) -> str:
    """A token for a user that may publish to these subjects, separated by commas, for a time."""
    said = f"{user}~{subjects}~{time.time() + seconds:.0f}"
    return f"{said}~{_sign(said)}"


async def check(credentials: Credentials) -> Identity | None:
    """Who a client is, and what it may publish; None refuses it."""
    said, _, signature = credentials.token.rpartition("~")
    if not said or not hmac.compare_digest(_sign(said).encode(), signature.encode()):
        return None
    user, subjects, until = said.split("~")
    if time.time() > float(until):
        return None
    allowed = tuple(entry(subject) for subject in subjects.split(","))
    return Identity(user, permissions=Permissions(publish=Rule(allow=allowed)))


def _sign(text: str) -> str:
    return hmac.new(os.environ[_KEY].encode(), text.encode(), hashlib.sha256).hexdigest()


if __name__ == "__main__":
    sys.stdout.write(issue(sys.argv[1], sys.argv[2], float(sys.argv[3])) + "\n")
