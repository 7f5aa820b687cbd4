"""The application: the answer for each path."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, PlainTextResponse
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from . import metrics, pages, slow, varz
from .account_page import AccountPage
from .connections import Connz, Routez
from .context import MonitoringContext
from .explanation import ExplainPage
from .formats import indented
from .health import Probes
from .help_pages import docs_router, index_page
from .hosts import machine_names
from .jsonp import JAVASCRIPT, JSON, reply, reply_in_pieces
from .leaf_page import LeafPage
from .middleware import MonitoringMiddleware
from .parameters import (
    AccstatzQuery,
    ConnzQuery,
    PageQuery,
    RoutezQuery,
    SubszQuery,
    error_line,
    is_on,
)
from .schemas import Accstatz, Gatewayz, Slowz, Subsz, Varz
from .stacks import stacks
from .stepper import Chunks
from .streams_page import StreamsPage

_TITLE = "pynatsd monitoring"
_OPENAPI = "/openapi.json"
_CLASSIC = (
    *("/", "/varz", "/connz", "/routez", "/subsz", "/subscriptionsz", "/stacksz"),
    *("/accountz", "/accstatz", "/gatewayz", "/leafz", "/slowz", "/jsz"),
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
    context: MonitoringContext, routers: Sequence[APIRouter] = (), links: Mapping[str, str] | None = None
) -> ASGIApp:
    """All pages of one server.

    Further `routers` may have a ``lifespan``, which begins and ends with the server.
    `links` are further lines of the index page, as descriptions by path.
    """
    app = FastAPI(
        title=_TITLE,
        description="The state of a running server. All pages are read-only.",
        version=context.view.server().info.version,
        openapi_url=_OPENAPI,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.add_exception_handler(RequestValidationError, _bad_request)
    app.add_exception_handler(HTTPException, _not_found)
    app.include_router(StatusPages(context, links or {}).router())
    app.include_router(ExplainPage(context).router())
    app.include_router(LeafPage(context).router())
    app.include_router(StreamsPage(context).router())
    app.include_router(AccountPage(context).router())
    app.include_router(Probes(context.view, context.requests, context.streams).router())
    app.include_router(docs_router(_TITLE, _OPENAPI))
    for router in routers:
        app.include_router(router)
    app.openapi_schema = _schema_of(app, routers)
    known_as = context.settings.known_as | machine_names()
    return MonitoringMiddleware(app, _CLASSIC, context.stepper, context.probe_stepper, known_as)


_SCHEMAS: dict[tuple[str, ...], dict[str, Any]] = {}
"""The documents of ``/openapi.json``: to make one takes as long as all else that a server needs to start."""


def _schema_of(app: FastAPI, routers: Sequence[APIRouter]) -> dict[str, Any]:
    """Made once for all servers with the same pages, and before the first request."""
    further = (getattr(route, "path", "") for router in routers for route in router.routes)
    key = (app.version, *further)
    if key not in _SCHEMAS:
        _SCHEMAS[key] = app.openapi()
    return _SCHEMAS[key]


async def _bad_request(_request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):  # registered for these alone
        raise error
    return PlainTextResponse(error_line(error) + "\n", 400)


async def _not_found(_request: Request, _error: Exception) -> Response:
    return PlainTextResponse("404 page not found\n", 404)


class StatusPages:
    """The pages of gnatsd, and the metrics (monitoring-pages.md, sections 3 to 7)."""

    def __init__(self, context: MonitoringContext, links: Mapping[str, str]) -> None:
        self._context = context
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
            "/slowz",
            self.slowz,
            response_model=Slowz,
            responses=_JSON,
            summary="Receivers that were too slow",
        )
        router.add_api_route(
            "/accstatz", self.accstatz, response_model=Accstatz, responses=_JSON, summary="Accounts"
        )
        router.add_api_route(
            "/gatewayz", self.gatewayz, response_model=Gatewayz, responses=_JSON, summary="Gateways"
        )
        # The text is sent as JSON, as by current servers; no schema can describe that.
        router.add_api_route("/stacksz", self.stacksz, include_in_schema=False)
        router.add_api_route("/metrics", self.metrics, response_class=PlainTextResponse, responses=_REFUSED)
        return router

    async def _long(self, chunks: Chunks, callback: str) -> Response:
        return await reply_in_pieces(self._context.stepper.stream(chunks), callback)

    async def index(self) -> Response:
        self._context.requests.index += 1
        return HTMLResponse(self._index)

    async def varz(self, question: Annotated[PageQuery, Query()]) -> Response:
        """The server: its settings, its resources and its traffic."""
        self._context.requests.varz += 1
        return reply(indented(varz.varz(self._context)), question.callback)

    async def connz(self, question: Annotated[ConnzQuery, Query()]) -> Response:
        """A page of clients, sorted."""
        self._context.requests.connz += 1
        auth, detail = is_on(question.auth), question.detail
        chunks = pages.connz(self._context, question.query(), auth=auth, detail=detail)
        return await self._long(chunks, question.callback)

    async def routez(self, question: Annotated[RoutezQuery, Query()]) -> Response:
        """Routes to other servers."""
        self._context.requests.routez += 1
        chunks = pages.routez(self._context, subscriptions=is_on(question.subs), detail=question.detail)
        return await self._long(chunks, question.callback)

    async def subsz(self, question: Annotated[SubszQuery, Query()]) -> Response:
        """The subscription index; with subs=1 also a page of subscriptions."""
        if (refused := question.refused) and self._context.is_current:
            return PlainTextResponse(refused, 400)
        self._context.requests.subsz += 1
        test = question.test if self._context.is_current else ""
        chunks = (
            pages.subsz_list(self._context, question.first, question.most, test)
            if is_on(question.subs)
            else pages.subsz(self._context)
        )
        return await self._long(chunks, question.callback)

    async def slowz(self, question: Annotated[PageQuery, Query()]) -> Response:
        """Receivers that others waited for, or that were closed for it, with what they had pending."""
        self._context.requests.slowz += 1
        return reply(indented(slow.slowz(self._context)), question.callback)

    async def accstatz(self, question: Annotated[AccstatzQuery, Query()]) -> Response:
        """Figures of the one account that all clients belong to."""
        self._context.requests.accstatz += 1
        page = await self._context.stepper.run(pages.accstatz(self._context))
        return reply(indented(page), question.callback)

    async def gatewayz(self, question: Annotated[PageQuery, Query()]) -> Response:
        """There are no gateways."""
        self._context.requests.gatewayz += 1
        return reply(indented(pages.gatewayz(self._context)), question.callback)

    async def stacksz(self) -> Response:
        self._context.requests.stacksz += 1
        return Response(await self._context.stepper.run(stacks()), media_type=JSON)

    async def metrics(self) -> Response:
        """All figures in Prometheus' text format, under the names of its exporter for NATS."""
        text = await self._context.stepper.run(metrics.metrics(self._context))
        return Response(text, media_type=metrics.CONTENT_TYPE)
