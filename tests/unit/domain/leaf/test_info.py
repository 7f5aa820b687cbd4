"""The INFO of a hub, written and read (leaf-nodes.md, section 2)."""

import json

import pytest

from app.domain.leaf.info import MOST_ENTRIES, MOST_URLS, LeafInfo, read_leaf_info
from app.domain.permissions.rules import Rule, entry
from app.domain.protocol.errors import ParserError

OF_2_15 = (
    b'{"server_id":"ND","server_name":"hub","version":"2.15.1","proto":3,"git_commit":"x","go":"go1","host":'
    b'"127.0.0.1","port":24555,"headers":true,"auth_required":true,"max_payload":1048576,"ip":"127.0.0.1:24555",'
    b'"client_id":5,"nonce":"UpCfE7U6Ua0_fPk","cluster":"A","compression":"off","api_lvl":5,'
    b'"info_on_connect":true,"leafnode_urls":["127.0.0.1:24555"]} '
)


def test_what_a_hub_of_today_says() -> None:
    """All that bears on us is read, and the rest is left out."""
    info = read_leaf_info(OF_2_15)

    assert info == LeafInfo(
        server_id="ND",
        server_name="hub",
        version="2.15.1",
        proto=3,
        host="127.0.0.1",
        port=24555,
        headers=True,
        auth_required=True,
        max_payload=1048576,
        client_id=5,
        nonce="UpCfE7U6Ua0_fPk",
        cluster="A",
        info_on_connect=True,
        leafnode_urls=("127.0.0.1:24555",),
    )
    assert info.is_for_leaves


@pytest.mark.parametrize("fields", [{"client_id": 5}, {"leafnode_urls": ["h:1"]}, {}])
def test_a_port_for_others_is_recognised(fields: dict[str, object]) -> None:
    """A number and addresses for leaf nodes have to be there, both."""
    assert not read_leaf_info(json.dumps(fields).encode()).is_for_leaves


def test_permissions() -> None:
    """Lists of what is allowed and denied, in both directions."""
    given = LeafInfo(
        "N",
        imports=Rule((entry("out.>"),), (entry("out.no"),)),
        exports=Rule((entry("in.>"),)),
        connect_info=True,
        client_id=1,
        proto=1,
    )

    line = given.line()

    assert b'"import":{"allow":["out.>"],"deny":["out.no"]},"export":{"allow":["in.>"]}' in line
    assert given == read_leaf_info(line.removeprefix(b"INFO ").removesuffix(b"\r\n"))


def test_nothing_is_said_of_what_has_no_value() -> None:
    """Compression least of all: one that says nothing of it gets none."""
    assert b'INFO {"server_id":"N","proto":1} \r\n' == LeafInfo("N", imports=Rule()).line()


WRONG = [
    b"[]",
    b"{",
    b'{"server_id":5}',
    b'{"proto":"1"}',
    b'{"client_id":true}',
    b'{"headers":1}',
    b'{"leafnode_urls":"x"}',
    b'{"leafnode_urls":[1]}',
    b'{"import":[]}',
    b'{"import":{"allow":["a b"]}}',
    b'{"import":{"allow":["a..b"]}}',
    b'{"export":{"deny":[1]}}',
    b'{"export":{"deny":%b}}' % json.dumps((MOST_ENTRIES + 1) * ["a"]).encode(),
]


@pytest.mark.parametrize("argument", WRONG, ids=[repr(text[:24]) for text in WRONG])
def test_what_cannot_be_understood(argument: bytes) -> None:
    """A value of a wrong type, or a subject that none can have, ends the link."""
    with pytest.raises(ParserError):
        read_leaf_info(argument)


def test_bounds() -> None:
    """Ten thousand addresses are some, long ones are none, and names that nobody can read neither."""
    urls = [f"10.0.0.{number}:1" for number in range(10_000)]

    info = read_leaf_info(
        json.dumps(
            {"leafnode_urls": ["x" * 300, *urls], "server_name": "a\nb", "cluster": "c" * 300}
        ).encode()
    )

    assert (tuple(urls[:MOST_URLS]), "", "") == (info.leafnode_urls, info.server_name, info.cluster)
