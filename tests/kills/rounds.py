"""Rounds: a server starts, is compared with what it acknowledged before, gets load, and is killed."""

import asyncio
import json
import signal
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests.kills.ledger import Ledger
from tests.kills.link import Arrival, Link
from tests.kills.load import QUEUE, STORED, WORKER, Publisher, Worker, publish_of
from tests.support.server_process import CURRENT, ROOT, ServerProcess

_IN_RECOVERY = 0.2
"""In this part of the rounds the server is killed once more while it starts."""
_LONGEST = 30.0
"""Seconds that the load lasts at most."""
_HOUR = 3600 * 10**9
"""Nanoseconds: no id is forgotten, and nothing delivered again, while a server is compared as a whole."""
_WITH_IDS = 20
"""Messages with an id that are published again after each start."""


class _PatientProcess(ServerProcess):
    """A server that may take long to start: a hundred rounds are not worth an end for that."""

    start_seconds = 120.0


@dataclass
class Killing:
    """Kills one server after the other over one directory."""

    directory: Path
    random: Random
    outstanding: int = 10_000
    most_acks: int = 15_000
    most_settled: int = 2000
    """A server is killed after a random number of acknowledged publishes and double acks, up to these."""
    stored: Ledger = field(default_factory=Ledger)
    queue: Ledger = field(default_factory=Ledger)
    kills: int = 0
    duplicates: int = 0
    """Ids that were recognised after a crash."""
    _checked: dict[bytes, int] = field(default_factory=dict)
    """Up to these sequences streams were compared before."""

    @property
    def broken(self) -> list[str]:
        """What was found to be wrong."""
        return [*self.stored.broken, *self.queue.broken]

    async def run(self, rounds: int, say: Callable[[str], None] = lambda _line: None) -> None:
        """Kill this many servers, and compare with the last one as a whole."""
        for number in range(rounds):
            if number and self.random.random() < _IN_RECOVERY:
                await self._kill_in_recovery()
            await self._live()
            say(f"{number + 1}: {self}")
            if self.broken:
                return
        self._checked.clear()
        with self._server() as server:
            link = await Link.connect(server.port)
            await self._compare(link)
            await link.close()

    def __str__(self) -> str:
        acknowledged = len(self.stored.acknowledged) + len(self.queue.acknowledged)
        return (
            f"{self.kills} kills, {acknowledged:,} publishes acknowledged, "
            f"{len(self.queue.settled):,} double acks answered, {self.duplicates:,} ids recognised, "
            f"{self.stored.refused + self.queue.refused:,} refused; broken: {self.broken or 'nothing'}"
        )

    def _server(self) -> ServerProcess:
        return _PatientProcess("-js", "-sd", str(self.directory), *CURRENT)

    async def _kill_in_recovery(self) -> None:
        command = [*ServerProcess.command, "-js", "-sd", str(self.directory), *CURRENT]
        process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)  # noqa: ASYNC220 - at once
        await asyncio.sleep(self.random.uniform(0.3, 1.5))
        process.kill()
        process.wait()
        self.kills += 1

    async def _live(self) -> None:
        with self._server() as server:
            link = await Link.connect(server.port)
            if self.kills:
                await self._compare(link)
            else:
                await self._make(link)
            half = self.outstanding // 2
            Publisher(link, STORED, self.stored, half)
            Publisher(link, QUEUE, self.queue, half)
            Worker(link, self.queue)
            await self._load_for_a_while(link)
            server.stop(signal.SIGKILL)
            await link.close()
            self.kills += 1

    async def _load_for_a_while(self, link: Link) -> None:
        acks = self._acks() + self.random.randint(1, self.most_acks)
        settled = len(self.queue.settled) + self.random.choice([0, self.random.randint(1, self.most_settled)])
        settled = max(1, settled)  # of all rounds: what nobody settled can't be compared
        end = asyncio.get_running_loop().time() + _LONGEST
        while self._acks() < acks or len(self.queue.settled) < settled:
            if link.closed.is_set() or asyncio.get_running_loop().time() > end:
                break
            await asyncio.sleep(self.random.uniform(0.0, 0.02))

    def _acks(self) -> int:
        return len(self.stored.acknowledged) + len(self.queue.acknowledged)

    async def _make(self, link: Link) -> None:
        for name, retention in ((STORED, "limits"), (QUEUE, "workqueue")):
            config = {
                "name": name.decode(),
                "subjects": [f"{name.decode()}.*"],
                "retention": retention,
                "storage": "file",
                "allow_direct": True,
                "duplicate_window": _HOUR,
            }
            await _expect(link, b"STREAM.CREATE.%s" % name, config)
        consumer = {"durable_name": "D", "ack_policy": "explicit", "ack_wait": _HOUR}
        consumer["max_ack_pending"] = -1
        await _expect(link, b"CONSUMER.DURABLE.CREATE.%s.%s" % (QUEUE, WORKER), _created(QUEUE, consumer))

    async def _compare(self, link: Link) -> None:
        """Compare what is there with what was acknowledged since the last comparison."""
        for stream, ledger in ((STORED, self.stored), (QUEUE, self.queue)):
            state = (await _expect(link, b"STREAM.INFO.%s" % stream))["state"]
            assert isinstance(state, dict)
            if state["last_seq"] < ledger.last:
                ledger.broken.append(f"the last sequence is {state['last_seq']}, and was {ledger.last}")
            since = self._checked.get(stream, 0) + 1
            found = await self._read(link, stream, since, state["last_seq"])
            if since == 1 and len(found) != state["messages"]:
                ledger.broken.append(f"{len(found)} messages are there, {state['messages']} are counted")
            for sequence, payload in found.items():
                ledger.delivered(sequence, payload)
            ledger.missing(found, since)
            self._checked[stream] = ledger.last
        await self._publish_again(link)

    async def _read(self, link: Link, stream: bytes, since: int, last: int) -> dict[int, bytes]:
        """All messages of a stream from a sequence on."""
        found: dict[int, bytes] = {}
        over = asyncio.Event()

        def take(arrival: Arrival) -> None:
            header = arrival.headers.partition(b"Nats-Sequence: ")[2]
            if header:
                found[int(header.partition(b"\r\n")[0])] = arrival.payload
            else:
                over.set()

        link.subscribe(b"_G.%s" % stream, take)
        while since <= last:
            over.clear()
            before = len(found)
            link.publish(
                b"$JS.API.DIRECT.GET.%s" % stream, b"_G.%s" % stream, b'{"batch":1000,"seq":%d}' % since
            )
            await asyncio.wait_for(over.wait(), 60.0)
            if len(found) == before:
                break
            since = max(found) + 1
        return found

    async def _publish_again(self, link: Link) -> None:
        """Messages with an id are duplicates, under the same sequences."""
        answers: dict[int, dict[str, object]] = {}
        newest = sorted(self.stored.with_ids.items())[-_WITH_IDS:]
        all_there = asyncio.Event()

        def take(arrival: Arrival) -> None:
            answers[int(arrival.subject.rpartition(b".")[2])] = json.loads(arrival.payload)
            if len(answers) == len(newest):
                all_there.set()

        link.subscribe(b"_A.%s.*" % STORED, take)
        for _, number in newest:
            link.send(publish_of(STORED, number, b"again"))
        if newest:
            await asyncio.wait_for(all_there.wait(), 60.0)
        link.unsubscribe_last()
        for sequence, number in newest:
            answer = answers[number]
            if (answer.get("seq"), answer.get("duplicate")) != (sequence, True):
                self.stored.broken.append(f"id {number} of {sequence} was not recognised: {answer}")
            self.duplicates += 1


def _created(stream: bytes, config: dict[str, object]) -> dict[str, object]:
    return {"stream_name": stream.decode(), "config": config}


async def _expect(link: Link, call: bytes, content: object = None) -> dict[str, object]:
    answer = await link.request(b"$JS.API." + call, content)
    if "error" in answer:
        raise AssertionError(f"{call!r} was answered with {answer['error']}")
    return answer
