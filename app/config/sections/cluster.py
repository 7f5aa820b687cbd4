"""The options of a section ``cluster``: other servers, and what they show each other."""

from typing import Annotated, ClassVar

from pydantic import AfterValidator, BeforeValidator, Field, InstanceOf

from ...domain.cluster.route_url import RouteUrl
from ..addresses import AddressError, parse_advertised_to_servers, parse_route
from ..foreign_keys import CLUSTER_IDLE, CLUSTER_REFUSED
from .authorization import SecretText
from .leaf_nodes import no_route_compression
from .section import LARGEST_COUNT, AddressKey, Host, Key, OptionError, Port, Seconds, Section
from .tls import TlsOptions


def _advertised_to_servers(text: str) -> str:
    parse_advertised_to_servers(text)
    return text


def _route(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError("must be a URL such as nats://host:port")  # noqa: TRY004 - pydantic turns this kind into a report
    try:
        return parse_route(value)
    except AddressError as error:
        raise OptionError(str(error)) from error


AdvertisedToServers = Annotated[str, AfterValidator(_advertised_to_servers)]
Route = Annotated[InstanceOf[RouteUrl], BeforeValidator(_route)]


class ClusterAuthorizationOptions(Section):
    """Credentials required of other servers; none if nothing is set."""

    refused: ClassVar = {
        "token": "Cluster authorization does not allow a token",
        "users": "Cluster authorization does not allow multiple users",
    }

    user: Annotated[
        str | None, Key("User name required of other servers.", also=("username",), guards=True)
    ] = None
    password: Annotated[
        SecretText, Key("Password of that user, plain or a bcrypt hash.", also=("pass",), guards=True)
    ] = ""
    timeout: Annotated[Seconds, Key("Time limit for a server's login.")] = 1.0


class ClusterOptions(Section):
    """Other servers. There is a cluster when there is a port."""

    addresses: ClassVar = {"listen": AddressKey("host", "port", "Address to listen on for other servers.")}
    idle: ClassVar = CLUSTER_IDLE
    refused: ClassVar = CLUSTER_REFUSED

    name: Annotated[str | None, Field(pattern=r"^\S+$"), Key("Name of the cluster, shown to clients.")] = None
    host: Annotated[Host, Key("Host to listen on for other servers.", also=("net",))] = "0.0.0.0"  # noqa: S104 - gnatsd's default
    port: Annotated[Port, Key("Port for other servers; 0 means no cluster, -1 picks a free port.")] = 0
    authorization: Annotated[
        ClusterAuthorizationOptions, Key("Credentials required of other servers.", guards=True)
    ] = ClusterAuthorizationOptions.unset()
    tls: Annotated[TlsOptions | None, Key("TLS between servers; off without it.", guards=True)] = None
    routes: Annotated[tuple[Route, ...], Field(strict=False), Key("URLs of servers to connect to.")] = ()
    no_advertise: Annotated[
        bool, Key("Do not advertise servers to clients, neither the others nor this one.")
    ] = False
    cluster_advertise: Annotated[
        AdvertisedToServers | None,
        Key("Numeric address to advertise to other servers.", also=("advertise",)),
    ] = None
    connect_retries: Annotated[
        int,
        Field(ge=0, le=LARGEST_COUNT),
        Key("Maximum number of attempts to reach a discovered server; 0 means no limit."),
    ] = 0
    compression: Annotated[
        str, BeforeValidator(no_route_compression), Key("Compression of routes; can only be `off`.")
    ] = "off"
