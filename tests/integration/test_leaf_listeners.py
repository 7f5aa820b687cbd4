"""Leaf links over sockets: who may come in, TLS before and after INFO, and what is shown of them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import nats
import pytest
from nats.aio.msg import Msg

from app import CannotStart, Cluster, Server
from app.testing.certificates import make_files
from tests.support.creds import creds_text
from tests.support.nkeys import NkeyUser
from tests.support.patience import PATIENCE
from tests.support.twins import twins

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(180)]

USER = NkeyUser()
WORD = "pass"
LOGINS = {"users": [{"user": "a", "password": WORD}]}


@asynccontextmanager
async def linked(
    listener: dict[str, object], remote: dict[str, object], login: str = "", **keys: object
) -> AsyncIterator[tuple[Server, Server]]:
    """A hub with this listener, and a leaf with this remote that dials it with this login."""
    async with Server({"server_name": "hub", "leafnodes": {"port": -1, **listener}, **keys}) as hub:
        url = hub.leaf_url.replace("127.0.0.1", "localhost").replace("//", f"//{login}")
        section = {"reconnect": 0.05, "remotes": [{"url": url, **remote}]}
        async with Server({"server_name": "leaf", "leafnodes": section}) as leaf:
            yield hub, leaf


def is_linked(server: Server) -> bool:
    """Whether there is a link."""
    return bool(server.leafz()["leafnodes"] == 1)


@pytest.mark.parametrize("twin", twins())
async def test_messages_and_pages(twin: str) -> None:
    """A message crosses the link, and both ends show it."""
    async with (
        Server({"server_name": "hub", "leafnodes": {"port": -1}}, data_plane=twin) as hub,
        Server(
            {"server_name": "leaf", "leafnodes": {"remotes": [{"url": hub.leaf_url}]}}, data_plane=twin
        ) as leaf,
    ):
        await leaf.wait_for(is_linked)
        near, far = await nats.connect(leaf.url), await nats.connect(hub.url)
        inbox = await near.subscribe("a.*")
        await near.flush()
        await hub.wait_for(lambda server: "a.*" in str(server.leafz(subs=True)))
        await far.publish("a.b", b"hello")
        message = await inbox.next_msg(PATIENCE)
        row, other = hub.leafz()["leafs"][0], leaf.leafz()["leafs"][0]
        await near.close()
        await far.close()

    assert (b"hello", "a.b") == (message.data, message.subject)
    assert ("leaf", False, 1) == (row["name"], row["is_spoke"], row["out_msgs"])
    assert ("hub", True, 1) == (other["name"], other["is_spoke"], other["in_msgs"])


@pytest.mark.parametrize(
    ("listener", "remote", "login", "keys"),
    [
        ({"authorization": {"user": "a", "password": WORD}}, {}, f"a:{WORD}@", {}),
        ({"authorization": LOGINS}, {}, f"a:{WORD}@", {}),
        ({"authorization": {"nkey": USER.nkey}}, {"nkey": USER.seed}, "", {}),
        ({}, {}, f"a:{WORD}@", {"authorization": LOGINS}),
        ({}, {}, "token@", {"authorization": {"token": "token"}}),
        ({}, {"nkey": USER.seed}, "", {"authorization": {"users": [{"nkey": USER.nkey}]}}),
        ({}, {}, "", {"authorization": LOGINS, "no_auth_user": "a"}),
    ],
)
async def test_logins(
    listener: dict[str, object], remote: dict[str, object], login: str, keys: dict[str, object]
) -> None:
    """Each form of login lets a leaf in: those for leaves alone, and those of clients."""
    async with linked(listener, remote, login, **keys) as (hub, leaf):
        await leaf.wait_for(is_linked)
        await hub.wait_for(is_linked)
        assert is_linked(leaf)


@pytest.mark.parametrize(
    ("listener", "remote", "login", "keys"),
    [
        ({"authorization": LOGINS}, {}, "a:wrong@", {}),
        ({"authorization": LOGINS}, {}, "", {}),
        ({"authorization": {"nkey": USER.nkey}}, {"nkey": NkeyUser(2).seed}, "", {}),
        (
            {"authorization": LOGINS},
            {},
            f"c:{WORD}@",
            {"authorization": {"users": [{"user": "c", "password": WORD}]}},
        ),
        ({}, {}, "wrong@", {"authorization": {"token": "token"}}),
    ],
)
async def test_wrong_logins(
    listener: dict[str, object], remote: dict[str, object], login: str, keys: dict[str, object]
) -> None:
    """A leaf is refused, tries again, and neither log has what it has shown."""
    async with linked(listener, remote, login, **keys) as (hub, leaf):
        await leaf.wait_for(lambda server: "(attempt 2)" in str(server.log))
        logs = "\n".join([*hub.log, *leaf.log])
        count = hub.leafz()["leafnodes"]

    assert 0 == count
    assert "Authorization Violation" in logs
    assert "wrong" not in logs
    assert WORD not in logs
    assert "SU" not in logs


async def test_a_creds_file(tmp_path: Path) -> None:
    """A file that cannot be used keeps the server from starting; the error names it, and shows nothing."""
    file = tmp_path / "leaf.creds"
    file.write_text(creds_text(USER).replace(USER.seed, USER.seed[:-1]))
    section = {"remotes": [{"url": "nats-leaf://127.0.0.1:1", "credentials": str(file)}]}
    with pytest.raises(CannotStart) as raised:
        await Server({"leafnodes": section}).start()

    assert f"{file}:9: expected the seed of a user" in str(raised.value)
    assert USER.seed[:-1] not in str(raised.value)


@pytest.mark.parametrize(
    ("listener", "remote", "refusal"),
    [
        ({}, {}, ""),
        ({"handshake_first": True}, {"handshake_first": True}, ""),
        ({"handshake_first": "auto"}, {"handshake_first": True}, ""),
        ({"handshake_first": "auto"}, {}, ""),
        ({"verify": True}, {"own": True}, ""),
        ({"verify": True}, {}, "certificate required"),
        ({}, {"ca_file": ""}, "certificate verify failed"),
        ({}, {"ca_file": "", "insecure": True}, ""),
    ],
)
async def test_tls(
    listener: dict[str, object], remote: dict[str, object], refusal: str, tmp_path: Path
) -> None:
    """Before INFO or after it, with certificates on both sides; a hub that nobody knows is refused."""
    files = make_files(tmp_path)
    pair = {"cert_file": files.cert_file, "key_file": files.key_file}
    own = {"cert_file": files.client_cert_file, "key_file": files.client_key_file}
    asked = {"ca_file": files.ca_file, **remote}
    asked |= own if asked.pop("own", False) else {}
    section = {**pair, **listener} | ({"ca_file": files.ca_file} if listener.get("verify") else {})
    async with linked({"tls": section}, {"tls": asked}) as (hub, leaf):
        if refusal:
            await leaf.wait_for(lambda server: refusal in str(server.log))
        else:
            await leaf.wait_for(is_linked)
        shown = hub.varz()["leaf"]

    assert shown["tls_required"]


async def test_a_port_that_is_taken() -> None:
    """The server does not start, and says why."""
    async with Server({"leafnodes": {"port": -1}}) as first:
        port = int(first.leaf_url.rpartition(":")[2])
        with pytest.raises(CannotStart, match=f"Error listening on leafnode port: 127.0.0.1:{port}"):
            await Server({"leafnodes": {"port": port}}).start()


async def test_it_starts_again_at_the_same_port() -> None:
    """Leaves find it there, as clients do."""
    server = Server({"leafnodes": {"port": -1}})
    async with server:
        first = server.leaf_url
    async with server:
        second = server.leaf_url

    assert first == second
    with pytest.raises(RuntimeError, match="the server has no such port"):
        async with Server() as other:
            assert not other.leaf_url


async def test_a_reload_of_logins() -> None:
    """Leaves whose login does not count any more are let go, and are not let in again."""
    async with linked({"authorization": LOGINS}, {}, f"a:{WORD}@") as (hub, leaf):
        await hub.wait_for(is_linked)
        section = {"port": -1, "authorization": {"users": [{"user": "b", "password": WORD}]}}
        await hub.reload({"server_name": "hub", "leafnodes": section})
        await leaf.wait_for(lambda server: "Authorization Violation" in str(server.log))
        count = hub.leafz()["leafnodes"]

    assert 0 == count


async def test_permissions_of_the_user_hold_for_the_link() -> None:
    """What a leaf may not receive is not sent to it, and what it may not send stays with it."""
    rules = {"publish": ["up.>"], "subscribe": ["down.>"]}
    users = {
        "users": [{"user": "a", "password": WORD, "permissions": rules}, {"user": "b", "password": WORD}]
    }
    async with linked({}, {}, f"a:{WORD}@", authorization=users) as (hub, leaf):
        await leaf.wait_for(is_linked)
        near, far = await nats.connect(leaf.url), await nats.connect(hub.url, user="b", password=WORD)
        got, heard = list[str](), list[str]()

        async def receive(message: Msg) -> None:
            got.append(message.subject)

        async def hear(message: Msg) -> None:
            heard.append(message.subject)

        await near.subscribe("down.>", cb=receive)
        await near.subscribe("secret.>", cb=receive)
        await far.subscribe(">", cb=hear)
        await hub.wait_for(lambda server: "down.>" in str(server.leafz(subs=True)))
        await leaf.wait_for(lambda server: "'>'" in str(server.leafz(subs=True)))
        for subject in ("secret.a", "down.a"):
            await far.publish(subject)
        for subject in ("secret.b", "up.b"):
            await near.publish(subject)
        await leaf.wait_for(lambda _: "down.a" in got)
        await hub.wait_for(lambda _: "up.b" in heard)
        await near.close()
        await far.close()

    assert ["down.a"] == [subject for subject in got if subject.endswith("a")]
    assert ["secret.a", "down.a", "up.b"] == sorted(heard, key=["secret.a", "down.a", "up.b"].index)


async def test_a_leaf_goes_to_another_server_of_its_hub() -> None:
    """It learns of all servers of the mesh that it has joined, and dials another one when its own is lost."""
    async with Cluster(2, config={"leafnodes": {"port": -1}}) as mesh:
        first, second = mesh.servers
        section = {"reconnect": 0.05, "remotes": [{"url": first.leaf_url}]}
        async with Server({"server_name": "leaf", "leafnodes": section}) as leaf:
            await leaf.wait_for(is_linked)
            before = leaf.leafz()["leafs"][0]["name"]
            await first.stop()
            await second.wait_for(is_linked, PATIENCE)
            await leaf.wait_for(lambda server: "n1" in str(server.leafz()), PATIENCE)

    assert "n0" == before
