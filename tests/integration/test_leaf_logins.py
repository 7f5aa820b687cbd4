"""How a leaf logs in at its hub, and what it may then send and receive."""

import asyncio
from pathlib import Path

import pytest
from nats.aio.client import Client

from tests.support.leaf_clients import DEADLINE, all_met, clients, is_unheard, met, passed
from tests.support.leaf_jwt import jwt_login
from tests.support.leaf_servers import (
    GO,
    HOST,
    LeafRig,
    LeafServer,
    Programs,
    leaf_programs,
    leaf_rig,
)
from tests.support.nkeys import NkeyUser
from tests.support.patience import PATIENCE
from tests.support.raw_client import RawClient

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(180)]

REFUSED = "Authorization Violation"
LINKED = "Leafnode connection created"


async def exchange(at_hub: Client, at_leaf: Client) -> None:
    """Have a message each way."""
    await all_met(at_hub, at_leaf)
    for near, far, subject in ((at_hub, at_leaf, "down"), (at_leaf, at_hub, "up")):
        subscription = await far.subscribe(subject)
        await met(near, far)
        await near.publish(subject, b"hello")
        assert b"hello" == (await subscription.next_msg(DEADLINE)).data


async def expect_carried(hub: LeafServer, leaf: LeafServer, **login: str) -> None:
    """Have a message each way; `login` is that of clients of the hub."""
    async with clients(hub.url, **login) as (at_hub,), clients(leaf.url) as (at_leaf,):
        await exchange(at_hub, at_leaf)


async def test_a_password(rig: LeafRig) -> None:
    """A leaf logs in with the user and the password in its URL."""
    hub = rig.hub("authorization { user: link, password: s3cr3t, timeout: 10 }")
    leaf = rig.leaf(hub.remote("link:s3cr3t@"))

    await expect_carried(hub, leaf)


async def test_one_of_several_users(rig: LeafRig) -> None:
    """The section may have users of its own."""
    hub = rig.hub(
        "authorization { users: [ {user: a, password: 1a}, {user: b, password: 2b} ], timeout: 10 }"
    )
    leaf = rig.leaf(hub.remote("b:2b@"))

    await expect_carried(hub, leaf)


async def test_a_user_of_clients(rig: LeafRig) -> None:
    """Without that section leaves log in as clients do."""
    hub = rig.hub(rest="authorization { user: all, password: s3cr3t, timeout: 10 }")
    leaf = rig.leaf(hub.remote("all:s3cr3t@"))

    await expect_carried(hub, leaf, user="all", password="s3cr3t")  # noqa: S106 - a test's


async def test_a_token(rig: LeafRig) -> None:
    """A URL with one word before the host has a token."""
    hub = rig.hub(rest="authorization { token: t0k3n, timeout: 10 }")
    leaf = rig.leaf(hub.remote("t0k3n@"))

    await expect_carried(hub, leaf, token="t0k3n")  # noqa: S106 - a test's


async def test_an_nkey(rig: LeafRig) -> None:
    """A leaf signs the hub's nonce with the seed that its remote has."""
    user = NkeyUser(7)
    hub = rig.hub(
        rest=f"authorization {{ users: [ {{nkey: {user.nkey}}}, {{user: c, password: c}} ], timeout: 10 }}"
    )
    leaf = rig.leaf(hub.remote(more=f'nkey: "{user.seed}"'))

    await expect_carried(hub, leaf, user="c", password="c")  # noqa: S106 - a test's


@pytest.mark.parametrize("login", ["", "link:wrong@", "nobody:s3cr3t@"], ids=["none", "password", "user"])
async def test_a_wrong_password(rig: LeafRig, login: str) -> None:
    """A leaf that may not join is refused, says so, tries again, and nothing crosses."""
    hub = rig.hub("authorization { user: link, password: s3cr3t, timeout: 10 }")
    leaf = rig.leaf(hub.remote(login))

    leaf.wait_for(REFUSED, count=2)

    async with clients(hub.url, leaf.url) as (at_hub, at_leaf):
        subscription = await at_hub.subscribe("secret")
        await at_hub.flush()
        assert await is_unheard(at_leaf, "secret", PATIENCE)
        await at_leaf.publish("secret", b"")
        await at_leaf.flush()
        await at_hub.flush()
        assert 0 == subscription.pending_msgs
    assert "s3cr3t" not in hub.log + leaf.log


