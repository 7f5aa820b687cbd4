"""Leaf links over TLS: who checks whom, and what happens when something does not fit."""

import pytest

from tests.support.certificates import KeyPair, certificates
from tests.support.leaf_clients import DEADLINE, all_met, clients, is_unheard, met
from tests.support.leaf_servers import GO, LeafRig, LeafServer
from tests.support.patience import PATIENCE

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(180)]

FAILED = "andshake error"
"""What a log has of a failed handshake, with what it belongs to before it."""


def section(pair: KeyPair | None, ca_file: str = "", more: str = "") -> str:
    """A section ``tls``."""
    files = f'cert_file: "{pair.cert_file}", key_file: "{pair.key_file}",' if pair else ""
    authority = f'ca_file: "{ca_file}",' if ca_file else ""
    return f"tls: {{ {files} {authority} {more} timeout: 10 }}"


OWN = certificates().server
AUTHORITY = certificates().authority.ca_file


async def expect_linked(hub: LeafServer, leaf: LeafServer) -> None:
    """Have a message each way."""
    async with clients(hub.url, leaf.url) as (at_hub, at_leaf):
        await all_met(at_hub, at_leaf)
        for near, far in ((at_hub, at_leaf), (at_leaf, at_hub)):
            subscription = await far.subscribe("encrypted")
            await met(near, far)
            await near.publish("encrypted", 100_000 * b"x")
            assert 100_000 == len((await subscription.next_msg(DEADLINE)).data)
            await subscription.unsubscribe()
            await met(near, far)


async def expect_apart(hub: LeafServer, leaf: LeafServer) -> None:
    """Nothing crosses; both serve their clients."""
    async with clients(hub.url, leaf.url) as (at_hub, at_leaf):
        await at_hub.subscribe("apart.hub")
        await at_leaf.subscribe("apart.leaf")
        await at_hub.flush()
        await at_leaf.flush()
        assert await is_unheard(at_hub, "apart.leaf", PATIENCE)
        assert await is_unheard(at_leaf, "apart.hub", PATIENCE)


@pytest.mark.parametrize("scheme", ["tls", "nats-leaf"])
async def test_an_encrypted_link(rig: LeafRig, scheme: str) -> None:
    """A leaf that knows the authority links over TLS, whatever the scheme of the URL."""
    hub = rig.hub(section(OWN))
    leaf = rig.leaf(hub.remote(more=section(None, AUTHORITY), scheme=scheme))

    await expect_linked(hub, leaf)


async def test_the_handshake_comes_first(rig: LeafRig) -> None:
    """With that option on both sides INFO is encrypted, too."""
    first = "handshake_first: true,"
    hub = rig.hub(section(OWN, more=first))
    leaf = rig.leaf(hub.remote(more=section(None, AUTHORITY, first)))

    await expect_linked(hub, leaf)


async def test_the_handshake_comes_first_at_the_hub_alone(rig: LeafRig) -> None:
    """A leaf that waits for INFO in clear text does not join, and tries again."""
    hub = rig.hub(section(OWN, more="handshake_first: true,"))
    leaf = rig.leaf(hub.remote(more=section(None, AUTHORITY)))

    hub.wait_for(FAILED)

    await expect_apart(hub, leaf)


async def test_a_leaf_with_a_certificate(rig: LeafRig) -> None:
    """A hub that verifies takes a leaf whose certificate is of the authority."""
    hub = rig.hub(section(OWN, AUTHORITY, "verify: true,"))
    leaf = rig.leaf(hub.remote(more=section(certificates().client, AUTHORITY)))

    await expect_linked(hub, leaf)


@pytest.mark.parametrize("pair", [None, certificates().untrusted_client], ids=["none", "untrusted"])
async def test_a_leaf_without_a_fitting_certificate(rig: LeafRig, pair: KeyPair | None) -> None:
    """It is refused, and the hub says why."""
    hub = rig.hub(section(OWN, AUTHORITY, "verify: true,"))
    leaf = rig.leaf(hub.remote(more=section(pair, AUTHORITY)))

    hub.wait_for(FAILED, count=2)

    await expect_apart(hub, leaf)


@pytest.mark.parametrize("kind", ["self-signed", "expired"])
async def test_a_hub_without_a_fitting_certificate(rig: LeafRig, kind: str) -> None:
    """A leaf does not join a hub that its authority does not vouch for, says so, and tries again."""
    pair = certificates().self_signed if kind == "self-signed" else certificates().expired_server
    hub = rig.hub(section(pair))
    leaf = rig.leaf(hub.remote(more=section(None, AUTHORITY)))

    leaf.wait_for(FAILED, count=2)

    await expect_apart(hub, leaf)


async def test_a_leaf_that_checks_nothing(rig: LeafRig) -> None:
    """With ``insecure`` any certificate will do."""
    hub = rig.hub(section(certificates().self_signed))
    leaf = rig.leaf(hub.remote(more=section(None, more="insecure: true,")))

    await expect_linked(hub, leaf)


async def test_a_hub_without_tls(rig: LeafRig) -> None:
    """A leaf that wants TLS never speaks in clear text to a hub that has none."""
    hub = rig.hub("authorization { user: link, password: s3cr3t, timeout: 10 }")
    leaf = rig.leaf(hub.remote("link:s3cr3t@", section(None, AUTHORITY), scheme="tls"))

    leaf.wait_for(FAILED if leaf.setup.program == GO else "the hub offers none")

    await expect_apart(hub, leaf)


async def test_a_password_over_tls(rig: LeafRig) -> None:
    """Login and encryption go together."""
    hub = rig.hub(f"authorization {{ user: link, password: s3cr3t, timeout: 10 }}, {section(OWN)}")
    leaf = rig.leaf(hub.remote("link:s3cr3t@", section(None, AUTHORITY), scheme="tls"))

    await expect_linked(hub, leaf)


async def test_the_hub_crashes(rig: LeafRig) -> None:
    """An encrypted link comes back after a crash."""
    hub = rig.hub(section(OWN))
    leaf = rig.leaf(hub.remote(more=section(None, AUTHORITY)))
    await expect_linked(hub, leaf)

    hub.kill()
    hub = rig.restart(hub)

    await expect_linked(hub, leaf)
