"""The dashboard's addresses: the page, its files, and its feed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from app.adapters.monitoring.dashboard.assets import HEADERS, PAGE, Assets
from app.adapters.monitoring.dashboard.details import Opened
from app.adapters.monitoring.dashboard.feed import Wish, answer, gather
from app.adapters.monitoring.dashboard.history import WINDOWS
from app.adapters.monitoring.dashboard.recorder import Recorder
from app.adapters.monitoring.dashboard.selection import SORTS, Choice
from app.adapters.monitoring.watch import Watch

PATH = "/dashboard"

LARGEST_PAGE = 200
"""Rows of a table at most."""

LARGEST_NUMBER = 2**53
"""Numbers that a page can count to without an error."""

LONGEST_SUBJECT = 4096
"""Characters of a subject that can be opened; longer ones are listed only."""

_WINDOWS = {window.name: window for window in WINDOWS}

_Text = Annotated[str, Field(max_length=100)]
_Number = Annotated[int, Field(ge=0, le=LARGEST_NUMBER)]
_Switch = Literal["0", "1"]


class FeedQuery(BaseModel):
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
    limit: Annotated[int, Field(ge=1, le=LARGEST_PAGE)] = 15
    subject: _Text = ""
    ring: _Text = ""
    seen: Annotated[int, Field(ge=-1, le=LARGEST_NUMBER)] = -1
    client: _Number = 0
    topic: Annotated[str, Field(max_length=LONGEST_SUBJECT)] = ""

    @property
    def wish(self) -> Wish:
        """The same in the words of the feed."""
        choice = Choice(
            sort=self.sort,
            descending=self.descending == "1",
            text=self.filter.strip(),
            slow=self.slow == "1",
            offset=self.offset,
            limit=self.limit,
            subject=self.subject.strip(),
        )
        opened = Opened(self.client, self.topic)
        return Wish(_WINDOWS[self.window], self.epoch, self.after, choice, self.ring, self.seen, opened)


def dashboard_router(watch: Watch) -> APIRouter:
    """The addresses of a dashboard. They are for browsers, so the API's document leaves them out.

    History is kept from the start of the server to its end.
    """
    recorder, assets = Recorder(watch), Assets()

    @asynccontextmanager
    async def lifespan(_app: object) -> AsyncIterator[None]:
        recording = asyncio.create_task(recorder.run())
        yield
        recording.cancel()

    async def page(request: Request) -> Response:
        return _file(assets, PAGE, request)

    async def asset(name: str, request: Request) -> Response:
        return _file(assets, name, request)

    async def feed(query: Annotated[FeedQuery, Query()]) -> Response:
        wish = query.wish
        findings = await recorder.survey.findings()
        routes = await watch.turns.answer(watch.view.routes())
        material = gather(recorder, findings, routes, wish)
        body = await watch.turns.answer(answer(material, wish, assets.edition))
        return Response(body, media_type="application/json", headers={"Cache-Control": "no-store"})

    router = APIRouter(include_in_schema=False, lifespan=lifespan)
    router.add_api_route(PATH, page)
    router.add_api_route(f"{PATH}/feed", feed)
    router.add_api_route(f"{PATH}/{{name}}", asset)
    return router


def _file(assets: Assets, name: str, request: Request) -> Response:
    """Raises `HTTPException` for a file that there is not."""
    if name not in assets:
        raise HTTPException(HTTPStatus.NOT_FOUND)
    asset = assets[name]
    headers = {**HEADERS, "ETag": asset.etag}
    if request.headers.get("if-none-match") == asset.etag:
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(asset.body, media_type=asset.media_type, headers=headers)
