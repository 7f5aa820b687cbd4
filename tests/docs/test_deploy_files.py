"""Sample configurations, alert rules, the board and the compose file fit the server."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx
import pytest

import app
from app.config.flags import CONFIG_FILE
from app.config.load import load
from tests.docs.test_deploy import DOCKERFILE
from tests.support.patience import PATIENCE
from tests.support.server_process import ROOT, ServerProcess

DEPLOY = ROOT / "deploy"
BOARD = json.loads((DEPLOY / "grafana-dashboard.json").read_text("utf-8"))
CONFIGURATIONS = sorted(DEPLOY.glob("*.conf"))
OWN = frozenset({"up"})
"""Metrics that Prometheus makes by itself."""


def read_yaml(name: str) -> Any:  # noqa: ANN401 - whatever the file holds
    """A file of this folder; its library has no types."""
    return import_module("yaml").safe_load((DEPLOY / name).read_text("utf-8"))


RULES = [rule for group in read_yaml("prometheus-rules.yml")["groups"] for rule in group["rules"]]
COMPOSE = read_yaml("compose.yml")


@pytest.mark.parametrize("file", CONFIGURATIONS, ids=lambda file: file.name)
def test_a_sample_configuration_has_no_mistake(file: Path) -> None:
    """Nothing in a sample is a mistake, and nothing is without effect."""
    assert () == load({CONFIG_FILE: str(file)}, {}).notices


def test_what_is_commented_out_is_right_as_well(tmp_path: Path) -> None:
    """An operator who removes the number signs before keys has no mistake either."""
    text = (DEPLOY / "pynatsd.conf").read_text("utf-8")
    whole = re.sub(
        r"^( *)# (?=\s*(?:[a-z_]+:? |[a-z_]+: *|\"nats://|[}\]]$))", r"\1", text, flags=re.MULTILINE
    )
    file = tmp_path / "whole.conf"
    file.write_text(re.sub(r"^.*\$2a\$11\$….*$", "", whole, flags=re.MULTILINE), "utf-8")

    options = load({CONFIG_FILE: str(file)}, {}).options

    assert ("nats.example.org:4222", "messages-1") == (options.client_advertise, options.server_name)
    assert options.tls is not None
    assert 2 == len(options.cluster.routes)


def expressions() -> Iterator[str]:
    """All that the rules and the board ask Prometheus for."""
    yield from (rule["expr"] for rule in RULES)
    yield from (target["expr"] for panel in BOARD["panels"] for target in panel["targets"])
    yield from (note["expr"] for note in BOARD["annotations"]["list"])
    yield from (one["query"] for one in BOARD["templating"]["list"] if one["type"] == "query")


def metrics_of(expression: str) -> set[str]:
    """The names of metrics in an expression of PromQL."""
    bare = re.sub(r"\{[^}]*\}|\"[^\"]*\"", "", expression)
    return set(re.findall(r"\bgnatsd_\w+", bare)) | set(re.findall(r"\bup\b", bare))


def test_every_metric_is_there() -> None:
    """The rules, the board and the checklist ask for metrics that a server has."""
    checklist = (ROOT / "docs" / "production.md").read_text("utf-8")
    wanted = {name for expression in expressions() for name in metrics_of(expression)} - OWN
    wanted |= set(re.findall(r"`(gnatsd_\w+)`", checklist))

    with ServerProcess("-m", "-1") as server:
        port = server.wait_for("Starting http monitor").rpartition(":")[2].strip()
        text = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=PATIENCE).text

    assert len(wanted) >= 15
    assert set() == wanted - set(re.findall(r"^(gnatsd_\w+)\{", text, re.MULTILINE))


def test_rules_are_whole() -> None:
    """Each alert has a name of its own, an expression, a severity and two sentences."""
    assert len({rule["alert"] for rule in RULES}) == len(RULES) >= 8
    for rule in RULES:
        assert rule["expr"].count("(") == rule["expr"].count(")")
        assert rule["labels"]["severity"] in {"warning", "critical"}
        assert {"summary", "description"} == set(rule["annotations"])


def test_the_checklist_names_what_is_alerted_on() -> None:
    """Each metric of a rule is in the table of what to watch."""
    checklist = (ROOT / "docs" / "production.md").read_text("utf-8")
    names = {name for rule in RULES for name in metrics_of(rule["expr"])}

    assert set() == {name for name in names if f"`{name}`" not in checklist}


def test_panels_of_the_board_do_not_overlap() -> None:
    """Each panel has a number, a title, something to show and a place of its own."""
    taken: set[tuple[int, int]] = set()
    for panel in BOARD["panels"]:
        at = panel["gridPos"]
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert panel["title"]
        assert panel["targets"]
        assert at["x"] + at["w"] <= 24
        assert not taken & cells
        taken |= cells

    assert len({panel["id"] for panel in BOARD["panels"]}) == len(BOARD["panels"])


def test_the_compose_file() -> None:
    """It builds our image, mounts a file that is there, publishes ports that file opens, and asks a probe."""
    (service,) = COMPOSE["services"].values()
    source, target, _ = service["volumes"][0].split(":")
    options = load({CONFIG_FILE: str(DEPLOY / source)}, {}).options
    published = [int(port.rpartition(":")[2]) for port in service["ports"]]

    assert (DEPLOY / service["build"]["context"] / service["build"]["dockerfile"]).exists()
    assert ["-c", target] == service["command"]
    assert [options.port, options.http_port] == published
    assert all(port.startswith("127.0.0.1:") for port in service["ports"] if str(options.http_port) in port)
    assert service["ulimits"]["nofile"] > options.max_connections
    assert f"http://127.0.0.1:{options.http_port}/readyz" in service["healthcheck"]["test"][-1]


def test_the_probe_of_the_compose_file_works() -> None:
    """The health check is content with a server that welcomes clients."""
    (service,) = COMPOSE["services"].values()
    program = service["healthcheck"]["test"][-1]

    with ServerProcess("-m", "-1") as server:
        port = server.wait_for("Starting http monitor").rpartition(":")[2].strip()
        probe = [sys.executable, "-c", program.replace("8222", port)]
        assert 0 == subprocess.run(probe, check=False, timeout=150).returncode


def test_the_image_is_pinned_and_labelled() -> None:
    """Both stages have one base with its full version, and the label has the project's version."""
    match = re.search(r"^ARG BASE=(\S+)$", DOCKERFILE, re.MULTILINE)
    assert match is not None

    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-[a-z]+", match[1])
    assert ["${BASE}", "${BASE}"] == re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    assert f"ARG VERSION={app.__version__}\n" in DOCKERFILE
    assert {"title", "description", "licenses", "version", "revision"} == set(
        re.findall(r"org\.opencontainers\.image\.(\w+)=", DOCKERFILE)
    )