async def test_a_wrong_nkey(rig: LeafRig) -> None:
    """A signature with another key is refused."""
    hub = rig.hub(rest=f"authorization {{ users: [ {{nkey: {NkeyUser(7).nkey}}} ], timeout: 10 }}")
    leaf = rig.leaf(hub.remote(more=f'nkey: "{NkeyUser(8).seed}"'))

    leaf.wait_for(REFUSED)

    assert NkeyUser(8).seed not in hub.log + leaf.log


@pytest.mark.parametrize("program", leaf_programs())
async def test_a_file_with_a_jwt(tmp_path: Path, program: str) -> None:
    """A leaf logs in at a hub with an operator by its creds file, and messages cross both ways."""
    login = jwt_login(tmp_path)
    with leaf_rig(Programs(GO, program), tmp_path) as rig:
        hub = rig.hub(rest=login.server)
        leaf = rig.leaf(hub.remote(more=f'credentials: "{login.creds}"'))

        async with (
            clients(hub.url, user_credentials=login.creds) as (at_hub,),
            clients(leaf.url) as (at_leaf,),
        ):
            await exchange(at_hub, at_leaf)

            assert at_hub.is_connected


@pytest.mark.parametrize("program", leaf_programs())
async def test_a_file_with_another_key(tmp_path: Path, program: str) -> None:
    """A JWT without its key is refused, and the seed is in no log."""
    login = jwt_login(tmp_path)
    with leaf_rig(Programs(GO, program), tmp_path) as rig:
        hub = rig.hub(rest=login.server)
        leaf = rig.leaf(hub.remote(more=f'credentials: "{login.wrong_creds}"'))

        leaf.wait_for(REFUSED, count=2)
        log = hub.log + leaf.log

    assert login.wrong_seed not in log


@pytest.mark.parametrize("program", leaf_programs())
async def test_accounts_of_the_hub(tmp_path: Path, program: str) -> None:
    """A leaf belongs to the account of the user that it logs in as, and hears nothing of others."""
    accounts = """accounts {
          A: { users: [ {user: a, password: a} ] }
          B: { users: [ {user: b, password: b} ] }
        }"""
    with leaf_rig(Programs(GO, program), tmp_path) as rig:
        hub = rig.hub(rest=accounts)
        leaf = rig.leaf(hub.remote("a:a@"))
        a_url, b_url = (hub.url.replace("//", f"//{name}:{name}@") for name in "ab")
        async with clients(leaf.url, a_url, b_url) as (at_leaf, in_a, in_b):
            await all_met(at_leaf, in_a)
            subscription = await at_leaf.subscribe("x")
            await met(in_a, at_leaf)
            await in_b.publish("x", b"of b")
            await in_b.flush()
            await in_a.publish("x", b"of a")

            assert b"of a" == (await subscription.next_msg(DEADLINE)).data
            assert await is_unheard(in_b, "x", PATIENCE)


RULES = """authorization { timeout: 10, users: [
          {user: all, password: all}
          {user: link, password: link, permissions: {
            publish: { allow: ["in.>", "met.>", "_INBOX.>"], deny: ["in.no"] }
            subscribe: { allow: ["out.>", "met.>", "_INBOX.>"], deny: ["out.no"] }
          } }
        ] }"""


