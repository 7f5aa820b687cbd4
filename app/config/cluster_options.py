"""The section ``cluster`` (configuration.md, section 2)."""

from typing import Annotated, ClassVar

from pydantic import BeforeValidator, Field, InstanceOf

from app.config.addresses import AddressError, parse_route
from app.config.advertising import AdvertisedToServers
from app.config.authorization_options import Secret
from app.config.section import LARGEST_COUNT, Address, Host, Key, Port, Seconds, Section, Verdict
from app.config.tls_options import TlsOptions
from app.domain.cluster.route_url import RouteUrl


def _read_route(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError("must be a URL such as nats://host:port")  # noqa: TRY004 - pydantic turns this kind into a report
    try:
        return parse_route(value)
    except AddressError as error:
        raise Verdict(str(error)) from error


Route = Annotated[InstanceOf[RouteUrl], BeforeValidator(_read_route)]


class ClusterAuthorizationOptions(Section):
    """What other servers must show; with nothing set, nothing."""

    refused: ClassVar = {
        "token": "Cluster authorization does not allow a token",
        "users": "Cluster authorization does not allow multiple users",
    }

    user: Annotated[
        str | None, Field(description="Name that servers must give."), Key(also=("username",), guards=True)
    ] = None
    password: Annotated[
        Secret,
        Field(description="Its password, plain or as a bcrypt hash."),
        Key(also=("pass",), guards=True),
    ] = ""
    timeout: Annotated[Seconds, Field(description="Time for a server to log in."), Key(unit="seconds")] = 1.0


class ClusterOptions(Section):
    """Other servers. There is a cluster when there is a port."""

    addresses: ClassVar = {"listen": Address("host", "port", "Where to listen for other servers.")}

    host: Annotated[
        Host, Field(description="Address to listen on for other servers."), Key(also=("net",))
    ] = "0.0.0.0"  # noqa: S104 - gnatsd's default
    port: Annotated[Port, Field(description="Port for other servers; 0 is no cluster, -1 any free port.")] = 0
    authorization: Annotated[
        ClusterAuthorizationOptions, Field(description="What other servers must show."), Key(guards=True)
    ] = ClusterAuthorizationOptions()
    tls: Annotated[TlsOptions | None, Field(description="Encryption between servers."), Key(guards=True)] = (
        None
    )
    routes: Annotated[
        tuple[Route, ...], Field(strict=False, description="Servers to connect to, as URLs.")
    ] = ()
    no_advertise: Annotated[
        bool, Field(description="Keep other servers' addresses from clients, and ours from theirs.")
    ] = False
    cluster_advertise: Annotated[
        AdvertisedToServers | None,
        Field(description="Numeric address by which other servers shall reach this one."),
    ] = None
    connect_retries: Annotated[
        int,
        Field(ge=0, le=LARGEST_COUNT, description="Attempts to reach a server that others told of."),
        Key(unit="count"),
    ] = 0
