"""The paths of the dashboard: the page, its files, and its feed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from ..context import MonitoringContext
from .assets import HEADERS, PAGE, Assets
from .details import DetailQuery
from .feed import FeedQuery, collect, feed_json, server_links
from .history import WINDOWS
from .recorder import Recorder
from .selection import SORTS, TableQuery
from .streams_router import streams_router

PATH = "/dashboard"

MAX_ROWS = 200
"""Rows of a table."""

MAX_NUMBER = 2**53
"""The largest integer that JavaScript counts exactly."""

MAX_SUBJECT = 4096
"""Characters of a subject that can be detail; longer ones are listed only."""

_WINDOWS = {window.name: window for window in WINDOWS}

_Text = Annotated[str, Field(max_length=100)]
_Number = Annotated[int, Field(ge=0, le=MAX_NUMBER)]
_Switch = Literal["0", "1"]


class FeedParameters(BaseModel):
    """The parameters of a request for the feed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    window: Annotated[str, Field(pattern=f"^({'|'.join(_WINDOWS)})$")] = WINDOWS[0].name
    epoch: _Text = ""
    after: _Number = 0
    sort: Annotated[str, Field(pattern=f"^({'|'.join(SORTS)})$")] = "pending"
    descending: _Switch = "1"
    filter: _Text = ""
    slow: _Switch = "0"
    offset: _Number = 0
    limit: Annotated[int, Field(ge=1, le=MAX_ROWS)] = 15
    subject: _Text = ""
    ring: _Text = ""
    seen: Annotated[int, Field(ge=-1, le=MAX_NUMBER)] = -1
    client: _Number = 0
    topic: Annotated[str, Field(max_length=MAX_SUBJECT)] = ""

    @property
    def query(self) -> FeedQuery:
        """The same as plain values."""
        table = TableQuery(
            sort=self.sort,
            descending=self.descending == "1",
            text=self.filter.strip(),
            slow=self.slow == "1",
            offset=self.offset,
            limit=self.limit,
            subject=self.subject.strip(),
        )
        detail = DetailQuery(self.client, self.topic)
        return FeedQuery(_WINDOWS[self.window], self.epoch, self.after, table, self.ring, self.seen, detail)


def dashboard_router(context: MonitoringContext) -> APIRouter:
    """The paths of a dashboard, for browsers; they are not part of the documented API.

    History is kept while the server runs.
    """
    recorder, assets = Recorder(context), Assets()

    @asynccontextmanager
    async def lifespan(_app: object) -> AsyncIterator[None]:
        recording = asyncio.create_task(recorder.run())
        yield
        recording.cancel()

    async def page(request: Request) -> Response:
        return _file(assets, PAGE, request)

    async def asset(name: str, request: Request) -> Response:
        return _file(assets, name, request)

    async def feed(parameters: Annotated[FeedParameters, Query()]) -> Response:
        query = parameters.query
        snapshot = await recorder.snapshots.snapshot()
        links = await context.stepper.run(server_links(context.view))
        data = collect(recorder, snapshot, links, query)
        body = await context.stepper.run(feed_json(data, query, assets.edition))
        return Response(body, media_type="application/json", headers={"Cache-Control": "no-store"})

    router = APIRouter(include_in_schema=False, lifespan=lifespan)
    router.add_api_route(PATH, page)
    router.add_api_route(f"{PATH}/feed", feed)
    router.include_router(streams_router(context, recorder.streams, assets, partial(_file, assets)))
    router.add_api_route(f"{PATH}/{{name}}", asset)
    return router


def _file(assets: Assets, name: str, request: Request) -> Response:
    """Raises `HTTPException` for an unknown file."""
    if name not in assets:
        raise HTTPException(HTTPStatus.NOT_FOUND)
    asset = assets[name]
    headers = {**HEADERS, "ETag": asset.etag}
    if request.headers.get("if-none-match") == asset.etag:
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(asset.body, media_type=asset.media_type, headers=headers)
