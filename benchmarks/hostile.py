"""Attacks on the decisions of a server, and what another client notices of them.

``python -m benchmarks.hostile`` runs each attack for some seconds against ours, on both
twins, and against the peer where it is installed. Meanwhile a witness in a process of its
own publishes a message to itself every few milliseconds. The table shows the longest time
that it had to wait for one, in milliseconds, and in brackets that before the attack.
"""

import argparse
import contextlib
import itertools
import resource
import selectors
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import cast

from benchmarks.client import RowFailed, dial
from benchmarks.servers import NATIVE, PEER, PLAIN, ROOT, CannotStart, Contender, contenders, find_peer

SECONDS = 4.0
"""How long an attack lasts."""

GOAL = 50.0
"""Milliseconds that no witness should wait."""

_PAUSE = 0.01
_READ_BYTES = 256 * 1024
_BLOCKS = (b"abcdefghijklmnop", b"abcdefg\xe8ijk\xecmno\xf0")
_PEDANTIC = b'CONNECT {"verbose":false,"pedantic":true}\r\n'


@dataclass(frozen=True, slots=True)
class Attack:
    """An attack: what is sent before the witness looks, and what while it does."""

    name: str
    openings: Callable[[], Iterator[bytes]]
    """One for each connection that is made before."""
    volleys: Callable[[], Iterator[bytes]]
    """What the last of these connections, or each of them, sends again and again."""
    all_of_them: bool = False
    """Whether each connection attacks."""
    leave: bool = False
    """Whether they close in place of sending anything."""


def _crossing(tokens: int) -> Iterator[bytes]:
    patterns = map(b".".join, itertools.product((b"a", b"*"), repeat=tokens))
    yield b"".join(b"SUB %b %d\r\n" % (pattern, sid) for sid, pattern in enumerate(patterns))


def _below_crossing(tokens: int) -> Iterator[bytes]:
    for number in itertools.count():
        subject = b".".join([b"a"] * (tokens - 1))
        yield b"".join(b"PUB %b.%d 0\r\n\r\n" % (subject, 1000 * number + n) for n in range(1000))


def _fresh(stem: bytes, count: int) -> Iterator[bytes]:
    for number in itertools.count():
        yield b"".join(b"PUB %b%d.%d 0\r\n\r\n" % (stem, number, n) for n in range(count))


def _members(count: int) -> Iterator[bytes]:
    yield b"".join(b"SUB work.* group %d\r\n" % sid for sid in range(count))


def _member_changes() -> Iterator[bytes]:
    for number in itertools.count():
        yield b"".join(
            b"SUB work.* group x\r\nPUB work.%d 0\r\n\r\nUNSUB x\r\nPUB work.%d 0\r\n\r\n" % (number, n)
            for n in range(100)
        )


def _collisions() -> Iterator[bytes]:
    for names in iter(lambda: itertools.product(_BLOCKS, repeat=12), None):
        while batch := list(itertools.islice(names, 500)):
            yield b"".join(b"PUB %b 0\r\n\r\n" % b"".join(name) for name in batch)


def _literals(count: int) -> Iterator[bytes]:
    yield b"".join(b"SUB s.%d.* %d\r\n" % (sid, sid) for sid in range(count))


