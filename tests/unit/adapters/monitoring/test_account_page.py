"""The page `/accountz`."""

from dataclasses import replace

import pytest

from tests.fakes.broker_view import FACTS, Watched
from tests.unit.adapters.monitoring.client import ask

pytestmark = pytest.mark.asyncio


async def test_names(watched: Watched) -> None:
    """Without a name the accounts are listed."""
    page = (await ask(watched, "/accountz")).json()
    assert list(page) == ["server_id", "now", "system_account", "accounts"]
    assert page["accounts"] == ["$SYS", "$G"]
    assert (await ask(watched, "/accountz?callback=f")).text.startswith("f({")


async def test_an_account(watched: Watched) -> None:
    """All clients and subscriptions are of one, and none of the other."""
    watched.view.facts = replace(FACTS, connections=3, subscriptions=4)
    detail = (await ask(watched, "/accountz?acc=$G")).json()["account_detail"]
    assert (detail["account_name"], detail["client_connections"], detail["subscriptions"]) == ("$G", 3, 4)
    assert "is_system" not in detail
    system = (await ask(watched, "/accountz?acc=$SYS")).json()["account_detail"]
    assert (system["is_system"], system["client_connections"]) == (True, 0)


async def test_no_account(watched: Watched) -> None:
    """An account that does not exist is refused."""
    response = await ask(watched, "/accountz?acc=A")
    assert (response.status_code, response.text) == (400, "Account A does not exist")
