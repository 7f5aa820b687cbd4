"""The addresses of a started server, for programs that have started it."""

from ..config.addresses import HostPort
from ..config.options import Options
from .service import Addresses
from .settings import urls_at


def listening_urls(options: Options, addresses: Addresses) -> dict[str, tuple[str, ...]]:
    """All addresses of a started server, by what they are for, as nats-server's ports file has them."""

    def at(scheme: str, host: str, port: int) -> tuple[str, ...]:
        return tuple(f"{scheme}://{each}" for each in urls_at(None, host, port))

    hosts = {"http": options.http, "https": options.https}
    clients = "tls" if options.tls is not None else "nats"
    pages = [
        at(scheme, (hosts.get(scheme) or HostPort(options.host, 0)).host, port)
        for scheme, port in addresses.monitoring.items()
    ]
    urls = {
        "nats": at(clients, options.host, addresses.clients[0].port),
        "monitoring": tuple(url for some in pages for url in some),
    }
    if addresses.routes is not None:
        urls["cluster"] = at("nats", options.cluster.host, addresses.routes.port)
    if addresses.leaves is not None:
        urls["leafnodes"] = at("nats-leaf", options.leafnodes.host, addresses.leaves.port)
    if options.websocket.port:
        scheme = "ws" if options.websocket.no_tls else "wss"
        urls["websocket"] = at(scheme, options.websocket.host, addresses.clients[1].port)
    return urls
