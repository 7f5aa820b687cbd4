"""The cluster that the page on clustering shows forms as it says."""

import re

from tests.support.cluster_processes import REGISTERED, ROUTE_LISTENING
from tests.support.server_process import ROOT, ServerProcess

PAGE = (ROOT / "docs" / "clustering.md").read_text("utf-8")
COMMANDS = re.findall(r"^pynatsd (-p .*)$", PAGE, re.MULTILINE)
LOG = re.findall(r"^\[\d+\] \S+ \S+ (\[...\] .*)$", PAGE, re.MULTILINE)


def _flags(command: str, seed: str) -> list[str]:
    """The flags of a command, at free ports of the loopback, and with the seed where it really is."""
    command = re.sub(r"-routes nats://localhost:\d+", f"-routes nats://localhost:{seed}", command)
    command = re.sub(r"-cluster nats://localhost:\d+", "-cluster nats://localhost:-1", command)
    return re.sub(r"-p \d+", "-p -1", command).split()


def _sentences(log: str) -> list[str]:
    """Lines without what differs from run to run."""
    lines = re.findall(r"^\[\d+\] \S+ \S+ (\[...\] .*)$", log, re.MULTILINE)
    return [_anonymous(line) for line in lines]


def _anonymous(line: str) -> str:
    return re.sub(r"(?<=id is )\w+|(?<=\")\w{22}(?=\")|[\w.]+:\d{4,5}", "…", line)


def test_three_servers_meet() -> None:
    """The three commands of the page produce the log that it shows, and a mesh of three."""
    assert 3 == len(COMMANDS)

    with ServerProcess(*_flags(COMMANDS[0], "")) as first:
        match = ROUTE_LISTENING.search(first.log)
        assert match is not None
        with ServerProcess(*_flags(COMMANDS[1], match[1])) as second:
            second.wait_for("Route sent local subscriptions")
            log = _sentences(second.log)
            with ServerProcess(*_flags(COMMANDS[2], match[1])) as third:
                for server in (first, second, third):
                    server.wait_for(REGISTERED, count=2)

    shown = [_anonymous(line) for line in LOG]
    assert shown == [line for line in log if line in shown][: len(shown)]
