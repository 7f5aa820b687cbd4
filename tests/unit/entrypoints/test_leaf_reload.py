"""What a reload changes about leaf nodes: the listener for them, and remotes."""

import shutil
import ssl
from pathlib import Path

import pytest

from app.adapters.net_asyncio.leaf_dialer import LeafTcpDialer
from app.domain.security.credentials import Credentials, Identity
from app.domain.sessions.wire import Wire
from app.entrypoints.reload import ReloadRefused
from tests.fakes.wire import FakeWire
from tests.support.certificates import certificates
from tests.support.reload_rig import ReloadRig

pytestmark = pytest.mark.asyncio

TLS = {"cert_file": certificates().server.cert_file, "key_file": certificates().server.key_file}


def verdict(rig: ReloadRig, user: str, password: str) -> Identity | None:
    """What the listener says about a leaf."""
    answers: list[Identity | None] = []
    rig.container.leaf_gatekeeper().check(Credentials(user, password), answers.append)
    return answers[0]


async def test_logins_of_leaves() -> None:
    """Other ones hold from the reload on, whether they were those of clients or are so now."""
    rig = ReloadRig(leafnodes={"port": 7422}, authorization={"user": "c", "password": "d"})
    found = [verdict(rig, "c", "d")]
    users = {"users": ({"user": "a", "password": "b"},)}
    await rig.reload(
        leafnodes={"port": 7422, "authorization": users}, authorization={"user": "c", "password": "d"}
    )
    found += [verdict(rig, "c", "d"), verdict(rig, "a", "b")]
    await rig.reload(leafnodes={"port": 7422}, authorization={"user": "c", "password": "e"})
    found += [verdict(rig, "a", "b"), verdict(rig, "c", "e")]

    assert [Identity("c"), None, Identity("a"), None, Identity("c")] == found


async def test_leaves_log_in_again() -> None:
    """Links that were accepted end where logins have changed, and stay where they have not."""
    rig = ReloadRig(leafnodes={"port": 7422})
    wire = FakeWire()
    accept(rig, wire)
    await rig.reload(leafnodes={"port": 7422}, max_payload=1000)
    stays = not wire.is_over
    await rig.reload(leafnodes={"port": 7422, "authorization": {"user": "a", "password": "b"}})

    assert stays
    assert wire.is_over


def accept(rig: ReloadRig, wire: Wire) -> None:
    """A leaf comes in."""
    rig.container.broker().accept_leaf(wire)


async def test_what_info_says() -> None:
    """Addresses, versions and TLS of the listener follow, as its certificate does."""
    rig = ReloadRig(leafnodes={"host": "h", "port": 7422})
    leaves = rig.container.broker().leaves
    assert leaves is not None
    plain = list(rig.container.leaf_layers())
    changed = await rig.reload(
        leafnodes={
            "host": "h",
            "port": 7422,
            "advertise": "hub.example:1",
            "min_version": "2.10.0",
            "tls": TLS,
        }
    )

    assert {"leafnodes.advertise", "leafnodes.min_version", "leafnodes.tls"} == set(changed)
    assert ("hub.example:1",) == leaves.announced_urls
    assert ("2.10.0", True) == (leaves.min_version, leaves.info().tls_required)
    assert ([], 1) == (plain, len(rig.container.leaf_layers()))


async def test_what_is_given_up(tmp_path: Path) -> None:
    """Where another part fails the listener stays as it is."""
    rig = ReloadRig(leafnodes={"port": 7422})
    with pytest.raises(ReloadRefused, match="Could not write pidfile"):
        await rig.reload(
            leafnodes={"port": 7422, "authorization": {"user": "a", "password": "b"}},
            pid_file=str(tmp_path / "missing" / "pid"),
        )

    assert not rig.container.leaf_gatekeeper().required


async def test_a_server_without_a_listener() -> None:
    """There is nothing to do."""
    rig = ReloadRig(leafnodes={"remotes": ({"urls": "nats://hub"},)})

    assert ["max_payload"] == await rig.reload(
        leafnodes={"remotes": ({"urls": "nats://hub"},)}, max_payload=1000
    )


def contexts(rig: ReloadRig) -> list[ssl.SSLContext]:
    """What hubs are verified with."""
    dialers = [remote.dialer for remote in rig.container.leaf_remotes()]
    return [dialer.tls.settings.context for dialer in dialers if isinstance(dialer, LeafTcpDialer)]


async def test_certificates_of_remotes(tmp_path: Path) -> None:
    """They are read again; one that cannot be read is the reason why nothing has changed."""
    file = tmp_path / "ca.pem"
    shutil.copy(certificates().authority.ca_file, file)
    section = {"remotes": ({"urls": "tls://hub", "tls": {"ca_file": str(file)}},)}
    rig = ReloadRig(leafnodes=section)
    before = contexts(rig)
    await rig.reload(leafnodes=section)
    after = contexts(rig)
    file.unlink()
    with pytest.raises(ReloadRefused, match="no such file"):
        await rig.reload(leafnodes=section)

    assert 1 == len(before) == len(after)
    assert before != after
    assert after == contexts(rig)


