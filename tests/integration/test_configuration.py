"""A server with a configuration file, flags above it, and all that can be wrong with both."""

import json
import re
import socket
import subprocess
from pathlib import Path

import pytest

from app.config.flags import Request, parse
from app.testing import free_port
from tests.support.blocking_client import read_until
from tests.support.notified_server import SERVER, NotifiedServer
from tests.support.patience import PATIENCE
from tests.support.server_process import ROOT, ServerProcess

SAMPLES = ROOT / "tests" / "config" / "samples"
BROKEN = ROOT / "tests" / "config" / "options"


def run(*words: str, cwd: Path = ROOT) -> "subprocess.CompletedProcess[str]":
    """Run the server for a command line that ends by itself."""
    return subprocess.run(
        [*SERVER, *words],
        cwd=cwd,
        env={"PATH": "", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def info(port: int) -> dict[str, object]:
    """The INFO of a server."""
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as link:
        line = read_until(link, b"\r\n")
    found: dict[str, object] = json.loads(line.removeprefix(b"INFO "))
    return found


def place(sample: str, directory: Path) -> tuple[Path, int]:
    """A copy of a sample with free ports and files in `directory`; and the port for clients."""
    text = (SAMPLES / sample).read_text("utf-8").replace("/tmp/", f"{directory}/")  # noqa: S108 - the sample's
    used = re.findall(r"\b(4\d{3}|8222)\b", text)
    ports = {name: free_port() for name in used}
    for old, new in ports.items():
        text = text.replace(old, str(new))
    copy = directory / sample
    copy.write_text(text, "utf-8")
    return copy, ports[used[0]]


def test_the_full_sample_starts(tmp_path: Path) -> None:
    """The long sample's limits, login, log and pid file are those of the running server."""
    file, port = place("server.conf", tmp_path)

    with NotifiedServer(tmp_path, "-c", str(file)) as server:
        assert "READY=1" == server.hear()
        reported = info(port)
        pid = (tmp_path / "nats-server.pid").read_text()
        assert (0, "") == server.stop()

    log = (tmp_path / "nats-server.log").read_text()
    assert ("localhost", port, 65536, True) == (
        reported["host"],
        reported["port"],
        reported["max_payload"],
        reported["auth_required"],
    )
    assert str(server.process.pid) == pid
    assert f"[{pid}] [INF] Listening for client connections on localhost:{port}\n" in log
    assert "[DBG]" not in log


def test_the_seed_of_a_cluster_starts(tmp_path: Path) -> None:
    """The sample of a seed serves clients."""
    file, port = place("seed.conf", tmp_path)

    with NotifiedServer(tmp_path, "-c", str(file)) as server:
        assert "READY=1" == server.hear()
        assert port == info(port)["port"]
        assert 0 == server.stop()[0]


def test_flags_count_before_the_file(tmp_path: Path) -> None:
    """What flags say is what the server does; the rest is as in the file."""
    file = tmp_path / "nats.conf"
    file.write_text("listen: 127.0.0.1:1\nmax_payload: 77\ndebug: true\nlogtime: true\nlog_file: /nope/x\n")

    with ServerProcess("--config", str(file), "-D=false", "-T=false", "-l", "") as server:
        assert 77 == info(server.port)["max_payload"]

    assert "[DBG]" not in server.log
    assert re.match(r"\[\d+\] \[INF\] Starting", server.log)


def test_what_has_no_effect_is_logged(tmp_path: Path) -> None:
    """A key that can have no effect costs a line in the log, and no start."""
    file = tmp_path / "nats.conf"
    file.write_text("prof_port: 6060\n")

    with ServerProcess("-c", str(file)) as server:
        server.stop()

    assert f"[ERR] {file}:1:1: prof_port has no effect, as there is" in server.log


@pytest.mark.parametrize("check", [(), ("-t",)])
def test_all_mistakes_end_the_start(check: tuple[str, ...]) -> None:
    """Every mistake is one line on standard error, and the status is 1."""
    table = (BROKEN / "expected.txt").read_text("utf-8").splitlines()

    done = run("-c", "many.conf", "-m", "99999", *check, cwd=BROKEN)

    assert (1, "") == (done.returncode, done.stdout)
    assert [
        *[line for line in table if line.startswith("many.conf:")],
        "http_port must be at most 65535",
    ] == done.stderr.splitlines()


def test_a_file_that_is_missing() -> None:
    """A file that is not there is named, in gnatsd's words."""
    done = run("-c", "/nope.conf")

    assert (1, "error opening config file: open /nope.conf: no such file or directory\n") == (
        done.returncode,
        done.stderr,
    )


def test_a_check_says_what_is_fine(tmp_path: Path) -> None:
    """A usable configuration is called valid; nothing is opened, and settings without effect are reported."""
    file = tmp_path / "nats.conf"
    file.write_text(f"log_file: {tmp_path}/log\npid_file: {tmp_path}/pid\nprof_port: 1\n")

    done = run("--check", "-c", str(file))

    assert (0, f"configuration {file} is valid\n") == (done.returncode, done.stdout)
    assert re.fullmatch(re.escape(f"{file}:3:1: prof_port has no effect") + ".*\n", done.stderr)
    assert [file] == list(tmp_path.iterdir())


@pytest.mark.parametrize("dash", ["-", "--"])
def test_every_flag_is_accepted(tmp_path: Path, dash: str) -> None:
    """All flags of gnatsd are understood, with one dash and with two, with an equals sign and without."""
    texts = {
        "a": "h", "addr": "h", "net": "h", "p": "1", "port": "0x10", "P": "f", "pid": "f", "m": "1",
        "http_port": "1", "ms": "1", "https_port": "1", "l": "f", "log": "f", "r": "udp://h:1",
        "remote_syslog": "udp://h:1", "user": "u", "pass": "p", "auth": "t", "tlscert": "c", "tlskey": "k",
        "tlscacert": "a", "routes": "nats://h:1, nats://i:2", "cluster": "nats://h:1",
        "cluster_listen": "nats://h:1", "profile": "0",
    }  # fmt: skip
    switches = ["T", "logtime", "s", "syslog", "D", "debug", "V", "trace", "DV", "tls", "tlsverify"]
    file = tmp_path / "nats.conf"
    file.write_text("debug: false\n")

    words = [word for name, text in texts.items() for word in (f"{dash}{name}", text)]
    words += [f"{dash}{name}={text}" for name, text in texts.items()]
    words += [f"{dash}{name}{value}" for value in ("", "=true", "=F") for name in switches[:-2]]
    words += [f"{dash}{name}" for name in switches]
    found = parse([*words, f"{dash}c", str(file), f"{dash}config={file}", "-t"])

    assert Request.CHECK is found.asks
    assert {"h", "f", "c", "k", "t", 0, 1} <= set(found.given.values())


@pytest.mark.parametrize("flag", ["-help_tls", "--help_tls"])
def test_help_on_tls(flag: str) -> None:
    """The help on TLS goes to standard output and is a success."""
    done = run(flag)

    assert (0, "") == (done.returncode, done.stderr)
    assert "    TLS_RSA_WITH_AES_128_CBC_SHA\n" in done.stdout


def test_completion() -> None:
    """The script for a shell goes to standard output."""
    done = run("--completion", "bash")

    assert (0, "") == (done.returncode, done.stderr)
    assert done.stdout.endswith("complete -F _pynatsd pynatsd\n")
