"""What an operator counts on: no healthy client is cut, no message is lost, the right port is named."""

import json
import re
import selectors
import socket
import subprocess
from pathlib import Path

import pytest

from app.testing import free_port
from tests.support.blocking_client import dial, read_until
from tests.support.cluster_processes import ROUTE_LISTENING
from tests.support.patience import PATIENCE
from tests.support.reading_process import ReadingProcess
from tests.support.server_process import ROOT, START_SECONDS, ServerProcess
from tests.support.twins import twins

HOST = "127.0.0.1"
SECONDS = PATIENCE
REMOTE = "PLAYEDplayedPLAYEDpla2"


def delivered(subject: str, size: int) -> int:
    """The bytes that a subscriber with the sid 1 gets for one message."""
    return len(f"MSG {subject} 1 {size}\r\n\r\n") + size


def publish_together(port: int, publishers: int, data: bytes) -> None:
    """Send the same data on several connections at once, as fast as the server takes it."""
    links = [dial(port) for _ in range(publishers)]
    with selectors.DefaultSelector() as ready:
        left = {link: memoryview(data) for link in links}
        for each in links:
            each.settimeout(0)
            ready.register(each, selectors.EVENT_WRITE, each)
        while left:
            for key, _ in ready.select(SECONDS):
                link: socket.socket = key.data
                left[link] = left[link][link.send(left[link]) :]
                if not left[link]:
                    ready.unregister(link)
                    del left[link]
    for each in links:
        each.close()


@pytest.mark.parametrize("twin", twins())
def test_a_reader_of_many_publishers_is_not_cut(twin: str) -> None:
    """Publishers that begin together are held together, and a reader that only reads gets every byte."""
    publishers, count, size = 300, 4, 64_000
    message = b"PUB burst %d\r\n%b\r\n" % (size, bytes(size))
    wanted = publishers * count * delivered("burst", size)

    with ServerProcess(env={"DATA_PLANE": twin}) as server:
        for _ in range(3):
            with ReadingProcess(server.port, "burst", wanted) as reader:
                publish_together(server.port, publishers, count * message)

                assert wanted == reader.result()
        assert "Slow Consumer" not in server.log


@pytest.mark.parametrize("twin", twins())
def test_a_message_as_large_as_the_file_allows_arrives(tmp_path: Path, twin: str) -> None:
    """With a large `max_payload` and no other limit in the file, a message of that size fits."""
    config = tmp_path / "large.conf"
    config.write_text("max_payload: 25165824\n")
    size, count = 25_165_824, 4
    wanted = count * delivered("large", size)

    with (
        ServerProcess("-c", str(config), env={"DATA_PLANE": twin}) as server,
        ReadingProcess(server.port, "large", wanted) as reader,
    ):
        publish_together(server.port, 1, count * (b"PUB large %d\r\n%b\r\n" % (size, bytes(size))))

        assert wanted == reader.result()


def ended(*words: str) -> "subprocess.CompletedProcess[str]":
    """A command line of the server that ends by itself."""
    return subprocess.run(
        [*ServerProcess.command, *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        check=False,
    )


def test_a_port_for_routes_that_is_taken_is_named() -> None:
    """The fatal line names the port that could not be opened, and no other one."""
    with socket.create_server((HOST, 0)) as taken:
        port, clients = taken.getsockname()[1], free_port()
        done = ended("-p", str(clients), "--cluster", f"nats://{HOST}:{port}")
    fatal = [line for line in done.stderr.splitlines() if "[FTL]" in line]

    assert 1 == done.returncode
    assert fatal
    assert all(f":{port}" in line and f":{clients}" not in line for line in fatal)


def dial_route(port: int) -> socket.socket:
    """A route from a server that the test plays, once its PING was answered."""
    link = socket.create_connection((HOST, port), SECONDS)
    info = {"server_id": REMOTE, "version": "0.8.0", "host": HOST, "port": 1, "max_payload": 1048576}
    info |= {"auth_required": False, "ssl_required": False, "tls_required": False, "tls_verify": False}
    connect = {"verbose": False, "pedantic": False, "tls_required": False, "name": REMOTE}
    link.sendall(f"CONNECT {json.dumps(connect)}\r\nINFO {json.dumps(info)}\r\n".encode())
    return link


def member_on(route: socket.socket, sid: int) -> str:
    """The name by which the server has announced a member to its routes."""
    route.sendall(b"PING\r\n")
    match = re.search(rf"QRSID:\d+:{sid}\b", read_until(route, b"PONG\r\n").decode())
    assert match is not None
    return match[0]


@pytest.mark.parametrize("leaving", ["unsub", "limit", "close", "reset"])
@pytest.mark.parametrize("twin", twins())
def test_a_message_for_a_member_that_has_left_reaches_the_one_that_stays(twin: str, leaving: str) -> None:
    """A routed message that names a member which is gone goes to another local one of its group, once."""
    with ServerProcess("--cluster", f"nats://{HOST}:-1", env={"DATA_PLANE": twin}) as server:
        match = ROUTE_LISTENING.search(server.log)
        assert match is not None
        with (
            dial(server.port, b"SUB job group 7\r\n") as leaves,
            dial(server.port, b"SUB job group 8\r\n") as stays,
            dial_route(int(match[1])) as route,
        ):
            member = member_on(route, 7)
            leave(leaves, leaving)
            if leaving == "limit":
                route.sendall(f"MSG job {member} 1\r\na\r\n".encode())
                read_until(leaves, b"MSG job 7 1\r\na\r\n")
            else:
                read_until(route, f"UNSUB {member}\r\n".encode())
            route.sendall(f"MSG job {member} 1\r\nx\r\nPING\r\n".encode())
            read_until(route, b"PONG\r\n")
            stays.sendall(b"PING\r\n")

            assert b"MSG job 8 1\r\nx\r\nPONG\r\n" == read_until(stays, b"PONG\r\n")


def leave(link: socket.socket, how: str) -> None:
    """Give up the subscription 7, in one of four ways."""
    if how == "unsub":
        link.sendall(b"UNSUB 7\r\n")
    elif how == "limit":
        link.sendall(b"UNSUB 7 1\r\nPING\r\n")
        read_until(link, b"PONG\r\n")
    elif how == "close":
        link.close()
    else:
        link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        link.close()
