"""The container: what a server consists of, and how a part is replaced."""

import subprocess
import sys

import pytest
from dependency_injector import providers

from app.adapters.auth.authenticators import AllowAll, PasswordAuthenticator, TokenAuthenticator
from app.adapters.auth.guard import GuardedFunction
from app.adapters.auth.switch import SwitchableAuthenticator
from app.adapters.clock_manual import ManualClock
from app.adapters.net_memory import MemoryNetwork
from app.config.options import make_options
from app.domain.dataplane import PYTHON, DataPlaneUnavailable
from app.domain.events import ListenFailed
from app.domain.security.credentials import Credentials
from app.entrypoints.container import Container
from app.entrypoints.service import CannotStart
from tests.fakes.entropy import SeededEntropy
from tests.fakes.event_log import RecordingEventLog
from tests.fakes.single_user import SingleUser

UNUSED = {
    *(
        "bcrypt",
        "cryptography",
        "fastapi",
        "lark",
        "psutil",
        "starlette",
        "structlog",
        "uvicorn",
        "websockets",
    ),
    "app.adapters.auth.leaf_gatekeeper",
    "app.adapters.monitoring.monitor",
    "app.adapters.net_asyncio.leaf_dialer",
    "app.adapters.net_asyncio.unix_listener",
    "app.adapters.net_asyncio.unix_socket",
    "app.adapters.net_asyncio.websocket_layer",
    "app.domain.cluster.cluster",
    "app.domain.jetstream.service",
    "app.domain.leaf.leaves",
    "app.domain.monitoring.view",
    "app.entrypoints.leaf_settings",
    "app.entrypoints.monitor_settings",
    "app.entrypoints.reload_parts",
    "app.entrypoints.stream_settings",
}
"""What a plain server does without."""


@pytest.fixture(name="container")
def _container() -> Container:
    """A container in virtual time, without sockets and logs."""
    container = Container(make_options({"max_payload": 77, "host": "somewhere"}), PYTHON)
    container.clock.override(providers.Object(ManualClock()))
    container.event_log.override(providers.Object(RecordingEventLog()))
    return container


def test_options_reach_the_broker(container: Container) -> None:
    """Limits and INFO are what the options say."""
    broker = container.broker()

    assert 77 == broker.limits.max_payload
    assert (77, "somewhere") == (broker.greeting.info.max_payload, broker.greeting.info.host)


def test_each_part_is_made_once(container: Container) -> None:
    """All parts get the same broker."""
    assert container.broker() is container.broker()
    assert container.service().broker is container.broker()


def test_containers_are_independent() -> None:
    """Two servers in one process share nothing."""
    one, other = (Container(make_options({}), PYTHON) for _ in range(2))
    for container in (one, other):
        container.clock.override(providers.Object(ManualClock()))
        container.event_log.override(providers.Object(RecordingEventLog()))

    assert one.broker() is not other.broker()
    assert one.broker().greeting.info.server_id != other.broker().greeting.info.server_id


def test_a_part_is_replaced_with_one_line(container: Container) -> None:
    """Seeded entropy decides the server id; a listener in memory takes the place of sockets."""
    container.entropy.override(providers.Object(SeededEntropy(7)))
    listener = MemoryNetwork(container.clock()).listener("somewhere", 1)
    container.listener.override(providers.Object(listener))

    assert SeededEntropy(7).identifier() == container.broker().greeting.info.server_id
    assert listener is container.listener()


@pytest.mark.parametrize("authenticator", [AllowAll(), SingleUser("u", "p")])
def test_info_says_whether_a_login_is_needed(
    container: Container, authenticator: AllowAll | SingleUser
) -> None:
    """INFO has `auth_required` if the authenticator asks for a login."""
    container.authenticator.override(providers.Object(authenticator))

    assert authenticator.required == container.broker().greeting.info.auth_required


