"""Who clients are: both servers say the same of them to them."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.leaf_servers import GO, HOST, LeafServer, LeafSetup, leaf_twins, require
from tests.support.nkeys import NkeyUser
from tests.support.patience import PATIENCE

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(180)]

ASK = b"SUB _I.1 1\r\nPUB $SYS.REQ.USER.INFO _I.1 0\r\n\r\nPING\r\n"
KEY = NkeyUser()
USERS = f"""
authorization {{
  default_permissions: {{ publish: ["d", "$SYS.REQ.USER.INFO"], subscribe: ["e", "_I.>"] }}
  users: [
    {{user: usual, password: p}}
    {{user: lists, password: p, permissions: {{
      publish: ["$SYS.REQ.>"], subscribe: {{allow: [">"], deny: ["z", "y q"]}}}}}}
    {{user: replies, password: p, permissions: {{
      publish: {{allow: "$SYS.REQ.USER.*", deny: "q"}}, allow_responses: {{max: 3, expires: "5s"}}}}}}
    {{user: reply, password: p, permissions: {{publish: ">", allow_responses: true}}}}
    {{user: denied, password: p, permissions: {{publish: {{deny: "foo"}}}}}}
    {{user: all, password: p, permissions: {{}}}}
    {{user: silent, password: p, permissions: {{publish: "bar"}}}}
    {{user: deaf, password: p, permissions: {{subscribe: "bar"}}}}
    {{nkey: {KEY.nkey}}}
  ]
}}
"""
NAMES = ("usual", "lists", "replies", "reply", "denied", "all", "silent", "deaf")
OTHERS = {
    "no logins": ("", {}),
    "one user": ("authorization { user: a, password: b }", {"user": "a", "pass": "b"}),
    "a token": ('authorization { token: "t" }', {"auth_token": "t"}),
    "no_auth_user": (
        "no_auth_user: a\nauthorization { users: [ {user: a, password: b}, {user: c, password: d} ] }",
        {},
    ),
    "not the no_auth_user": (
        "no_auth_user: a\nauthorization { users: [ {user: a, password: b}, {user: c, password: d} ] }",
        {"user": "c", "pass": "d"},
    ),
}


async def heard(
    server: LeafServer, login: dict[str, str], key: NkeyUser | None = None
) -> tuple[Any, list[str]]:
    """What the server says of one that logs in so; and what else, without the answers to the login."""
    reader, writer = await asyncio.open_connection(HOST, server.port)
    async with asyncio.timeout(PATIENCE):
        info = json.loads((await reader.readuntil(b"\r\n"))[len("INFO ") :])
        if key is not None:
            login = {"nkey": key.nkey, "sig": key.sig(info["nonce"])}
        asked = {"verbose": False, "protocol": 0, **login}
        writer.write(f"CONNECT {json.dumps(asked)}\r\n".encode() + ASK)
        lines = (await reader.readuntil(b"PONG\r\n")).splitlines()
        while not any(line.startswith(b"{") for line in lines):
            writer.write(b"PING\r\n")  # nats-server answers in a turn of its own
            lines += (await reader.readuntil(b"PONG\r\n")).splitlines()
            if any(b"-ERR" in line for line in lines):
                break
    writer.close()
    answers = [json.loads(line) for line in lines if line.startswith(b"{")]
    errors = [line.decode() for line in lines if line.startswith(b"-ERR")]
    return [{**each["data"], "server": each["server"]["name"]} for each in answers], errors


@pytest.mark.parametrize("program", leaf_twins())
async def test_logins(program: str, tmp_path: Path) -> None:
    """Without a login, with one user or a token, and with a user for those who do not log in."""
    require(GO)
    for rest, login in OTHERS.values():
        said = []
        for each in (GO, program):
            with LeafServer(LeafSetup(each, "s", rest=rest, listens=False), tmp_path) as server:
                said.append(await heard(server, login))
        assert said[0] == said[1]
        assert said[1][0]


@pytest.mark.parametrize("program", leaf_twins())
async def test_users(program: str, tmp_path: Path) -> None:
    """Users with rules, and one with an nkey; those that may not ask hear that."""
    require(GO)
    said = []
    for each in (GO, program):
        with LeafServer(LeafSetup(each, "s", rest=USERS, listens=False), tmp_path) as server:
            answers = [await heard(server, {"user": name, "pass": "p"}) for name in NAMES]
            said.append([*answers, await heard(server, {}, KEY)])
    theirs, ours = (json.loads(json.dumps(each), object_hook=_in_order) for each in said)
    assert theirs == ours


def _in_order(fields: dict[str, Any]) -> dict[str, Any]:
    """With lists in an order: nats-server has them in that of a map."""
    return {key: sorted(value) if isinstance(value, list) else value for key, value in fields.items()}
