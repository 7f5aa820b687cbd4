"""The worked examples of the protocol pages, played on a server in memory, on each twin.

A line names its actor and the direction: ``C> SUB foo 1`` is sent by client C, ``C< +OK`` is
what the server answers, ``C!`` means that the server has closed the connection. R and T are
other servers, every other letter is a client; ``R+`` is a link that R makes. All that the
server sends must be written down, and ``…`` stands for any text within a line.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from app.domain.dataplane import choose
from tests.support.server_process import ROOT
from tests.support.twins import twins
from tests.support.virtual_broker import VirtualClient
from tests.support.virtual_cluster import RoutedBroker, RoutedBrokerOfToday

PAGES = sorted((ROOT / "docs" / "protocol").glob("*.md"))
SERVERS = frozenset("RT")
TODAY = "later-client-features"
"""The page whose server is one of today; that of the others has the protocol of gnatsd."""

_LINE = re.compile(r"([A-Z])([<>+!])(?: (.*))?")
_ESCAPES = {r"\r": "\r", r"\n": "\n", r"\t": "\t"}


@dataclass(frozen=True, slots=True)
class Step:
    """One line of an example."""

    actor: str
    sign: str
    text: str


def examples_of(page: Path) -> list[list[Step]]:
    """The examples of a page, in order; raises `ValueError` for a line that is none."""
    blocks = re.findall(r"^```example\n(.*?)^```$", page.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    return [[step_of(line) for line in block.splitlines()] for block in blocks]


def step_of(line: str) -> Step:
    """A line of an example, its escapes read."""
    match = _LINE.fullmatch(line)
    if match is None:
        raise ValueError(f"no line of an example: {line}")
    actor, sign, text = match.groups(default="")
    return Step(actor, sign, re.sub(r"\\[rnt]", lambda found: _ESCAPES[found[0]], text))


def wire_form(text: str) -> str:
    """A line as it is sent: with CR LF, unless its end is written out."""
    return text if text.endswith("\n") else text + "\r\n"


class Stage:
    """A server, and the actors of one example."""

    def __init__(self, twin: str, *, today: bool = False) -> None:
        _, make_plane = choose(twin)
        self.server = (RoutedBrokerOfToday if today else RoutedBroker)(make_plane)
        self.actors: dict[str, VirtualClient] = {}
        self.unread: dict[str, str] = {}

    def actor(self, name: str) -> VirtualClient:
        """The client of this name; it connects when its first line comes."""
        if name not in self.actors:
            assert name not in SERVERS, f"{name} has not connected"
            self.actors[name] = self.server.connect()
        return self.actors[name]

    def play(self, step: Step) -> None:
        """Do what a line says, or compare it with what came."""
        match step.sign:
            case "+":
                self.actors[step.actor] = self.server.called()
            case ">":
                self.actor(step.actor).send(wire_form(step.text).encode())
            case "<":
                self.expect(step)
            case _:
                self.listen()
                assert self.actor(step.actor).wire.is_over, f"{step.actor} is not closed"

    def listen(self) -> None:
        """Collect what every actor has received."""
        for name, actor in self.actors.items():
            self.unread[name] = self.unread.get(name, "") + actor.heard().decode()

    def expect(self, step: Step) -> None:
        """The next line for this actor is the one of the step."""
        self.listen()
        line, end, rest = self.unread.get(step.actor, "").partition("\n")
        pattern = ".*".join(map(re.escape, step.text.split("…")))
        assert end, f"{step.actor} has received nothing where the page has {step.text}"
        assert re.fullmatch(pattern, line.rstrip("\r ")), f"{step.text} is not {line!r}"
        self.unread[step.actor] = rest

    def rest(self) -> dict[str, str]:
        """What came, and is not on the page."""
        self.listen()
        return {name: text for name, text in self.unread.items() if text}


EXAMPLES = {
    f"{page.stem}-{number}": steps for page in PAGES for number, steps in enumerate(examples_of(page), 1)
}


@pytest.mark.parametrize("twin", twins())
@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example(name: str, twin: str) -> None:
    """The server sends what the example shows, and nothing else."""
    stage = Stage(twin, today=name.startswith(TODAY))

    for step in EXAMPLES[name]:
        stage.play(step)

    assert {} == stage.rest()


def test_examples_are_found() -> None:
    """The pages have examples, and a line that is none is an error."""
    assert len(EXAMPLES) > 20
    with pytest.raises(ValueError, match="no line of an example"):
        step_of("SUB foo 1")
