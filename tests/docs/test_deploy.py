"""What the files in deploy/ rely on is what the server does."""

import json
import os
import re
import socket
import subprocess
import sys

import pytest

from app.testing import free_port
from tests.support.patience import PATIENCE
from tests.support.server_process import ROOT, ServerProcess

DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text("utf-8")
UNIT = (ROOT / "deploy" / "pynatsd.service").read_text("utf-8")


def check_health(port: int, **others: str) -> int:
    """The exit status of the image's health check for this port, beside other variables."""
    match = re.search(r"^HEALTHCHECK.*?CMD (\[.*?\])$", DOCKERFILE, re.DOTALL | re.MULTILINE)
    assert match is not None
    _, *arguments = json.loads(match[1])
    done = subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, "PYNATSD_CLIENTS_AT": str(port), **others},
        stderr=subprocess.DEVNULL,
        timeout=PATIENCE,
        check=False,
    )
    return done.returncode


def test_a_server_that_serves_is_healthy() -> None:
    """The health check is content with a server that greets."""
    with ServerProcess() as server:
        assert 0 == check_health(server.port)


def test_the_variables_of_others_do_no_harm() -> None:
    """Linked containers, and services of Kubernetes, give variables of this form to every container."""
    with ServerProcess() as server:
        assert 0 == check_health(server.port, PYNATSD_PORT=f"tcp://172.17.0.2:{server.port}")


@pytest.mark.parametrize("nonsense", ["", "tcp://172.17.0.2:4222", "99999", "-1", "\u0664"])
def test_a_port_that_is_none_is_not_used(nonsense: str) -> None:
    """The check falls back to the usual port, and complains of nothing but a server that is not well."""
    match = re.search(r"^HEALTHCHECK.*?CMD (\[.*?\])$", DOCKERFILE, re.DOTALL | re.MULTILINE)
    assert match is not None
    with ServerProcess() as server:
        _, option, code = json.loads(match[1].replace("4222", str(server.port)))
        done = subprocess.run(
            [sys.executable, option, code],
            env={**os.environ, "PYNATSD_CLIENTS_AT": nonsense},
            timeout=PATIENCE,
            check=False,
        )

    assert 0 == done.returncode


def test_where_nobody_serves_nothing_is_healthy() -> None:
    """The health check complains where nobody listens."""
    assert 0 != check_health(free_port())


def test_a_server_that_is_stuck_is_not_healthy() -> None:
    """The health check complains of a server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        assert 0 != check_health(listener.getsockname()[1])


@pytest.mark.parametrize("file", re.findall(r"^COPY (?!--from)(.*) \S+$", DOCKERFILE, re.MULTILINE))
def test_the_image_copies_what_is_there(file: str) -> None:
    """Everything that the image is built from is in the repository, and passes its ignore file."""
    ignore = (ROOT / "deploy" / "Dockerfile.dockerignore").read_text("utf-8").splitlines()

    for name in file.split():
        assert (ROOT / name).exists()
        assert f"!{name}" in ignore


@pytest.mark.parametrize("text", [DOCKERFILE, UNIT], ids=["image", "unit"])
def test_the_program_is_the_one_that_is_installed(text: str) -> None:
    """Image and unit start the program that the package installs."""
    scripts = (ROOT / "pyproject.toml").read_text("utf-8")

    assert 'pynatsd = "pynatsd.entrypoints.server:program"' in scripts
    assert re.search(r'^(ENTRYPOINT \["pynatsd"\]|ExecStart=/opt/pynatsd/bin/pynatsd )', text, re.MULTILINE)


def test_the_directories_that_pages_name() -> None:
    """Where the pages have logs, streams and sockets, the server may write, in the unit and in the image."""
    pages = "".join(page.read_text("utf-8") for page in (ROOT / "docs").glob("*.md"))
    made = {"/var/log": "LogsDirectory", "/var/lib": "StateDirectory", "/run": "RuntimeDirectory"}
    named = set(re.findall(r"(/var/l\w+|(?<!/var)/run)/pynatsd/?(?![.\w])", pages))

    assert set(made) == named
    assert [] == [key for key in made.values() if f"\n{key}=pynatsd\n" not in UNIT]
    assert "install -d -o 4222 -g 4222 -m 750 /var/lib/pynatsd\n" in DOCKERFILE
