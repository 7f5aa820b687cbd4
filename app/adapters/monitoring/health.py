"""Probes: whether the server is alive, healthy and ready for clients (monitoring-pages.md, section 9.4)."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from ...ports.broker_view import ACCOUNT, BrokerView
from ...ports.streams_view import StreamsView
from .context import RequestCounts
from .jsonp import JSON
from .parameters import Switch, is_on
from .schemas import HealthAnswer, HealthFault

_OK = HealthAnswer(status="ok")
_NOT_SERVING = HealthAnswer(status="error", error="not ready for connections")
_NOT_READY = HealthAnswer(status="unavailable", error="not ready for new connections")


class HealthzQuery(BaseModel):
    """Parameters that probes of current servers send."""

    account: str = ""
    stream: str = ""
    consumer: str = ""
    details: Switch = ""
    js_enabled: Annotated[Switch, Field(alias="js-enabled")] = ""
    js_enabled_only: Annotated[Switch, Field(alias="js-enabled-only")] = ""
    js_server_only: Annotated[Switch, Field(alias="js-server-only")] = ""
    js_meta_only: Annotated[Switch, Field(alias="js-meta-only")] = ""


_BAD_REQUEST = {
    "model": HealthAnswer,
    "description": "Parameters that make no sense together; or, as text, one that makes none by itself.",
    "content": {"text/plain": {"schema": {"type": "string"}}},
}


class Probes:
    """The three probes of one server."""

    def __init__(
        self,
        view: BrokerView,
        requests: RequestCounts,
        streams: Callable[[], StreamsView | None] = lambda: None,
    ) -> None:
        """`requests` has the count of probes for ``/healthz``."""
        self._view = view
        self._streams = streams
        self._requests = requests

    def router(self) -> APIRouter:
        """Their paths."""
        router = APIRouter(tags=["health"])
        router.add_api_route(
            "/healthz",
            self.healthz,
            response_model=HealthAnswer,
            responses={"4XX": _BAD_REQUEST, 500: {"model": HealthAnswer}},
            summary="Whether the server works",
        )
        router.add_api_route(
            "/livez", self.livez, response_model=HealthAnswer, summary="Whether the process is alive"
        )
        router.add_api_route(
            "/readyz",
            self.readyz,
            response_model=HealthAnswer,
            responses={503: {"model": HealthAnswer}},
            summary="Whether new clients are welcome",
        )
        return router

    async def healthz(self, question: Annotated[HealthzQuery, Query()]) -> Response:
        """Clients can connect, and streams are as they were stored."""
        self._requests.healthz += 1
        if question.stream and not question.account:
            return _reply(400, _missing("account", "stream", question.details))
        if question.consumer and not question.stream:
            return _reply(400, _missing("stream", "consumer", question.details))
        if not self._view.health().serving:
            return _reply(500, _NOT_SERVING)
        if problem := self._problem_of_streams(question):
            return _reply(503, HealthAnswer(status="unavailable", status_code=503, error=problem))
        if (absent := self._absent(question)) is not None:
            return _reply(404, absent)
        return _reply(200, _OK)

    def _absent(self, question: HealthzQuery) -> HealthAnswer | None:
        """What the probe names and is not there; None where all is, or where JetStream is off."""
        streams = self._streams()
        if streams is None or not question.account:
            return None
        account, stream, consumer = question.account, question.stream, question.consumer
        if account != ACCOUNT:
            fault = HealthFault(
                type="ACCOUNT", account=account, error=f'JetStream account "{account}" not found'
            )
        elif stream and streams.stream(stream) is None:
            text = f'JetStream stream "{stream}" not found on account "{account}"'
            fault = HealthFault(type="STREAM", account=account, stream=stream, error=text)
        elif consumer and streams.consumer(stream, consumer) is None:
            text = f'JetStream consumer "{consumer}" not found for stream "{stream}" on account "{account}"'
            fault = HealthFault(
                type="CONSUMER", account=account, stream=stream, consumer=consumer, error=text
            )
        else:
            return None
        if is_on(question.details):
            return HealthAnswer(status="error", errors=[fault])
        return HealthAnswer(status="unavailable", error=fault.error)

    def _problem_of_streams(self, question: HealthzQuery) -> str:
        """Why JetStream is not healthy; empty where it is, or where it is off."""
        streams = self._streams()
        if streams is None:
            return ""
        only = (question.js_enabled_only, question.js_enabled, question.js_server_only)
        return streams.problem(server_only=any(map(is_on, only)))

    async def livez(self) -> Response:
        """The event loop runs, as this answer proves."""
        return _reply(200, _OK)

    async def readyz(self) -> Response:
        """False as well while the server drains, before it stops."""
        return _reply(200, _OK) if self._view.health().ready else _reply(503, _NOT_READY)


def _missing(name: str, what: str, details: str) -> HealthAnswer:
    error = f'"{name}" must not be empty when checking {what} health'
    if is_on(details):
        return HealthAnswer(status="error", errors=[HealthFault(type="BAD_REQUEST", error=error)])
    return HealthAnswer(status="error", error=error)


def _reply(status: int, health: HealthAnswer) -> Response:
    return Response(health.model_dump_json(exclude_none=True), status, media_type=JSON)