@pytest.mark.parametrize(
    ("asked", "kind"),
    [
        ({}, AllowAll),
        ({"user": "u", "password": "p"}, PasswordAuthenticator),
        ({"users": ({"user": "u", "password": "p"},)}, PasswordAuthenticator),
        ({"token": "t"}, TokenAuthenticator),
        ({"authenticator": f"{__name__}:check"}, GuardedFunction),
    ],
)
def test_the_authenticator_is_the_one_that_is_configured(asked: dict[str, object], kind: type) -> None:
    """The options decide which authenticator checks logins."""
    container = Container(make_options({"authorization": asked}), PYTHON)
    container.clock.override(providers.Object(ManualClock()))
    container.event_log.override(providers.Object(RecordingEventLog()))

    authenticator = container.authenticator()
    assert isinstance(authenticator, SwitchableAuthenticator)
    assert kind is type(authenticator.inner)
    assert bool(asked) == container.broker().greeting.info.auth_required


async def check(credentials: Credentials) -> bool:
    """An authenticator of the operator's own."""
    return credentials.user == "derek"


@pytest.mark.asyncio
async def test_a_port_that_is_taken(container: Container) -> None:
    """A service that cannot listen says so in a fact, which names the address."""
    network = MemoryNetwork(container.clock())
    await network.listener("somewhere", 4222).start(container.broker().accept)
    container.listener.override(providers.Object(network.listener("somewhere", 4222)))

    with pytest.raises(CannotStart) as raised:
        await container.service().start()

    assert ListenFailed(None, "somewhere", 4222, "address already in use") == raised.value.fact
    assert 'Error listening on port: somewhere:4222, "address already in use"' == str(raised.value)


def test_unknown_data_plane() -> None:
    """A data plane that does not exist is refused when the container is made."""
    with pytest.raises(DataPlaneUnavailable, match="choose auto, native or python"):
        Container(make_options({}), "fast")


def test_nothing_is_imported_that_a_plain_broker_does_not_need() -> None:
    """What others need costs start-up time and memory, so it is not loaded."""
    code = (
        "import asyncio, sys, app.entrypoints.command, app.entrypoints.process\n"
        "from app.config.options import make_options\n"
        "from app.entrypoints.container import Container\n"
        "async def make(): Container(make_options({})).service()\n"
        "asyncio.run(make())\n"
        "print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert set() == set(done.stdout.split()) & UNUSED


def test_a_question_to_the_program_imports_no_server() -> None:
    """Help, the version, a check and a signal to a server need none."""
    code = "import sys, app.entrypoints.command; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    server = {"app.entrypoints.container", "app.domain.broker", "dependency_injector", "asyncio"}
    assert set() == set(done.stdout.split()) & (server | UNUSED)


@pytest.mark.parametrize("name", ["current", "0.8.0"])
def test_the_compatibility_reaches_the_broker(name: str) -> None:
    """It is the option's, and that of current servers if nothing is said."""
    asked, silent = (Container(make_options(given), PYTHON) for given in ({"compatibility": name}, {}))
    for container in (asked, silent):
        container.clock.override(providers.Object(ManualClock()))
        container.event_log.override(providers.Object(RecordingEventLog()))

    assert name == asked.broker().compatibility.value
    assert "current" == silent.broker().compatibility.value


def test_a_listener_for_each_section() -> None:
    """Clients come in at the port first, then over websockets, and at the unix socket."""
    sections = {"websocket": {"port": 8080, "no_tls": True}, "unix_socket": {"path": "/run/nats.sock"}}
    container = Container(make_options(sections), PYTHON)
    container.clock.override(providers.Object(ManualClock()))
    container.event_log.override(providers.Object(RecordingEventLog()))

    listeners = container.client_listeners()

    assert [("0.0.0.0", 4222), ("0.0.0.0", 8080), ("/run/nats.sock", 0)] == [  # noqa: S104 - nothing listens
        (each.host, each.port) for each in listeners
    ]
    assert [("", False), ("ws", False), ("", True)] == [(each.websocket, each.unix) for each in listeners]
