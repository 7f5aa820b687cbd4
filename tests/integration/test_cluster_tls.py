"""Clusters whose routes are encrypted, and check certificates and passwords on both sides."""

import socket
import ssl
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.blocking_client import dial
from tests.support.certificates import KeyPair, certificates
from tests.support.cluster_processes import REGISTERED, ROUTE_LISTENING
from tests.support.patience import PATIENCE
from tests.support.server_process import ServerProcess

HOST = "127.0.0.1"
SECRET = "r0ute-s3cr3t"  # noqa: S105 - of a test's cluster
REFUSED = "Route Error 'Authorization Violation'"


class Member(ServerProcess):
    """A server of a protected cluster, set up by a file."""

    def __init__(
        self,
        folder: Path,
        seed: "Member | None" = None,
        *,
        pair: KeyPair | None = None,
        password: str = SECRET,
        tls: bool = True,
    ) -> None:
        """It dials `seed`; `pair` is its certificate, in place of one that all trust."""
        chosen = pair or certificates().server
        routes = f"nats://route:{password}@{HOST}:{seed.route_port}" if seed else ""
        protection = f"""tls {{
            cert_file: "{chosen.cert_file}"
            key_file: "{chosen.key_file}"
            ca_file: "{certificates().authority.ca_file}"
            timeout: 10
          }}"""
        file = folder / f"{len(list(folder.iterdir()))}.conf"
        file.write_text(f"""
        debug: true
        cluster {{
          listen: "{HOST}:-1"
          authorization {{ user: route, password: "{password}", timeout: 10 }}
          {protection if tls else ""}
          routes = [ {routes} ]
        }}
        """)
        super().__init__("-c", str(file))

    @property
    def route_port(self) -> int:
        """Where other servers connect."""
        match = ROUTE_LISTENING.search(self.log)
        assert match is not None
        return int(match[1])


def test_three_servers_meet_and_pass_a_message(tmp_path: Path) -> None:
    """The mesh forms, learnt servers included, and the log shows the TLS version of routes."""
    with ExitStack() as stack:
        seed = stack.enter_context(Member(tmp_path))
        members = [seed, *(stack.enter_context(Member(tmp_path, seed)) for _ in range(2))]
        for member in members:
            member.wait_for(REGISTERED, 20.0, count=2)
            member.wait_for("TLS version 1.3", count=2)
        listener = stack.enter_context(dial(members[1].port, b"SUB a 1\r\n"))
        speaker = stack.enter_context(dial(members[2].port))
        heard = b""
        while b"MSG a 1 2\r\nhi\r\n" not in heard:
            speaker.sendall(b"PUB a 2\r\nhi\r\n")
            heard += hear_a_moment(listener)

        assert not any(SECRET in member.log for member in members)


def hear_a_moment(listener: socket.socket) -> bytes:
    """What has come within a moment."""
    listener.settimeout(0.05)
    try:
        return listener.recv(4096)
    except TimeoutError:
        return b""


@pytest.mark.parametrize("kind", ["untrusted", "none"])
def test_a_server_without_the_right_certificate_stays_out(tmp_path: Path, kind: str) -> None:
    """A peer with a certificate of another authority, or without TLS, does not become a route."""
    untrusted = certificates().untrusted_client
    with Member(tmp_path) as seed:
        with Member(tmp_path, seed, pair=untrusted, tls=kind != "none"):
            seed.wait_for("TLS route handshake error", PATIENCE)

        assert REGISTERED not in seed.log


def test_a_server_with_a_wrong_password_stays_out(tmp_path: Path) -> None:
    """The handshake alone admits no server; the dialler gets the reason, and the log keeps the secret."""
    with Member(tmp_path) as seed, Member(tmp_path, seed, password="guess") as guest:  # noqa: S106 - a wrong one
        guest.wait_for(REFUSED, PATIENCE)
        seed.wait_for("Authorization Error")

        assert REGISTERED not in seed.log
        assert "guess" not in guest.log + seed.log


def test_a_client_gets_nothing_from_a_protected_route_port(tmp_path: Path) -> None:
    """Plain text is answered with gnatsd's refusal; a handshake without a certificate with an alert."""
    with Member(tmp_path) as seed:
        with socket.create_connection((HOST, seed.route_port), 10) as plain:
            plain.sendall(b'CONNECT {"verbose":false}\r\n')
            answer = plain.recv(4096)
        with pytest.raises((ssl.SSLError, ConnectionError)):
            ask_without_certificate(seed.route_port)

        assert b"-ERR 'Secure Connection - TLS Required'\r\n" == answer
        assert REGISTERED not in seed.log


def ask_without_certificate(port: int) -> bytes:
    """What a server says after a handshake without a certificate."""
    context = certificates().client_context(trusting=True)
    with socket.create_connection((HOST, port), 10) as bare, context.wrap_socket(bare) as link:
        link.sendall(b"CONNECT {}\r\n")
        return link.recv(4096)
