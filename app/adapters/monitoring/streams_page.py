"""The page `/jsz`: JetStream, its streams and consumers."""

import json
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import Field

from ...ports.broker_view import ACCOUNT
from ...ports.streams_view import StreamsDetail, StreamsView
from .context import MonitoringContext
from .formats import html_safe, rfc3339
from .jsonp import JAVASCRIPT, reply
from .parameters import PageQuery, Switch, Whole, is_on

REFUSED: dict[int | str, dict[str, Any]] = {
    "4XX": {
        "description": "A parameter cannot be used, as one line says; or the method is not for reading.",
        "content": {"text/plain": {"schema": {"type": "string"}}},
    }
}


class JszQuery(PageQuery):
    """What the answer has."""

    acc: Annotated[str, Field(description="Details of this account; there is one, `$G`.")] = ""
    accounts: Annotated[Switch, Field(description="Whether to list accounts.")] = ""
    streams: Annotated[Switch, Field(description="Whether to list streams.")] = ""
    consumers: Annotated[Switch, Field(description="Whether to list consumers, with their streams.")] = ""
    config: Annotated[Switch, Field(description="Whether to show configurations.")] = ""
    offset: Annotated[
        Whole, Field(description="Accounts before the first one that is listed; there is one.")
    ] = 0
    limit: Annotated[Whole, Field(description="Accounts that are listed; there is one.")] = 0

    def detail(self) -> StreamsDetail:
        """The same in the words of the port."""
        account = bool(self.acc) or any(map(is_on, (self.accounts, self.streams, self.consumers)))
        return StreamsDetail(
            account and (self.acc == ACCOUNT or (not self.acc and self.offset < 1)),
            is_on(self.streams),
            is_on(self.consumers),
            is_on(self.config),
        )


class StreamsPage:
    """The page of one server."""

    def __init__(self, context: MonitoringContext) -> None:
        self._context = context

    def router(self) -> APIRouter:
        """Its path."""
        router = APIRouter(tags=["status"])
        router.add_api_route(
            "/jsz",
            self.jsz,
            response_model=dict[str, Any],
            responses={**REFUSED, 200: {"content": {JAVASCRIPT: {"schema": {"type": "string"}}}}},
            summary="JetStream: streams and consumers",
        )
        return router

    async def jsz(self, question: Annotated[JszQuery, Query()]) -> Response:
        """What is used, and on request accounts, streams and consumers."""
        context = self._context
        context.requests.jsz += 1
        answer: dict[str, object] = {
            "server_id": context.view.server().info.server_id,
            "now": rfc3339(context.wall_time.now()),
        }
        streams = context.streams()
        if streams is None:
            answer |= {"disabled": True, "config": {}, "limits": {}}
        else:
            answer |= await self._about(streams, question.detail())
        return reply(html_safe(json.dumps(answer, indent=2).encode()), question.callback)

    async def _about(self, streams: StreamsView, detail: StreamsDetail) -> dict[str, object]:
        answer = {**streams.figures(), "config": streams.config(), "limits": {}, **streams.totals()}
        if detail.account:
            answer["account_details"] = await self._context.stepper.run(streams.details(detail))
        return answer
