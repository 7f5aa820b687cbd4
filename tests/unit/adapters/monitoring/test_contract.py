"""The OpenAPI document holds: schemathesis makes requests from it, good and bad, and checks the answers."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import schemathesis
from hypothesis import assume, settings
from schemathesis import Case
from schemathesis.generation import GenerationMode

from app.adapters.monitoring.app import create_app
from app.ports.broker_view import Profile, SubscriptionStats
from tests.fakes.broker_view import Watched, client

WATCHED = Watched()
WATCHED.view.clients = [
    replace(
        client(number),
        profile=Profile("name", "py", "3.13", "user"),
        subscription_list=(SubscriptionStats("a.>", "q", "1", 5, 9, number),),
    )
    for number in range(1, 4)
]
WATCHED.view.listened = list(WATCHED.view.clients[0].subscription_list)

schema = schemathesis.openapi.from_asgi("/openapi.json", create_app(WATCHED.context))
schema.config.generation.update(modes=list(GenerationMode))


def is_whole(query: Mapping[str, object]) -> bool:
    """Whether a question keeps the rules about two parameters, which no schema can say.

    It asks about a user or a client. It names the owner of what it asks about, and what only closed
    clients have sorts them alone.
    """
    owners = {"stream": "account", "consumer": "stream"}
    is_sortable = query.get("sort") not in ("stop", "reason") or query.get("state") == "closed"
    if "subject" in query and ("user" in query) == (query.get("cid") not in (None, 0, "0", "")):
        return False
    return is_sortable and all(query.get(owner) for thing, owner in owners.items() if query.get(thing))


@schema.parametrize()
@settings(max_examples=40)
def test_answers_are_as_documented(case: Case[Any]) -> None:
    """Good requests get what the document says, bad ones are refused, and nothing breaks."""
    assume(is_whole(case.query or {}))

    answer = case.call_and_validate()

    assert answer.status_code < 500
