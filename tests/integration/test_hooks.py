"""Hooks of embedded servers, with clients over sockets and in memory, on both data planes."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from textwrap import dedent

import nats
import pynatsd
import pytest
from nats.aio.client import Client as NatsClient
from nats.aio.msg import Msg
from nats.errors import NoRespondersError

from tests.support.patience import PATIENCE
from tests.support.twins import twins

WAIT = PATIENCE

Decide = Callable[[pynatsd.HookEvent], object]
Answered = pynatsd.Allow | pynatsd.Refuse | pynatsd.Rewrite | None


def allow(_event: pynatsd.HookEvent) -> object:
    """Nothing is to be said against it."""
    return None


class Recorder(pynatsd.Hooks):
    """Remembers what it sees, by method, and answers as a test says."""

    patterns = ("h.>",)

    def __init__(self) -> None:
        self.seen: dict[str, list[pynatsd.HookEvent]] = {}
        self.decide: dict[str, Decide] = {}
        self.gate: asyncio.Event | None = None
        """Publish and deliver hooks wait for it."""

    def _see(self, name: str, event: pynatsd.HookEvent) -> Answered:
        self.seen.setdefault(name, []).append(event)
        answer = self.decide.get(name, allow)(event)
        assert isinstance(answer, pynatsd.Allow | pynatsd.Refuse | pynatsd.Rewrite | None)
        return answer

    async def connect(self, event: pynatsd.HookEvent) -> pynatsd.Allow | pynatsd.Refuse | None:
        """See `Hooks`."""
        await asyncio.sleep(0)
        answer = self._see("connect", event)
        assert not isinstance(answer, pynatsd.Rewrite)
        return answer

    def disconnect(self, event: pynatsd.HookEvent) -> None:
        """See `Hooks`."""
        self._see("disconnect", event)

    async def subscribe(self, event: pynatsd.HookEvent) -> Answered:
        """See `Hooks`."""
        await asyncio.sleep(0)
        return self._see("subscribe", event)

    async def publish(self, event: pynatsd.HookEvent) -> Answered:
        """See `Hooks`."""
        if self.gate is not None:
            await self.gate.wait()
        return self._see("publish", event)

    def deliver(self, event: pynatsd.HookEvent) -> Answered:
        """See `Hooks`."""
        return self._see("deliver", event)


class Scene:
    """A server with hooks, and clients that note errors."""

    def __init__(self, server: pynatsd.Server, hooks: Recorder) -> None:
        self.server = server
        self.hooks = hooks
        self.errors: list[str] = []
        self._clients: list[NatsClient] = []

    async def client(self, name: str) -> NatsClient:
        """A new one."""
        client = await nats.connect(
            self.server.url, name=name, error_cb=self._note, allow_reconnect=False, max_reconnect_attempts=0
        )
        self._clients.append(client)
        return client

    async def _note(self, error: Exception) -> None:
        self.errors.append(str(error))

    async def close(self) -> None:
        """Close the clients."""
        for client in self._clients:
            await client.close()


def refuse_if(condition: Callable[[pynatsd.HookEvent], bool]) -> Decide:
    """Refuse some, and allow the others."""
    return lambda event: pynatsd.Refuse("no") if condition(event) else None


@asynccontextmanager
async def running(twin: str, **keys: object) -> AsyncIterator[Scene]:
    """A server of this twin."""
    hooks = Recorder()
    async with pynatsd.Server(hooks=hooks, data_plane=twin, **keys) as server:  # type: ignore[arg-type] # keys of the file
        scene = Scene(server, hooks)
        yield scene
        await scene.close()


pytestmark = [pytest.mark.asyncio, pytest.mark.parametrize("twin", twins())]


async def test_messages(twin: str) -> None:
    """Refused, rewritten and let pass, in order, with others that no hook sees."""
    async with running(twin) as scene:
        receiver, publisher = await scene.client("r"), await scene.client("p")
        answers = {b"no": pynatsd.Refuse("not today"), b"re": pynatsd.Rewrite("h.b", b"new", {"k": "v"})}
        scene.hooks.decide["publish"] = lambda event: answers.get(event.data)
        messages = await receiver.subscribe(">")
        await receiver.flush()

        for subject, data in (("a", b"1"), ("h.a", b"2"), ("h.a", b"no"), ("h.a", b"re"), ("a", b"3")):
            await publisher.publish(subject, data)
        await publisher.flush()

        received = [await messages.next_msg(WAIT) for _ in range(4)]
        assert [("a", b"1"), ("h.a", b"2"), ("h.b", b"new"), ("a", b"3")] == [
            (message.subject, message.data) for message in received
        ]
        assert {"k": "v"} == received[2].headers
        assert ['nats: permissions violation for publish to "h.a": not today'] == scene.errors
        assert {"r"} == {event.client.name for event in scene.hooks.seen["deliver"]}


async def test_a_slow_hook_delays_one_publisher(twin: str) -> None:
    """Others are served while it waits; then its messages come in order."""
    async with running(twin) as scene:
        receiver, slow, quick = [await scene.client(name) for name in ("r", "s", "q")]
        messages = await receiver.subscribe(">")
        await receiver.flush()
        scene.hooks.gate = asyncio.Event()

        await slow.publish("h.a", b"1")
        await slow.publish("a", b"2")
        await slow._flush_pending()  # noqa: SLF001 - to the socket, without waiting for an answer
        await quick.publish("a", b"3")

        assert b"3" == (await messages.next_msg(WAIT)).data
        scene.hooks.gate.set()
        assert [b"1", b"2"] == [(await messages.next_msg(WAIT)).data for _ in range(2)]


async def test_deliveries(twin: str) -> None:
    """One receiver does not get the message, another one gets another, and the third one this one."""
    async with running(twin) as scene:
        publisher = await scene.client("p")
        answers = {"a": None, "b": pynatsd.Refuse(), "c": pynatsd.Rewrite(data=b"public")}
        scene.hooks.decide["deliver"] = lambda event: answers[event.client.name]
        clients = [await scene.client(name) for name in "abc"]
        subscriptions = [await client.subscribe(">") for client in clients]
        for client in clients:
            await client.flush()

        await publisher.publish("h.x", b"secret")
        await publisher.publish("end", b"")

        heard = []
        for messages in subscriptions:
            received = []
            while (message := await messages.next_msg(WAIT)).subject != "end":
                received.append(message.data)
            heard.append(received)
        assert [[b"secret"], [], [b"public"]] == heard


async def test_requests(twin: str) -> None:
    """Answers come as ever; where nobody gets the request its sender learns that at once."""
    async with running(twin) as scene:
        service, requester = await scene.client("s"), await scene.client("r")

        async def answer(message: Msg) -> None:
            await message.respond(message.data + b"!")

        await service.subscribe("h.echo", cb=answer)
        await service.flush()

        assert b"hi!" == (await requester.request("h.echo", b"hi", timeout=WAIT)).data
        scene.hooks.decide["deliver"] = refuse_if(lambda event: event.client.name == "s")
        with pytest.raises(NoRespondersError):
            await requester.request("h.echo", b"hi", timeout=WAIT)


async def test_logins_and_ends(twin: str) -> None:
    """A client that is refused reads why; one that was in is seen to leave."""
    async with running(twin) as scene:
        scene.hooks.decide["connect"] = lambda event: (
            pynatsd.Refuse("no") if event.client.name == "bad" else None
        )

        reader, writer = await asyncio.open_connection("127.0.0.1", scene.server.port)
        await reader.readline()
        writer.write(b'CONNECT {"verbose":false,"name":"bad"}\r\nPING\r\n')
        assert b"-ERR 'Authorization Violation: no'\r\n" == await reader.read()
        writer.close()
        good = await scene.client("good")
        await good.close()
        await scene.server.wait_for(lambda _server: "disconnect" in scene.hooks.seen)

        assert ["good"] == [event.client.name for event in scene.hooks.seen["disconnect"]]


async def test_subscriptions(twin: str) -> None:
    """One that is refused gets nothing, and its client goes on."""
    async with running(twin) as scene:
        scene.hooks.decide["subscribe"] = refuse_if(lambda event: event.subject.startswith("secret"))
        client = await scene.client("c")
        await client.subscribe("secret.>")
        messages = await client.subscribe("*", queue="q")
        await client.publish("a", b"1")

        assert b"1" == (await messages.next_msg(WAIT)).data
        assert ['nats: permissions violation for subscription to "secret.>": no'] == scene.errors
        assert [("secret.>", ""), ("*", "q")] == [
            (event.subject, event.queue) for event in scene.hooks.seen["subscribe"]
        ]


async def test_clients_in_the_process(twin: str) -> None:
    """Hooks see their messages and subscriptions."""
    async with running(twin) as scene, scene.server.client(name="l") as local:
        scene.hooks.decide["subscribe"] = lambda event: (
            pynatsd.Refuse("no") if event.subject == "secret" else None
        )
        async with local.subscribe("h.*") as messages:
            await local.publish("h.x", b"1", headers={"k": "v"})
            assert b"1" == (await messages.next(WAIT)).data
        with pytest.raises(PermissionError, match="secret"):
            async with local.subscribe("secret"):
                pytest.fail("it is refused")
        with pytest.raises(PermissionError, match="secret"):
            await anext(aiter(local.subscribe("secret")))

        assert ("l", {"k": "v"}) == (
            scene.hooks.seen["publish"][0].client.name,
            scene.hooks.seen["publish"][0].headers,
        )


async def test_a_hook_that_fails(twin: str) -> None:
    """`on_error` decides, the breaker opens, and the server goes on."""
    async with running(twin) as scene:
        client = await scene.client("c")
        messages = await client.subscribe(">")

        def fail(_event: pynatsd.HookEvent) -> object:
            raise ValueError("a secret")

        scene.hooks.decide["publish"] = fail
        for _ in range(7):
            await client.publish("h.x", b"1")
        await client.publish("a", b"2")

        assert b"2" == (await messages.next_msg(WAIT)).data
        await client.flush()
        assert 7 == len(scene.errors)
        assert 5 == len(scene.hooks.seen["publish"])
        log = "\n".join(scene.server.log)
        assert "Hook publish failed: it raised ValueError at test_hooks.py" in log
        assert "Hook publish is not called for 10 s" in log
        assert "a secret" not in log


async def test_shadow(twin: str) -> None:
    """Everything passes; the log says what would have been refused."""
    hooks = Recorder()
    hooks.shadow = True
    async with pynatsd.Server(hooks=hooks, data_plane=twin) as server:
        scene = Scene(server, hooks)
        for name in ("connect", "subscribe", "publish", "deliver"):
            hooks.decide[name] = lambda _event: pynatsd.Refuse("no")
        client = await scene.client("c")
        messages = await client.subscribe("h.*")
        await client.publish("h.x", b"1")

        assert b"1" == (await messages.next_msg(WAIT)).data
        lines = [f"Hook {name} in shadow would have refused" for name in ("connect", "publish", "deliver")]
        await server.wait_for(lambda server: all(line in "\n".join(server.log) for line in lines))
        await scene.close()


async def test_a_factory(twin: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The configuration names it; the error says why one cannot be had, and the server does not start."""
    monkeypatch.syspath_prepend(str(tmp_path))
    text = """
        import pynatsd

        class Policy(pynatsd.Hooks):
            def publish(self, event):
                return pynatsd.Refuse("by the file")
    """
    (tmp_path / "policy_of_a_test.py").write_text(dedent(text))
    (tmp_path / "broker.conf").write_text(
        'hooks { factory: "policy_of_a_test:Policy", time_limit: "500ms" }\n'
    )

    async with pynatsd.Server(config_file=tmp_path / "broker.conf", data_plane=twin) as server:
        scene = Scene(server, Recorder())
        client = await scene.client("c")
        await client.publish("x", b"")
        await client.flush()
        assert ['nats: permissions violation for publish to "x": by the file'] == scene.errors
        await scene.close()
    with pytest.raises(pynatsd.CannotStart, match=r"'no\.module:make': there is no module 'no'"):
        await pynatsd.Server(hooks={"factory": "no.module:make"}, data_plane=twin).start()


