"""Asking the application without a socket."""

from collections.abc import Mapping, Sequence

import httpx
from fastapi import APIRouter
from starlette.types import ASGIApp, Receive, Scope, Send

from app.adapters.monitoring.app import create_app
from tests.fakes.broker_view import Watched


async def ask(  # noqa: PLR0913 - most have a usual value
    watched: Watched,
    path: str,
    method: str = "GET",
    *,
    routers: Sequence[APIRouter] = (),
    links: Mapping[str, str] | None = None,
    host: str | None = "pynatsd",
) -> httpx.Response:
    """The answer to one request, which names `host`; redirections are not followed."""
    transport = httpx.ASGITransport(app=_anonymous(create_app(watched.context, routers, links), host))
    async with httpx.AsyncClient(transport=transport, base_url="http://pynatsd") as client:
        headers = {"Host": host} if host else {}
        return await client.request(method, httpx.URL(f"http://pynatsd{path}"), headers=headers)


def _anonymous(app: ASGIApp, host: str | None) -> ASGIApp:
    """The application as it is asked by one who names no host, if there is none."""

    async def asked(scope: Scope, receive: Receive, send: Send) -> None:
        headers = [header for header in scope["headers"] if host or header[0].lower() != b"host"]
        await app({**scope, "headers": headers}, receive, send)

    return asked
