"""Asking the application without a socket."""

from collections.abc import Mapping, Sequence

import httpx
from fastapi import APIRouter

from app.adapters.monitoring.app import create_app
from tests.fakes.broker_view import Watched


async def ask(
    watched: Watched,
    path: str,
    method: str = "GET",
    *,
    routers: Sequence[APIRouter] = (),
    links: Mapping[str, str] | None = None,
) -> httpx.Response:
    """The answer to one request; redirections are not followed."""
    transport = httpx.ASGITransport(app=create_app(watched.watch, routers, links))
    async with httpx.AsyncClient(transport=transport, base_url="http://pynatsd") as client:
        return await client.request(method, httpx.URL(f"http://pynatsd{path}"))
