"""The broker under test in conformance tests: settings, and clients."""

from contextlib import AbstractAsyncContextManager
from typing import Protocol, TypedDict, Unpack

from tests.support.held_clock import HeldClock
from tests.support.raw_client import RawClient


class Settings(TypedDict, total=False):
    """What a test may set; sizes in bytes, times in seconds. The rest has its default."""

    compatibility: str
    """0.8.0 if it is not given."""
    max_payload: int
    max_control_line: int
    max_connections: int
    max_pending_size: int
    ping_interval: float
    ping_max: int
    write_deadline: float
    slow_consumer: str
    user: str
    password: str
    token: str
    users: list[dict[str, str]]
    """With passwords or nkeys, as in the configuration file."""
    auth_timeout: float
    http_port: int
    https_port: int
    tls: dict[str, object]
    """For clients and monitoring pages, as in the configuration file."""
    routes: tuple[str, ...]
    """Routes to dial; if given, even empty, the broker belongs to a cluster."""
    route_user: str
    route_password: str
    route_auth_timeout: float


class Broker(Protocol):
    """A running broker."""

    clock: HeldClock

    async def connect(self) -> RawClient:
        """A new client that has read INFO, even if the broker refuses it afterwards."""
        ...


class StartBroker(Protocol):
    """The ``broker`` fixture: starts a broker, and stops it when the block is left.

    Clients outlive the block, so that a test can read how it ended. They are
    closed when the test is over.
    """

    def __call__(self, **settings: Unpack[Settings]) -> AbstractAsyncContextManager[Broker]:
        """Start one; ``async with`` yields it once it serves."""
        ...