def test_the_environment_of_the_image_has_no_installer() -> None:
    """The environment is made without pip, and the base loses its own."""
    final = DOCKERFILE.rpartition("\nFROM ")[2]

    assert "venv --without-pip /opt/pynatsd" in DOCKERFILE
    assert "pip uninstall --yes wheel setuptools pip" in final
    assert "apt-get" not in final


def test_only_what_is_on_is_exposed() -> None:
    """The image exposes the port that a server without a configuration opens."""
    assert ["4222"] == re.findall(r"^EXPOSE (.*)$", DOCKERFILE, re.MULTILINE)


def test_the_kubernetes_file(tmp_path: Path) -> None:
    """Its configuration is valid, and its ports, probes and times fit together."""
    documents = import_module("yaml").safe_load_all((DEPLOY / "kubernetes.yml").read_text("utf-8"))
    by_kind: dict[str, list[Any]] = {}
    for document in documents:
        by_kind.setdefault(document["kind"], []).append(document)
    file = tmp_path / "pynatsd.conf"
    file.write_text(by_kind["Secret"][0]["stringData"]["pynatsd.conf"], "utf-8")
    options = load({CONFIG_FILE: str(file)}, {"POD_NAME": "pynatsd-0"}).options
    pod = by_kind["StatefulSet"][0]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}

    assert {"clients": options.port, "routes": options.cluster.port, "monitoring": options.http_port} == ports
    assert by_kind["StatefulSet"][0]["spec"]["replicas"] == len(options.cluster.routes)
    assert ("/readyz", "/livez") == tuple(
        container[probe]["httpGet"]["path"] for probe in ("readinessProbe", "livenessProbe")
    )
    assert pod["terminationGracePeriodSeconds"] > options.lame_duck_duration + 5
    assert f"--signal ldm={options.pid_file}" in container["lifecycle"]["preStop"]["exec"]["command"][-1]
