"""The end of the program: it is quick, and nothing is lost by that."""

import json
import os
import pstats
import re
import signal
import socket
import sys
from pathlib import Path

import pytest

from app.testing import free_port
from tests.kills.link import Link
from tests.support.blocking_client import dial
from tests.support.notified_server import SERVER, NotifiedServer
from tests.support.server_process import CURRENT

NOTARY = '''
"""Code of an operator: notes what happens to it at the end."""

import atexit
import os
import sys
from pathlib import Path

PLACE = Path(os.environ["NOTES"])
atexit.register((PLACE / "called").touch)


class Note:
    """Freed by the interpreter alone."""

    def __del__(self, open=os.open, path=str(PLACE / "freed"), flags=os.O_CREAT):
        open(path, flags)


sys.note = Note()


async def check(credentials, peer):
    """Let nobody in."""
    return None
'''


def words(directory: Path, *more: str) -> tuple[str, ...]:
    """A server on any port, with all the files that a server may have."""
    log, pid, ports, store = (str(directory / name) for name in ("log", "pid", "ports", "store"))
    Path(ports).mkdir(exist_ok=True)
    files = ("-l", log, "-P", pid, "--ports_file_dir", ports, "-js", "-sd", store)
    return ("-a", "127.0.0.1", "-p", "-1", *files, *CURRENT, *more)


def client_port(directory: Path) -> int:
    """Where clients come in, by the ports file."""
    (file,) = (directory / "ports").iterdir()
    (url,) = json.loads(file.read_text())["nats"]
    return int(url.rpartition(":")[2])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGUSR2])
def test_what_is_left(tmp_path: Path, number: signal.Signals) -> None:
    """The log is complete, the ports file is gone, the pid file stays, and the status is 0."""
    with NotifiedServer(tmp_path, *words(tmp_path)) as server:
        assert "READY=1" == server.hear()
        client = dial(client_port(tmp_path))
        if number is signal.SIGUSR2:
            client.close()
        assert (0, "") == server.stop(number)
        if number is not signal.SIGUSR2:
            assert b"" == client.recv(1)
            client.close()

    lines = (tmp_path / "log").read_text().splitlines()
    assert [] == list((tmp_path / "ports").iterdir())
    assert str(server.process.pid) == (tmp_path / "pid").read_text()
    assert re.fullmatch(r".* JetStream stopped, 0 streams are closed", lines[-1])
    assert sum(line.endswith("Server Exiting..") for line in lines) == 1


@pytest.mark.asyncio
async def test_what_is_stored(tmp_path: Path) -> None:
    """Messages that were acknowledged, and unsettled ones, are there after the end."""
    with NotifiedServer(tmp_path, *words(tmp_path)) as server:
        assert "READY=1" == server.hear()
        link = await Link.connect(client_port(tmp_path))
        await link.request(b"$JS.API.STREAM.CREATE.a", {"name": "a", "subjects": ["a"], "storage": "file"})
        for number in range(100):
            await link.ask(b"a", b"%d" % number)
        server.send(signal.SIGTERM)
        await link.closed.wait()
        assert 0 == server.stop()[0]
    (tmp_path / "notify").unlink()

    with NotifiedServer(tmp_path, *words(tmp_path)) as server:
        assert "READY=1" == server.hear()
        link = await Link.connect(client_port(tmp_path))
        info = await link.request(b"$JS.API.STREAM.INFO.a")
        await link.close()

    state = info["state"]
    assert isinstance(state, dict)
    assert 100 == state["messages"]


def test_under_a_profiler(tmp_path: Path) -> None:
    """The profile is written, and the log is complete."""
    profile = tmp_path / "profile"

    class ProfiledServer(NotifiedServer):
        command = (sys.executable, "-m", "cProfile", "-o", str(profile), *SERVER[1:])

    with ProfiledServer(tmp_path, *words(tmp_path)) as server:
        assert "READY=1" == server.hear()
        client = dial(client_port(tmp_path))
        status, _ = server.stop()
        assert (0, b"") == (status, client.recv(1))
        client.close()

    functions = {name for _, _, name in pstats.Stats(str(profile)).stats}  # type: ignore[attr-defined]
    assert {"program", "_serve", "shutdown"} <= functions
    assert "Server Exiting.." in (tmp_path / "log").read_text()


@pytest.mark.parametrize(("env", "freed"), [({}, False), ({"PYTHONDEVMODE": "1"}, True)])
def test_what_others_do_at_exit(tmp_path: Path, env: dict[str, str], *, freed: bool) -> None:
    """What asked to be called is called; objects are freed one by one only for those who watch."""
    (tmp_path / "notary_of_the_test.py").write_text(NOTARY)
    file = tmp_path / "nats.conf"
    file.write_text('authorization { authenticator: "notary_of_the_test:check" }\n')
    path = os.pathsep.join(each for each in (str(tmp_path), os.environ.get("PYTHONPATH")) if each)
    env = {**env, "NOTES": str(tmp_path), "PYTHONPATH": path, "LD_PRELOAD": ""}
    with NotifiedServer(tmp_path, *words(tmp_path, "-c", str(file)), env=env) as server:
        assert "READY=1" == server.hear()
        assert 0 == server.stop()[0]

    assert (True, freed) == ((tmp_path / "called").exists(), (tmp_path / "freed").exists())


def test_nobody_gets_in_at_the_end(tmp_path: Path) -> None:
    """When a client hears of the end, nobody listens any more, and what it was sent has come."""
    port = free_port()
    with NotifiedServer(tmp_path, "-a", "127.0.0.1", "-p", str(port)) as server:
        assert "READY=1" == server.hear()
        client = dial(port, b"SUB a 1\r\n")
        client.sendall(b"PUB a 2\r\nhi\r\nPING\r\n")
        client.recv(1)
        server.send(signal.SIGTERM)
        got = b"".join(iter(lambda: client.recv(1024), b""))
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))
        client.close()
        assert 0 == server.stop()[0]

    assert b"SG a 1 2\r\nhi\r\nPONG\r\n" == got