def remotes_of(rig: ReloadRig) -> list[str]:
    """What is dialled."""
    leaves = rig.container.broker().leaves
    assert leaves is not None
    return [str(url) for remote in leaves.remotes for url in remote.settings.urls]


async def test_remotes_come_and_go() -> None:
    """Those that are new are dialled, those that are gone or disabled are not; the others stay."""
    stays = {"urls": "nats://u:p@hub"}
    rig = ReloadRig(leafnodes={"remotes": (stays, {"urls": "nats://old"})})
    first = rig.container.leaf_remotes()[0]

    changed = await rig.reload(
        leafnodes={"remotes": ({"urls": "nats://new"}, stays, {"urls": "nats://off", "disabled": True})}
    )

    assert ["leafnodes.remotes"] == changed
    assert ["nats-leaf://new:7422", "nats-leaf://hub:7422"] == remotes_of(rig)
    assert first is rig.container.leaf_remotes()[1]
    texts = rig.log.texts()
    assert 'Reloaded: LeafNode Remote urls=["nats-leaf://old:7422"], account="$G" removed' in texts
    assert 'Reloaded: LeafNode Remote urls=["nats-leaf://new:7422"], account="$G" added' in texts


async def test_remotes_in_another_order() -> None:
    """Each is known again: one that is removed after that is the one that is closed."""
    one, two = {"urls": "nats://one"}, {"urls": "nats://two"}
    rig = ReloadRig(leafnodes={"remotes": (one, two)})
    second = rig.container.leaf_remotes()[1]

    await rig.reload(leafnodes={"remotes": (two, one)})
    await rig.reload(leafnodes={"remotes": (two,)})

    assert [second] == rig.container.leaf_remotes()
    assert ["nats-leaf://two:7422"] == remotes_of(rig)


async def test_all_remotes_are_removed() -> None:
    """A server that has had some may have some again."""
    remote = {"urls": "nats://hub"}
    rig = ReloadRig(leafnodes={"remotes": (remote,)})

    await rig.reload()
    between = remotes_of(rig)
    await rig.reload(leafnodes={"remotes": (remote,)})

    assert ([], ["nats-leaf://hub:7422"]) == (between, remotes_of(rig))


@pytest.mark.parametrize(
    "change",
    [
        {"urls": "nats://u:other@hub"},
        {"urls": "tls://u:p@hub"},
        {"deny_imports": "a.>"},
        {"deny_exports": "a.>"},
        {"hub": True},
        {"tls": {}},
        {"first_info_timeout": 3.0},
    ],
    ids=str,
)
async def test_a_remote_that_is_changed_is_another_one(change: dict[str, object]) -> None:
    """Its link is closed, and it is dialled with what it says now."""
    remote: dict[str, object] = {"urls": "nats://u:p@hub"}
    rig = ReloadRig(leafnodes={"remotes": (remote,)})
    (before,) = rig.container.leaf_remotes()

    await rig.reload(leafnodes={"remotes": (remote | change,)})

    (after,) = rig.container.leaf_remotes()
    assert before is not after
    assert 2 == sum("LeafNode Remote" in text for text in rig.log.texts())


@pytest.mark.parametrize(
    "tls",
    [
        {"insecure": False},
        {"insecure": True, "pinned_certs": ("a" * 64,)},
        {"insecure": True, "timeout": 9.0},
    ],
)
async def test_a_remote_that_verifies_its_hub_otherwise_is_another_one(tls: dict[str, object]) -> None:
    """A hub that was verified by other rules is not trusted any more: it has to show itself again."""
    rig = ReloadRig(leafnodes={"remotes": ({"urls": "tls://hub", "tls": {"insecure": True}},)})
    (before,) = rig.container.leaf_remotes()

    await rig.reload(leafnodes={"remotes": ({"urls": "tls://hub", "tls": tls},)})

    assert [before] != rig.container.leaf_remotes()


async def test_a_disabled_remote_is_enabled() -> None:
    """It is dialled from the reload on, though there was nothing to dial before."""
    remote = {"urls": "nats://hub"}
    rig = ReloadRig(leafnodes={"remotes": (remote | {"disabled": True},)})
    before = remotes_of(rig)

    await rig.reload(leafnodes={"remotes": (remote,)})

    assert ([], ["nats-leaf://hub:7422"]) == (before, remotes_of(rig))


async def test_the_first_remote_takes_a_restart() -> None:
    """A server that has started without leaf nodes knows nothing of them; the refusal says so."""
    rig = ReloadRig()

    with pytest.raises(ReloadRefused, match=r"not supported for leafnodes\.remotes; restart the server"):
        await rig.reload(leafnodes={"remotes": ({"urls": "nats://hub"},)})


async def test_a_remote_that_cannot_be_used(tmp_path: Path) -> None:
    """A reload with a remote that cannot be used changes nothing."""
    rig = ReloadRig(leafnodes={"remotes": ({"urls": "nats://hub"},)})

    with pytest.raises(ReloadRefused, match="missing"):
        await rig.reload(
            leafnodes={"remotes": ({"urls": "nats://new", "credentials": str(tmp_path / "missing")},)}
        )

    assert ["nats-leaf://hub:7422"] == remotes_of(rig)
