"""Rates around an authenticator."""

import asyncio

import pytest

from app.adapters.auth.rated import PacedLogins, RatedUsers
from app.domain.rates import PublishRate
from app.domain.security.credentials import Credentials, Identity
from app.testing import wait_for
from tests.fakes.authenticator import ManualAuthenticator

RATE = PublishRate(messages=5)


def test_rates_of_users() -> None:
    """A user with a rate gets it with the identity; others, and refusals, stay as they are."""
    inner, answers = ManualAuthenticator(), list[Identity | None]()
    rated = RatedUsers(inner, {"a": RATE})
    for _ in range(3):
        rated.check(Credentials("x"), answers.append)
    inner.admit("a")
    inner.admit("b")
    inner.refuse()
    rated.close()

    assert [Identity("a", publish_rate=RATE), Identity("b"), None] == answers
    assert (True, True) == (rated.required, inner.closed)


@pytest.mark.asyncio
async def test_logins_wait_for_their_turn() -> None:
    """A burst is judged at once, and the rest one after the other, but for those that are withdrawn."""
    inner, answers = ManualAuthenticator(), list[Identity | None]()
    paced = PacedLogins(inner, 20)
    pending = [paced.check(Credentials(f"{number}"), answers.append) for number in range(24)]
    assert 20 == len(inner.asked)
    last, before = pending[-1], pending[-2]
    assert last is not None
    assert before is not None
    assert not last.under_way
    before.cancel()
    await wait_for(lambda: len(inner.asked) == 23)
    assert "22" not in [each.user for each in inner.asked]
    seen = [last.under_way]
    inner.at_work = True
    seen.append(last.under_way)
    last.cancel()
    while inner.open:
        inner.admit("u")
    paced.close()

    assert [False, True] == seen
    assert 22 == len(answers)
    assert (1, True) == (inner.cancelled, inner.closed)
    assert paced.required


@pytest.mark.asyncio
async def test_it_ends_while_logins_wait() -> None:
    """Logins that wait when the authenticator is closed get no answer."""
    inner = ManualAuthenticator()
    paced = PacedLogins(inner, 1)
    for _ in range(3):
        paced.check(Credentials(), lambda _: None)
    paced.close()
    await asyncio.sleep(0)

    assert 1 == len(inner.asked)
