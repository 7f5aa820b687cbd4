"""Asking hooks about a line of a peer, which waits until they have answered."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from ..hooks.decisions import Refuse
from ..hooks.gate import HookGate, Verdict
from ..hooks.hook_event import HookEvent, HookPoint
from ..protocol.commands import Subscribe
from ..protocol.errors import PermissionsViolation, ProtocolError
from .permission_guard import named_subscription, publish_violation

if TYPE_CHECKING:
    from .peer import PeerSession

Obey = Callable[[Verdict], None]
"""Does what the verdict means. May raise a `ProtocolError`."""


def ask(session: "PeerSession", hooks: HookGate, point: HookPoint, event: HookEvent, obey: Obey) -> None:
    """Obey what hooks say: within this call, or later; then the peer waits until that."""
    connection = session.connection

    def answered(verdict: Verdict) -> None:
        connection.guard(partial(_go_on, session, obey, verdict))

    verdict = hooks.ask(point, event, answered)
    if verdict is None:
        connection.wait()
    else:
        obey(verdict)


def _go_on(session: "PeerSession", obey: Obey, verdict: Verdict) -> None:
    connection = session.connection
    if connection.closed:
        return
    try:
        obey(verdict)
    except ProtocolError as error:
        session.refuse(error)
    session.host.deferred.flush()
    connection.go_on()


def subscribe_if(command: Subscribe, add: Callable[[], None], verdict: Verdict) -> None:
    """Add a subscription, or raise `PermissionsViolation`."""
    if isinstance(verdict, Refuse):
        raise _violation(named_subscription(command.subject, command.queue), verdict)
    add()


def publish_refused(subject: bytes, verdict: Refuse) -> PermissionsViolation:
    """What the client reads whose message hooks have refused."""
    return _violation(publish_violation(subject, b"").what, verdict)


def _violation(what: bytes, verdict: Refuse) -> PermissionsViolation:
    return PermissionsViolation(what=b": ".join(filter(None, (what, verdict.text))))
