"""Unit tests of what would keep a server from starting."""

from pathlib import Path
from typing import Self

import pytest

from app.config.document import Block, Item
from app.config.errors import Place
from app.config.given import Given
from app.config.options import make_options
from app.domain.dataplane import PYTHON
from app.entrypoints import preflight
from app.entrypoints.preflight import obstacles
from app.ports.transport import ListenError

HERE = Place("x.conf", 2, 7)


class Addresses:
    """Addresses to listen on; each reason is one that is refused."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int]] = []
        self.reasons: dict[int, str] = {}

    async def listening_socket(self, host: str, port: int, backlog: int) -> Self:
        """Listen, or say why not."""
        assert 1 == backlog
        self.asked.append((host, port))
        if port in self.reasons:
            raise ListenError(self.reasons[port])
        return self

    def close(self) -> None:
        """Stop to listen."""


@pytest.fixture
def addresses(monkeypatch: pytest.MonkeyPatch) -> Addresses:
    """Where all is free until a test says otherwise."""
    made = Addresses()
    monkeypatch.setattr(preflight, "listening_socket", made.listening_socket)
    return made


def found(values: dict[str, object], data_plane: str = PYTHON) -> list[str]:
    """The obstacles of options; each that is given at the first level is at one place."""
    block = Block.of({name: Item(Item.of(value).value, HERE) for name, value in values.items()})
    problems = obstacles(make_options(values), Given(block, block), data_plane)
    return [str(problem) for problem in problems]


def test_nothing_is_in_the_way(addresses: Addresses, tmp_path: Path) -> None:
    """Files that can be made and ports that are free are no obstacles, and nothing is made."""
    log, pid = tmp_path / "x.log", tmp_path / "x.pid"
    values = {
        "log_file": str(log),
        "pid_file": str(pid),
        "http_port": 3,
        "https_port": 4,
        "cluster": {"port": 2},
        "websocket": {"port": 5, "no_tls": True},
        "leafnodes": {"port": 6},
        "port": 1,
        "host": "h",
    }

    assert [] == found(values)
    assert [("h", 1), ("0.0.0.0", 2), ("0.0.0.0", 5), ("0.0.0.0", 6), ("h", 3), ("h", 4)] == addresses.asked  # noqa: S104 - nothing listens
    assert [] == list(tmp_path.iterdir())


def test_addresses(addresses: Addresses) -> None:
    """An address that cannot be had is reported at its key; a port in use may be that of this server."""
    addresses.reasons = {1: "permission denied", 2: "address already in use"}

    assert ["x.conf:2:7: cannot listen for clients on 0.0.0.0:1: permission denied"] == found(
        {"port": 1, "http_port": 2}
    )


@pytest.mark.usefixtures("addresses")
def test_files_in_a_directory_that_is_not_there() -> None:
    """A log and a pid file that cannot be written are two lines."""
    assert [
        "x.conf:2:7: error opening file: open /nope/x.log: no such file or directory",
        "x.conf:2:7: Could not write pidfile: open /nope/x.pid: no such file or directory",
    ] == found({"log_file": "/nope/x.log", "pid_file": "/nope/x.pid"})


@pytest.mark.usefixtures("addresses")
def test_a_unix_socket(tmp_path: Path) -> None:
    """A path that cannot be had is reported, and nothing is made at one that can."""
    free, taken = tmp_path / "free", tmp_path / "taken"
    taken.touch()

    assert [] == found({"unix_socket": {"path": str(free)}})
    [line] = found({"unix_socket": {"path": str(taken)}})
    assert line == (
        f"x.conf:2:7: cannot listen for clients on unix socket {taken}: "
        "a file exists that is not a socket; remove it, or choose another path"
    )
    assert not free.exists()


@pytest.mark.usefixtures("addresses")
def test_a_directory_of_streams(tmp_path: Path) -> None:
    """A directory that cannot be made is reported if there are streams, and none is made."""
    file, free = tmp_path / "file", tmp_path / "a" / "b"
    file.touch()

    assert [] == found({"jetstream": {"store_dir": str(free)}})
    assert [] == found({"jetstream": {"store_dir": str(file), "enabled": False}})
    assert [f"x.conf:2:7: could not create storage directory {file}/jetstream: not a directory"] == found(
        {"jetstream": {"store_dir": str(file)}}
    )
    assert [file] == list(tmp_path.iterdir())


@pytest.mark.usefixtures("addresses")
def test_certificates() -> None:
    """Each file that cannot be read is named, for clients and for servers."""
    tls = {"cert_file": "/nope/c.pem", "key_file": "/nope/k.pem", "ca_file": "/nope/a.pem"}
    pair = "error parsing X509 certificate/key pair: open"

    lines = found(
        {
            "tls": tls,
            "cluster": {"port": -1, "tls": {"cert_file": "/nope/d.pem"}},
            "websocket": {"port": -1, "tls": {"cert_file": "/nope/e.pem"}},
            "leafnodes": {"port": -1, "tls": {"cert_file": "/nope/f.pem"}},
        }
    )

    assert [
        f"x.conf:2:7: {pair} /nope/c.pem: no such file or directory",
        f"x.conf:2:7: {pair} /nope/k.pem: no such file or directory",
        "x.conf:2:7: open /nope/a.pem: no such file or directory",
        f"x.conf:2:7: {pair} /nope/d.pem: no such file or directory",
        f"x.conf:2:7: {pair} /nope/e.pem: no such file or directory",
        f"x.conf:2:7: {pair} /nope/f.pem: no such file or directory",
    ] == lines


@pytest.mark.usefixtures("addresses")
def test_certificates_that_are_none(tmp_path: Path) -> None:
    """A file without a certificate is an error of its own."""
    file = tmp_path / "c.pem"
    file.write_text("none", "utf-8")

    (line,) = found({"tls": {"cert_file": str(file), "key_file": str(file)}})

    assert line.startswith("x.conf:2:7: error parsing X509 certificate/key pair")


@pytest.mark.usefixtures("addresses")
def test_hooks_that_cannot_be_imported() -> None:
    """The line names them."""
    (line,) = found({"hooks": {"factory": "no_such_module:make"}})

    assert line.startswith("x.conf:2:7: hooks factory 'no_such_module:make'")


@pytest.mark.usefixtures("addresses")
def test_an_authenticator_that_cannot_be_imported() -> None:
    """The code of the operator is imported, as at a start."""
    (line,) = found({"authorization": {"authenticator": "no_such_module:make"}})

    assert line.startswith("x.conf:2:7: authenticator 'no_such_module:make'")


@pytest.mark.usefixtures("addresses")
def test_a_data_plane_that_does_not_exist() -> None:
    """The twin to run is checked as well."""
    assert ["unknown data plane 'warp': choose auto, native or python"] == found({}, "warp")


@pytest.mark.usefixtures("addresses")
def test_remotes() -> None:
    """Certificates and creds files of hubs must be there, unless a remote is disabled."""
    hub: dict[str, object] = {"urls": "nats-leaf://hub"}
    missing = {"credentials": "/nope/x.creds"}
    tls = {"tls": {"ca_file": "/nope/a.pem"}}
    remotes = (
        hub,
        {"urls": "nats://b", **missing},
        {"urls": "nats://c", **tls},
        {**missing, "urls": "nats://d", "disabled": True},
    )

    assert [
        "x.conf:2:7: leafnodes.remotes[1]: error opening creds file /nope/x.creds: no such file or directory",
        "x.conf:2:7: leafnodes.remotes[2]: open /nope/a.pem: no such file or directory",
    ] == found({"leafnodes": {"remotes": remotes}})
