"""A running server that asks for credentials, with an authenticator put together from settings."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from dependency_injector import providers

from app.adapters.auth.setup import AuthSettings, open_authenticator
from app.domain.dataplane import AUTO
from tests.support.embedded import EmbeddedServer, Transport

LOGIN_SECONDS = 20.0
"""How long a client may take to log in, on a busy machine."""


@asynccontextmanager
async def auth_server(transport: Transport, settings: AuthSettings) -> AsyncIterator[EmbeddedServer]:
    """A server that lets in whom the settings let in; it and its clients are gone when the block is left."""
    server = EmbeddedServer(transport, AUTO, {"auth_timeout": LOGIN_SECONDS})
    authenticator = open_authenticator(settings, server.log.record)
    server.container.authenticator.override(providers.Object(authenticator))
    await server.start()
    try:
        yield server
    finally:
        await server.stop()
        for client in server.clients:
            client.abort()
        await server.container.service().departed()