def _crowd() -> int:
    """As many receivers as the process may have sockets for, up to five thousand."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        soft = hard
    return min(5000, soft - 200)


def _same(data: bytes) -> Iterator[bytes]:
    return itertools.repeat(data)


ATTACKS = (
    Attack("16,384 crossing wildcards, new subjects", partial(_crossing, 14), partial(_below_crossing, 14)),
    Attack(
        "20,000 new subjects in a write", lambda: iter([b"SUB a.b 1\r\n"]), partial(_fresh, b"new", 20_000)
    ),
    Attack("subjects that collided once", lambda: iter([b""]), _collisions),
    Attack("members of a group of 100,000 change", partial(_members, 100_000), _member_changes),
    Attack("group of 10,000, new subjects", partial(_members, 10_000), partial(_fresh, b"work.", 1000)),
    Attack(
        "200 clients, refused subjects",
        lambda: itertools.repeat(_PEDANTIC, 200),
        lambda: _same(2000 * b"PUB a..b 0\r\n\r\n"),
        all_of_them=True,
    ),
    Attack(
        "200 clients, malformed SUBs",
        lambda: itertools.repeat(b"", 200),
        lambda: _same(2000 * b"SUB a..b 1\r\n"),
        all_of_them=True,
    ),
    Attack(
        "one message of 16 B for 5,000",
        lambda: itertools.chain(itertools.repeat(b"SUB crowd 1\r\n", _crowd()), [b""]),
        lambda: _same(b"PUB crowd 16\r\n0123456789abcdef\r\n"),
    ),
    Attack("200,000 subscriptions leave", partial(_literals, 200_000), lambda: iter([]), leave=True),
)


def witness(port: int, seconds: float) -> float:
    """The longest time, in milliseconds, that a message of our own and a PONG took."""
    link = dial(port, b"SUB witness.* 1\r\n")
    worst, end, number = 0.0, time.monotonic() + seconds, 0
    while time.monotonic() < end:
        number += 1
        began = time.monotonic()
        link.sendall(b"PUB witness.%d 2\r\nok\r\nPING\r\n" % number)
        heard = b""
        while b"PONG\r\n" not in heard:  # the server may ask for one of ours right after it
            data = link.recv(4096)
            if not data:
                raise RowFailed("the server closed the witness")
            heard += data
        worst = max(worst, time.monotonic() - began)
        time.sleep(_PAUSE)
    return worst * 1000


def _watch(port: int, seconds: float) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "benchmarks.hostile", "--witness", str(port), str(seconds)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def _report(process: "subprocess.Popen[str]") -> float:
    """What a witness says; infinite if it was not served at all, which its error output explains."""
    said, _ = process.communicate(timeout=120)
    return float(said) if process.returncode == 0 else float("inf")


def measure(attack: Attack, contender: Contender, seconds: float) -> tuple[float, float]:
    """The longest waits, in milliseconds, before the attack and during it."""
    with contender.start() as server:
        links = [dial(server.port, opening) for opening in attack.openings()]
        try:
            before = _report(_watch(server.port, min(1.0, seconds)))
            watching = _watch(server.port, seconds)
            time.sleep(0.3)  # the witness is on its way
            _attack(attack, links, time.monotonic() + seconds - 0.3)
            return before, _report(watching)
        finally:
            for link in links:
                link.close()


def _attack(attack: Attack, links: list[socket.socket], end: float) -> None:
    if attack.leave:
        for link in links:
            link.close()
        return
    attackers = set(links if attack.all_of_them else links[-1:])
    with selectors.DefaultSelector() as selector:
        for link in links:
            link.settimeout(0.0)
            attacks = link in attackers
            events = selectors.EVENT_READ | (selectors.EVENT_WRITE if attacks else 0)
            selector.register(link, events, _Volley(attack.volleys()) if attacks else None)
        while time.monotonic() < end:
            for key, events in selector.select(0.1):
                _serve(selector, key, events)


class _Volley:
    """What is to be sent, without end."""

    def __init__(self, data: Iterator[bytes]) -> None:
        self._data = data
        self._left = memoryview(b"")

    def send(self, link: socket.socket) -> None:
        """Send as much as the system takes."""
        if not self._left:
            self._left = memoryview(next(self._data))
        self._left = self._left[link.send(self._left) :]


def _serve(selector: selectors.BaseSelector, key: selectors.SelectorKey, events: int) -> None:
    link = cast("socket.socket", key.fileobj)
    try:
        if events & selectors.EVENT_READ and not link.recv(_READ_BYTES):
            selector.unregister(link)
        elif events & selectors.EVENT_WRITE:
            key.data.send(link)
    except BlockingIOError:
        pass
    except OSError:
        selector.unregister(link)


def _available() -> list[Contender]:
    try:
        find_peer()
    except CannotStart as error:
        sys.stderr.write(f"without the peer: {error}\n")
        ours = (sys.executable, "-m", "app.entrypoints.server")
        return [
            Contender(name, ours, {"DATA_PLANE": twin})
            for name, twin in ((NATIVE, "native"), (PLAIN, "python"))
        ]
    return list(contenders())


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main(arguments: list[str]) -> int:
    """Run the attacks, or as a witness; print the table. 1 if ours missed the goal somewhere."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hostile", description=__doc__)
    parser.add_argument("--witness", nargs=2, metavar=("PORT", "SECONDS"), help=argparse.SUPPRESS)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of each attack")
    parser.add_argument("--server", choices=(NATIVE, PLAIN, PEER), action="append", help="only these")
    parser.add_argument("--only", default="", help="attacks whose name has this in it")
    options = parser.parse_args(arguments)
    if options.witness is not None:
        _say(str(witness(int(options.witness[0]), float(options.witness[1]))))
        return 0
    servers = [one for one in _available() if not options.server or one.name in options.server]
    _say("| attack | " + " | ".join(f"{one.name}, ms" for one in servers) + " |")
    _say("|---|" + "---|" * len(servers))
    missed = False
    for attack in ATTACKS:
        if options.only not in attack.name:
            continue
        cells = []
        for server in servers:
            before, during = measure(attack, server, options.seconds)
            missed = missed or (server.name != PEER and during > max(GOAL, 2 * before))
            cells.append(f"{during:.0f} ({before:.0f})")
        _say(f"| {attack.name} | " + " | ".join(cells) + " |")
    return int(missed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
