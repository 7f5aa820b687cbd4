"""An application with its broker, its API and the broker's dashboard in one process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pynatsd
from fastapi import FastAPI, Request
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, Field, ValidationError


class Order(BaseModel):
    """What somebody wants."""

    item: str = Field(pattern=r"^[\w-]+$")
    count: int = 1


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """The broker runs as long as the application, in its event loop."""
    async with pynatsd.Server(http=-1) as server, server.client("api") as client:
        app.state.server, app.state.client, app.state.orders = server, client, []
        async with client.subscribe("orders.>") as messages:
            reading = asyncio.create_task(keep(messages, app.state.orders))
            yield
            reading.cancel()


async def keep(messages: pynatsd.Subscription, orders: list[Order]) -> None:
    """Remember each order, from the API or from another program, and pass over what is none."""
    async for message in messages:
        try:
            orders.append(Order.model_validate_json(message.data))
        except ValidationError:
            continue


app = FastAPI(lifespan=lifespan)


@app.post("/orders", status_code=202)
async def place(order: Order, request: Request) -> dict[str, str]:
    """Publish an order."""
    subject = f"orders.{order.item}"
    await request.app.state.client.publish(subject, order.model_dump_json().encode())
    return {"subject": subject}


@app.get("/orders")
def listed(request: Request) -> list[Order]:
    """All orders so far."""
    orders: list[Order] = request.app.state.orders
    return orders


@app.get("/broker")
def broker(request: Request) -> dict[str, str | int]:
    """Where clients connect, and how many there are."""
    server: pynatsd.Server = request.app.state.server
    return {"url": server.url, "connections": server.connz()["num_connections"]}


@app.get("/dashboard")
def dashboard(request: Request) -> RedirectResponse:
    """The broker's own page."""
    return RedirectResponse(f"{request.app.state.server.http_url}/dashboard")