async def test_a_cluster(twin: str) -> None:
    """The publisher's server asks publish hooks once; each server asks deliver hooks for its own clients."""
    hooks = Recorder()
    async with pynatsd.Cluster(2, hooks=hooks, data_plane=twin) as cluster:
        here, there = [Scene(server, hooks) for server in cluster.servers]
        publisher, receiver = await here.client("p"), await there.client("r")
        messages = await receiver.subscribe("h.*")
        member = await receiver.subscribe("h.*", queue="q")
        await cluster.servers[0].wait_for(lambda server: server.subsz()["num_subscriptions"] == 2)

        await publisher.publish("h.x", b"1")

        assert [b"1", b"1"] == [(await each.next_msg(WAIT)).data for each in (messages, member)]
        assert ["p"] == [event.client.name for event in hooks.seen["publish"]]
        assert ["", "q"] == sorted(event.queue for event in hooks.seen["deliver"])
        await here.close()
        await there.close()


async def test_streams(twin: str, tmp_path: Path) -> None:
    """Hooks see what clients publish for a stream, and not the parts of the server that serve it."""
    hooks = Recorder()
    hooks.patterns = (">",)
    hooks.decide["subscribe"] = refuse_if(lambda event: event.client.address == "local:0")
    hooks.decide["publish"] = refuse_if(lambda event: event.data == b"no")
    async with pynatsd.Server(jetstream={"store_dir": str(tmp_path)}, hooks=hooks, data_plane=twin) as server:
        scene = Scene(server, hooks)
        client = await scene.client("c")
        streams = client.jetstream(timeout=WAIT)
        await streams.add_stream(name="s", subjects=["s.*"])

        await streams.publish("s.a", b"1")
        await client.publish("s.a", b"no")
        await streams.publish("s.a", b"2")

        reader = await streams.pull_subscribe("s.*", "d")
        assert [b"1", b"2"] == [message.data for message in await reader.fetch(2, timeout=WAIT)]
        await scene.close()
