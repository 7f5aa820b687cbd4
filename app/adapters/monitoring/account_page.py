"""The page `/accountz`: there are the accounts `$G`, of all clients, and `$SYS`, of none."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi.responses import PlainTextResponse
from pydantic import Field, WithJsonSchema

from ...domain.steps import Steps
from ...ports.broker_view import ACCOUNT
from .context import MonitoringContext
from .formats import indented, one_line, rfc3339
from .jsonp import JAVASCRIPT, reply
from .pages import subsz_figures
from .parameters import PageQuery
from .schemas import PageModel, Time
from .streams_page import REFUSED
from .varz import SYSTEM_ACCOUNT


class AccountzQuery(PageQuery):
    """Parameters of ``/accountz``."""

    acc: Annotated[
        str,
        WithJsonSchema({"type": "string", "enum": ["", ACCOUNT, SYSTEM_ACCOUNT]}),
        Field(description="Show this account; without it their names are listed."),
    ] = ""


class IndexFigures(PageModel):
    """The subscription index of an account."""

    num_subscriptions: int
    num_cache: int
    num_inserts: int
    num_removes: int
    num_matches: int
    cache_hit_rate: float
    max_fanout: int
    avg_fanout: float


class AccountDetail(PageModel):
    """One account."""

    account_name: str
    update_time: Time
    is_system: bool | None = None
    expired: bool = False
    complete: bool = True
    jetstream_enabled: bool
    leafnode_connections: int
    client_connections: int
    subscriptions: int
    name_tag: str
    sublist_stats: IndexFigures


class Accountz(PageModel):
    """The accounts, or one of them."""

    server_id: str
    now: Time
    system_account: str
    accounts: list[str] | None = None
    account_detail: AccountDetail | None = None


class AccountPage:
    """The page of one server."""

    def __init__(self, context: MonitoringContext) -> None:
        self._context = context

    def router(self) -> APIRouter:
        """Its path."""
        router = APIRouter(tags=["status"])
        router.add_api_route(
            "/accountz",
            self.accountz,
            response_model=Accountz,
            responses={**REFUSED, 200: {"content": {JAVASCRIPT: {"schema": {"type": "string"}}}}},
            summary="The names of accounts, and one of them",
        )
        return router

    async def accountz(self, question: Annotated[AccountzQuery, Query()]) -> Response:
        """All clients belong to one account."""
        context = self._context
        context.requests.accountz += 1
        if question.acc not in ("", ACCOUNT, SYSTEM_ACCOUNT):
            return PlainTextResponse(f"Account {one_line(question.acc)} does not exist", 400)
        page = Accountz(
            server_id=context.view.server().info.server_id,
            now=rfc3339(context.wall_time.now()),
            system_account=SYSTEM_ACCOUNT,
            accounts=None if question.acc else [SYSTEM_ACCOUNT, ACCOUNT],
        )
        if question.acc:
            detail = await context.stepper.run(_detail(context, question.acc))
            page = page.model_copy(update={"account_detail": detail})
        return reply(indented(page), question.callback)


def _detail(context: MonitoringContext, account: str) -> Steps[AccountDetail]:
    """What is known of an account; the other one has no clients."""
    facts = context.view.server()
    is_system = account == SYSTEM_ACCOUNT
    found = yield from subsz_figures(context)
    names = IndexFigures.model_fields
    figures = IndexFigures(**{name: 0 if is_system else getattr(found, name) for name in names})
    return AccountDetail(
        account_name=account,
        update_time=rfc3339(context.wall_time.of(facts.started)),
        is_system=is_system or None,
        jetstream_enabled=not is_system and context.streams() is not None,
        leafnode_connections=0 if is_system else facts.leaves,
        client_connections=0 if is_system else facts.connections,
        subscriptions=0 if is_system else facts.subscriptions,
        name_tag=account,
        sublist_stats=figures,
    )
