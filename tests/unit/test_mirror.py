"""Every module of the application has a test file of its name."""

from tests.support.server_process import ROOT

BY_BEHAVIOUR = "a part of the data plane; both twins are tested by behaviour in tests/unit/domain/dataplane"
OVER_SOCKETS = "needs sockets, which no unit test opens; see tests/integration"

DECLARATIONS = "declarations only; tested with the modules that use them"

EXCEPTIONS = {
    "adapters/monitoring/accept_loop.py": OVER_SOCKETS,
    "adapters/net_asyncio/dialer.py": OVER_SOCKETS,
    "adapters/net_asyncio/leaf_dialer.py": OVER_SOCKETS,
    "adapters/net_asyncio/listening_socket.py": OVER_SOCKETS,
    "adapters/net_asyncio/local_addresses.py": OVER_SOCKETS,
    "adapters/net_asyncio/send_queue.py": OVER_SOCKETS,
    "adapters/faults/faults.py": "works on a running broker; tests/integration/test_faults.py",
    "adapters/faults/local_tap.py": "the same; tests/integration/test_local_faults.py",
    "embedding/client.py": "works on a running broker; tests/integration/test_embedded_server.py",
    "embedding/cluster.py": OVER_SOCKETS,
    "embedding/cluster_faults.py": OVER_SOCKETS,
    "embedding/server.py": OVER_SOCKETS,
    "embedding/threaded.py": OVER_SOCKETS,
    "embedding/views.py": OVER_SOCKETS,
    "testing/plugin.py": OVER_SOCKETS,
    "adapters/net_asyncio/unix_listener.py": OVER_SOCKETS,
    "adapters/net_asyncio/unix_socket.py": OVER_SOCKETS,
    "domain/broker_needs.py": DECLARATIONS,
    "domain/cluster/settings.py": DECLARATIONS,
    "domain/dataplane/flushing.py": BY_BEHAVIOUR,
    "domain/dataplane/inlet.py": BY_BEHAVIOUR,
    "domain/dataplane/message.py": BY_BEHAVIOUR,
    "domain/dataplane/plan.py": BY_BEHAVIOUR,
    "domain/dataplane/plan_cache.py": BY_BEHAVIOUR,
    "domain/dataplane/plan_lookup.py": BY_BEHAVIOUR,
    "domain/dataplane/reference.py": BY_BEHAVIOUR,
    "domain/dataplane/seam.py": BY_BEHAVIOUR,
    "domain/dataplane/partial_delivery.py": BY_BEHAVIOUR,
    "domain/jetstream/consumers/seam.py": DECLARATIONS,
    "domain/jetstream/outlet.py": DECLARATIONS,
    "domain/jetstream/storage/seam.py": DECLARATIONS,
    "domain/jetstream/streams/host.py": DECLARATIONS,
    "domain/jetstream/streams/context.py": DECLARATIONS,
    "domain/jetstream/streams/readers.py": DECLARATIONS,
    "domain/monitoring/facts.py": DECLARATIONS,
    "domain/security/link_security.py": DECLARATIONS,
    "ports/streams_view.py": DECLARATIONS,
    "__main__.py": "starts the program; tests/integration/test_wheel.py",
}


def without_test() -> set[str]:
    """The modules without a test file of their name in the mirrored place."""
    modules = [path.relative_to(ROOT / "app") for path in (ROOT / "app").rglob("*.py")]
    return {
        module.as_posix()
        for module in modules
        if module.name != "__init__.py"
        and not (ROOT / "tests" / "unit" / module.parent / f"test_{module.name}").exists()
    }


def test_every_module_has_its_test_file() -> None:
    """A module has a test file of its name, but for the exceptions, each of which is needed."""
    assert set(EXCEPTIONS) == without_test()
