"""The request of a client for its own user and permissions (later-client-features.md, section 8).

The subscriptions of a broker do not know who has published a message, so no part of the server can
subscribe to it: a mark on the plan brings it here, as messages that hooks see are brought to them.
"""

from collections.abc import Callable, Iterator

from ..dataplane.seam import HookedMessage, Plan
from ..permissions.rules import Entry, Permissions, Rule
from ..protocol.encode import ACCOUNT, OK
from ..protocol.json_text import dump
from ..protocol.server_fields import server_fields
from .host import Host
from .in_turns import RECEIVERS_AT_ONCE, in_turns
from .local_client import LocalSession
from .peer import PeerSession

HIDDEN_USER = "[REDACTED]"
"""The name of one who had to log in and has none, as with a token; that of nats-server."""


class UserInfo:
    """Answers of one server."""

    def __init__(self, host: Host, wall: Callable[[], int]) -> None:
        """`wall` is nanoseconds since the epoch."""
        self._host = host
        self._wall = wall
        self._sent = 0

    def take(self, peer: PeerSession, plan: Plan, message: HookedMessage) -> None:
        """Answer a request, and give it to those who subscribe to its subject."""
        in_turns(peer, self._take(peer, plan, message))

    def _take(self, peer: PeerSession, plan: Plan, message: HookedMessage) -> Iterator[None]:
        plane, inlet, outbox = self._host.plane, peer.connection.inlet, peer.connection.outbox
        if inlet.verbose:
            outbox.send(OK)
        if message.reply:
            plane.deliver(message.reply, message.reply, b"", b"", self._answer(peer))
        for number, target in enumerate(plane.receivers(plan, None if inlet.echo else outbox), 1):
            plane.deliver_to(target, message)
            if number % RECEIVERS_AT_ONCE == 0:
                yield

    def _answer(self, peer: PeerSession) -> bytes:
        self._sent += 1
        had_to_log_in = self._host.gatekeeper.required and not isinstance(peer, LocalSession)
        user = peer.user or (HIDDEN_USER if had_to_log_in else "")
        data: dict[str, object] = {"user": user, "account": ACCOUNT, "account_name": ACCOUNT}
        if peer.permissions is not None:
            data["permissions"] = _fields(peer.permissions)
        server = server_fields(self._host.greeting.info, self._sent, self._wall())
        return dump({"server": server, "data": data})


def _fields(permissions: Permissions) -> dict[str, object]:
    fields: dict[str, object] = {
        "publish": _lists(permissions.publish),
        "subscribe": _lists(permissions.subscribe),
    }
    replies = permissions.responses
    if replies is not None:
        fields["responses"] = {"max": replies.most, "ttl": round(replies.seconds * 1e9)}
    return fields


def _lists(rule: Rule) -> dict[str, list[str]]:
    lists = {"allow": rule.allow, "deny": rule.deny}
    return {name: [_text(each) for each in entries] for name, entries in lists.items() if entries}


def _text(entry: Entry) -> str:
    words = entry.subject if entry.queue is None else entry.subject + b" " + entry.queue
    return words.decode("utf-8", "replace")
