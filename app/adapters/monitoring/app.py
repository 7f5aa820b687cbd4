"""The application: which path gives which answer."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, PlainTextResponse
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from app.adapters.monitoring import metrics, pages
from app.adapters.monitoring.docs_page import docs_router
from app.adapters.monitoring.door import Door
from app.adapters.monitoring.formats import indented
from app.adapters.monitoring.health import Probes
from app.adapters.monitoring.hosts import machine_names
from app.adapters.monitoring.index_page import index_page
from app.adapters.monitoring.jsonp import JAVASCRIPT, JSON, reply, reply_in_pieces
from app.adapters.monitoring.parameters import (
    AccstatzQuestion,
    ConnzQuestion,
    Question,
    RoutezQuestion,
    SubszQuestion,
    complaint,
    is_on,
)
from app.adapters.monitoring.schemas import Accstatz, Connz, Gatewayz, Leafz, Routez, Subsz, Varz
from app.adapters.monitoring.stacks import stacks
from app.adapters.monitoring.turns import Chunks
from app.adapters.monitoring.watch import Watch

_TITLE = "pynatsd monitoring"
_OPENAPI = "/openapi.json"
_CLASSIC = (
    *("/", "/varz", "/connz", "/routez", "/subsz", "/subscriptionsz", "/stacksz"),
    *("/accstatz", "/gatewayz", "/leafz"),
)

_Responses = dict[int | str, dict[str, Any]]
_REFUSED: _Responses = {
    "4XX": {
        "description": "A parameter cannot be used, as one line says; or the method is not for reading.",
        "content": {"text/plain": {"schema": {"type": "string"}}},
    }
}
_JSON: _Responses = {200: {"content": {JAVASCRIPT: {"schema": {"type": "string"}}}}, **_REFUSED}


def create_app(
    watch: Watch, routers: Sequence[APIRouter] = (), links: Mapping[str, str] | None = None
) -> ASGIApp:
    """All pages of one server.

    Further `routers` may bring a ``lifespan``, which begins and ends with the server.
    `links` are further lines of the index page: what they are for, by path.
    """
    app = FastAPI(
        title=_TITLE,
        description="What a running server tells of itself. All pages are for reading.",
        version=watch.view.server().info.version,
        openapi_url=_OPENAPI,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.add_exception_handler(RequestValidationError, _bad_request)  # type: ignore[arg-type] # only such
    app.add_exception_handler(HTTPException, _not_found)
    app.include_router(StatusPages(watch, links or {}).router())
    app.include_router(Probes(watch.view).router())
    app.include_router(docs_router(_TITLE, _OPENAPI))
    for router in routers:
        app.include_router(router)
    app.openapi()  # made once, and not while somebody waits
    known_as = watch.settings.known_as | machine_names()
    return Door(app, _CLASSIC, watch.turns, watch.probes, known_as)


async def _bad_request(_request: Request, error: RequestValidationError) -> Response:
    return PlainTextResponse(complaint(error) + "\n", 400)


async def _not_found(_request: Request, _error: Exception) -> Response:
    return PlainTextResponse("404 page not found\n", 404)


class StatusPages:
    """The pages of gnatsd, and the metrics (monitoring.md, sections 3 to 7)."""

    def __init__(self, watch: Watch, links: Mapping[str, str]) -> None:
        self._watch = watch
        self._index = index_page(links)

    def router(self) -> APIRouter:
        """Their paths."""
        router = APIRouter(tags=["status"])
        router.add_api_route("/", self.index, response_class=HTMLResponse, include_in_schema=False)
        router.add_api_route("/varz", self.varz, response_model=Varz, responses=_JSON, summary="The server")
        router.add_api_route("/connz", self.connz, response_model=Connz, responses=_JSON, summary="Clients")
        router.add_api_route(
            "/routez", self.routez, response_model=Routez, responses=_JSON, summary="Routes to other servers"
        )
        router.add_api_route(
            "/subsz", self.subsz, response_model=Subsz, responses=_JSON, summary="Subscriptions"
        )
        router.add_api_route(
            "/subscriptionsz", self.subsz, response_model=Subsz, responses=_JSON, include_in_schema=False
        )
        router.add_api_route(
            "/accstatz", self.accstatz, response_model=Accstatz, responses=_JSON, summary="Accounts"
        )
        router.add_api_route(
            "/gatewayz", self.gatewayz, response_model=Gatewayz, responses=_JSON, summary="Gateways"
        )
        router.add_api_route(
            "/leafz", self.leafz, response_model=Leafz, responses=_JSON, summary="Leaf nodes"
        )
        # The text is sent as JSON, which it is not: that is the custom, but no schema can say it.
        router.add_api_route("/stacksz", self.stacksz, include_in_schema=False)
        router.add_api_route("/metrics", self.metrics, response_class=PlainTextResponse, responses=_REFUSED)
        return router

    async def _long(self, chunks: Chunks, callback: str) -> Response:
        return await reply_in_pieces(self._watch.turns.stream(chunks), callback)

    async def index(self) -> Response:
        self._watch.requests.index += 1
        return HTMLResponse(self._index)

    async def varz(self, question: Annotated[Question, Query()]) -> Response:
        """The server: what it is set to, what it takes, what passed through it."""
        self._watch.requests.varz += 1
        return reply(indented(pages.varz(self._watch)), question.callback)

    async def connz(self, question: Annotated[ConnzQuestion, Query()]) -> Response:
        """A page of clients, sorted."""
        self._watch.requests.connz += 1
        auth, detail = is_on(question.auth), question.detail
        chunks = pages.connz(self._watch, question.query(), auth=auth, detail=detail)
        return await self._long(chunks, question.callback)

    async def routez(self, question: Annotated[RoutezQuestion, Query()]) -> Response:
        """Routes to other servers."""
        self._watch.requests.routez += 1
        chunks = pages.routez(self._watch, subscriptions=is_on(question.subs))
        return await self._long(chunks, question.callback)

    async def subsz(self, question: Annotated[SubszQuestion, Query()]) -> Response:
        """The subscription index; with subs=1 also a page of what clients listen to."""
        self._watch.requests.subsz += 1
        chunks = (
            pages.subsz_list(self._watch, question.first, question.most)
            if is_on(question.subs)
            else pages.subsz(self._watch)
        )
        return await self._long(chunks, question.callback)

    async def accstatz(self, question: Annotated[AccstatzQuestion, Query()]) -> Response:
        """Figures of the one account that all clients belong to."""
        return reply(indented(pages.accstatz(self._watch)), question.callback)

    async def gatewayz(self, question: Annotated[Question, Query()]) -> Response:
        """There are no gateways."""
        return reply(indented(pages.gatewayz(self._watch)), question.callback)

    async def leafz(self, question: Annotated[Question, Query()]) -> Response:
        """There are no leaf nodes."""
        return reply(indented(pages.leafz(self._watch)), question.callback)

    async def stacksz(self) -> Response:
        return Response(await self._watch.turns.answer(stacks()), media_type=JSON)

    async def metrics(self) -> Response:
        """All figures in Prometheus' text format, under the names of its exporter for NATS."""
        text = await self._watch.turns.answer(metrics.metrics(self._watch))
        return Response(text, media_type=metrics.CONTENT_TYPE)
