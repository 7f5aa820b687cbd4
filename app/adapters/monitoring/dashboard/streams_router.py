"""The paths of the page of streams: the page, and its feed."""

from collections.abc import Callable
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from ..context import MonitoringContext
from .assets import STREAMS_PAGE, Assets
from .streams_feed import streams_json
from .streams_selection import CONSUMER_SORTS, STREAM_SORTS, RowSelection, StreamsQuery
from .streams_snapshot import StreamsTaker

STREAMS_PATH = "/dashboard/streams"

MAX_STREAMS_ROWS = 200
"""Rows of a table."""

LONGEST_NAME = 256
"""Characters of the name of a stream or consumer, and more."""

_Number = Annotated[int, Field(ge=0, le=2**53)]
_Rows = Annotated[int, Field(ge=1, le=MAX_STREAMS_ROWS)]
_Switch = Literal["0", "1"]
_Name = Annotated[str, Field(max_length=LONGEST_NAME)]


class StreamsParameters(BaseModel):
    """The parameters of a request for the feed of streams."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sort: Annotated[str, Field(pattern=f"^({'|'.join(STREAM_SORTS)})$")] = "lag"
    descending: _Switch = "1"
    offset: _Number = 0
    limit: _Rows = 15
    consumers_sort: Annotated[str, Field(pattern=f"^({'|'.join(CONSUMER_SORTS)})$")] = "lag"
    consumers_descending: _Switch = "1"
    consumers_offset: _Number = 0
    filter: Annotated[str, Field(max_length=100)] = ""
    stream: _Name = ""
    consumer: _Name = ""

    @property
    def query(self) -> StreamsQuery:
        """The same as plain values."""
        return StreamsQuery(
            RowSelection(self.sort, self.descending == "1", self.offset, self.limit),
            RowSelection(
                self.consumers_sort, self.consumers_descending == "1", self.consumers_offset, self.limit
            ),
            self.filter.strip(),
            self.stream,
            self.consumer,
        )


def streams_router(
    context: MonitoringContext,
    taker: StreamsTaker,
    assets: Assets,
    file: Callable[[str, Request], Response],
) -> APIRouter:
    """Their paths; `file` answers with a file of the dashboard."""

    async def page(request: Request) -> Response:
        return file(STREAMS_PAGE, request)

    async def feed(parameters: Annotated[StreamsParameters, Query()]) -> Response:
        snapshot = await taker.snapshot()
        steps = streams_json(context, snapshot, parameters.query, assets.edition)
        body = await context.stepper.run(steps)
        return Response(body, media_type="application/json", headers={"Cache-Control": "no-store"})

    router = APIRouter(include_in_schema=False)
    router.add_api_route(STREAMS_PATH, page)
    router.add_api_route(f"{STREAMS_PATH}/feed", feed)
    return router
