"""The two servers of a soak: what they are set to, and how they are started."""

import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import bcrypt
import trustme

HOST = "127.0.0.1"
USER, PASSWORD = "soak", "soaking"
HASHED_USER = "hashed"
_COST = 5
"""Of the hash; low, so that many checks are made."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Where a server listens."""

    clients: int
    routes: int
    monitoring: int

    @classmethod
    def free(cls) -> Self:
        """Three ports of the loopback that nobody listens on now."""
        with (
            socket.create_server((HOST, 0)) as clients,
            socket.create_server((HOST, 0)) as routes,
            socket.create_server((HOST, 0)) as monitoring,
        ):
            return cls(*(one.getsockname()[1] for one in (clients, routes, monitoring)))


@dataclass(frozen=True, slots=True)
class Environment:
    """Both servers: the measured one, and its route peer, which is restarted."""

    ports: Ports
    peer: Ports
    config: str
    """The configuration file of the server that is measured."""
    peer_config: str

    @classmethod
    def write(cls, folder: Path) -> Self:
        """Make certificates and configuration files in this folder."""
        ports, peer = Ports.free(), Ports.free()
        tls = _certificates(folder)
        return cls(
            ports,
            peer,
            _config(folder / "measured.conf", ports, None, tls),
            _config(folder / "peer.conf", peer, ports.routes, tls),
        )


def _certificates(folder: Path) -> str:
    """A section `tls` with a certificate that both servers use."""
    authority = trustme.CA()
    leaf = authority.issue_cert("localhost", HOST)
    authority.cert_pem.write_to_path(folder / "ca.pem")
    leaf.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    leaf.private_key_pem.write_to_path(folder / "key.pem")
    files = (("cert_file", "cert.pem"), ("key_file", "key.pem"), ("ca_file", "ca.pem"))
    return "\n".join([*(f'    {key}: "{folder / name}"' for key, name in files), "    timeout: 2"])


def _config(file: Path, ports: Ports, seed: int | None, tls: str) -> str:
    hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(_COST, prefix=b"2a")).decode()
    routes = "" if seed is None else f'"nats://{HOST}:{seed}"'
    file.write_text(f"""
listen: "{HOST}:{ports.clients}"
http: "{HOST}:{ports.monitoring}"
authorization {{
  users: [
    {{ user: "{USER}", password: "{PASSWORD}" }}
    {{ user: "{HASHED_USER}", password: "{hashed}" }}
  ]
}}
cluster {{
  listen: "{HOST}:{ports.routes}"
  tls {{
{tls}
  }}
  routes = [ {routes} ]
}}
""")
    return str(file)
