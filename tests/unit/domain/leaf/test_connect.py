"""The CONNECT of a leaf node, written and read (leaf-nodes.md, section 2)."""

import json

import pytest

from app.domain.leaf.connect import MOST_DENIED, LeafConnect, parse_leaf_connect
from app.domain.protocol.errors import ParserError

OF_2_15 = (
    b'{"version":"2.15.1","user":"u1","pass":"p1","server_id":"NB","name":"leaf","cluster":"leaf","headers":true,'
    b'"compress_mode":"off","remote_account":"$G","protocol":3}'
)


def test_what_a_leaf_node_of_today_says() -> None:
    """All that bears on us is read."""
    assert parse_leaf_connect(OF_2_15) == LeafConnect(
        version="2.15.1",
        user="u1",
        password="p1",  # noqa: S106 - of the test
        server_id="NB",
        name="leaf",
        cluster="leaf",
        headers=True,
        compress_mode="off",
        remote_account="$G",
        protocol=3,
    )


def test_everything_is_optional() -> None:
    """Nobody has to say more than that there is nothing to say."""
    assert LeafConnect(protocol=0) == parse_leaf_connect(b"{}")


def test_what_we_say_is_read_again() -> None:
    """All fields come back, but for those that only a client has."""
    said = LeafConnect(
        "2.15.1",
        "u",
        "p",
        "t",
        "j",
        "n",
        "s",
        "NX",
        "leaf",
        "c",
        headers=True,
        remote_account="$G",
        compress_mode="off",
        is_hub=True,
        deny_pub=("a.>",),
        jetstream=True,
        domain="D",
    )

    line = said.line()

    assert line.startswith(b"CONNECT {")
    assert line.endswith(b"} \r\n")
    assert said == parse_leaf_connect(line.removeprefix(b"CONNECT ").removesuffix(b" \r\n"))


@pytest.mark.parametrize("secret", ["p4ss", "t0ken", "jwt", "sig"])
def test_secrets_stay_out_of_the_representation(secret: str) -> None:
    """Nothing that lets somebody in is shown by chance."""
    connect = LeafConnect("v", "u", "p4ss", "t0ken", "jwt", "UKEY", "sig")

    assert (secret in repr(connect), "UKEY" in repr(connect)) == (False, True)


@pytest.mark.parametrize(
    "argument",
    [
        b"[]",
        b'{"user":1}',
        b'{"headers":"yes"}',
        b'{"protocol":true}',
        b'{"protocol":"1"}',
        b'{"deny_pub":"a"}',
        b'{"deny_pub":[1]}',
        b'{"deny_pub":%b}' % json.dumps((MOST_DENIED + 1) * ["a"]).encode(),
    ],
    ids=lambda text: text[:20],
)
def test_what_cannot_be_understood(argument: bytes) -> None:
    """A value of a wrong type ends the link."""
    with pytest.raises(ParserError):
        parse_leaf_connect(argument)


def test_names_are_made_readable() -> None:
    """They are for people, and for logs."""
    connect = parse_leaf_connect(json.dumps({"name": "a\n\x1bb", "cluster": "c" * 999}).encode())

    assert ("ab", 256) == (connect.name, len(connect.cluster))