async def test_permissions_of_the_hub(rig: LeafRig) -> None:
    """A leaf sends and receives what its user may, keeps to it by itself, and stays linked."""
    hub = rig.hub(rest=RULES)
    leaf = rig.leaf(hub.remote("link:link@"))
    async with (
        clients(hub.url, user="all", password="all") as (at_hub,),  # noqa: S106 - a test's
        clients(leaf.url) as (at_leaf,),
    ):
        await all_met(at_hub, at_leaf)
        at_the_hub = [await at_hub.subscribe(name) for name in ("in.yes", "in.no", "out.yes")]
        at_the_leaf = [await at_leaf.subscribe(name) for name in ("out.yes", "out.no", "in.yes")]
        everything = await at_leaf.subscribe(">")
        await all_met(at_hub, at_leaf)

        for name in ("in.no", "out.yes", "in.yes"):
            await at_leaf.publish(name, b"up")
        await passed(at_leaf, at_hub)
        for name in ("out.no", "in.yes", "out.yes"):
            await at_hub.publish(name, b"down")
        await passed(at_hub, at_leaf)

        assert [2, 0, 1] == [subscription.pending_msgs for subscription in at_the_hub]
        assert [2, 0, 1] == [subscription.pending_msgs for subscription in at_the_leaf]
        heard = [await everything.next_msg(DEADLINE) for _ in range(everything.pending_msgs)]
        assert {"out.yes"} == {message.subject for message in heard if message.data == b"down"}
        assert await is_unheard(at_hub, "out.no", PATIENCE)
    assert 1 == hub.log.count(LINKED)


async def test_deny_lists_of_the_leaf(rig: LeafRig) -> None:
    """What a remote denies is neither received nor sent, all else is."""
    hub = rig.hub()
    leaf = rig.leaf(hub.remote(more='deny_imports: ["private.>", "one"], deny_exports: "local.>"'))
    async with clients(hub.url, leaf.url) as (at_hub, at_leaf):
        await all_met(at_hub, at_leaf)
        at_the_hub = [await at_hub.subscribe(name) for name in ("local.a", "two")]
        at_the_leaf = [
            await at_leaf.subscribe(name) for name in ("private.a", "one", "two", "private.*", ">")
        ]
        await all_met(at_hub, at_leaf)

        for name in ("local.a", "two", "private.a"):
            await at_leaf.publish(name, b"up")
        await passed(at_leaf, at_hub)
        assert [0, 1] == [subscription.pending_msgs for subscription in at_the_hub]
        everything = at_the_leaf.pop()
        for _ in range(everything.pending_msgs):
            await everything.next_msg(DEADLINE)

        for name in ("private.a", "one", "local.a", "two"):
            await at_hub.publish(name, b"down")
        await passed(at_hub, at_leaf)

        heard = [await everything.next_msg(DEADLINE) for _ in range(everything.pending_msgs)]
        names = {message.subject for message in heard if message.data == b"down"}
        assert {"local.a", "two"} == names
        assert [1, 0, 2, 1] == [subscription.pending_msgs for subscription in at_the_leaf]


async def test_no_leaf_at_the_port_for_clients(rig: LeafRig) -> None:
    """A leaf that dials a port for clients says that it is the wrong one, and no link comes of it."""
    hub = rig.hub()
    leaf = rig.leaf(f'remotes = [ {{ url: "nats-leaf://{HOST}:{hub.port}" }} ]')

    leaf.wait_for("attempted to connect to wrong port")

    async with clients(hub.url) as (at_hub,):
        assert at_hub.is_connected


async def test_no_client_at_the_port_for_leaves(rig: LeafRig) -> None:
    """A client that dials the port for leaves is refused, and the hub goes on."""
    hub = rig.hub()
    leaf = rig.leaf(hub.remote())
    reader, writer = await asyncio.open_connection(HOST, hub.leaf_port)
    client = await RawClient.greet(reader, writer, writer.transport.abort)
    await client.send(b'CONNECT {"lang":"python","version":"1","verbose":false}\r\n')

    assert b"attempted to connect to leaf node port" in await client.expect_cut()
    client.abort()
    await expect_carried(hub, leaf)
