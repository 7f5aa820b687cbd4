"""What a hook is asked about."""

from dataclasses import dataclass, field
from enum import Enum

from ..dataplane.seam import HookedMessage
from ..protocol.commands import Subscribe
from ..protocol.header_block import decode


class HookPoint(Enum):
    """When hooks are asked; the values are the names of their methods."""

    CONNECT = "connect"
    DISCONNECT = "disconnect"
    SUBSCRIBE = "subscribe"
    PUBLISH = "publish"
    DELIVER = "deliver"


@dataclass(frozen=True, slots=True)
class HookClient:
    """The client that an event is about; with `deliver`, the one that receives."""

    cid: int
    name: str
    """The name in its CONNECT; empty for no name."""
    user: str
    """The user it logged in as; empty where users have no names."""
    address: str
    """As ``ip:port``; ``local:0`` for a client inside the process."""


@dataclass(frozen=True, slots=True)
class HookEvent:
    """One thing that happens. What does not apply is empty."""

    client: HookClient
    subject: str = ""
    data: bytes = b""
    reply: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    """The first value of each."""
    queue: str = ""
    """The queue group of a subscription, or of the one that receives."""


def message_event(client: HookClient, message: HookedMessage, queue: bytes | None = None) -> HookEvent:
    """The event of a message; with the queue group of its receiver."""
    block = message.payload[: message.header]
    return HookEvent(
        client,
        message.subject.decode(errors="replace"),
        message.payload[message.header :],
        message.reply.decode(errors="replace"),
        decode(block)[0] if block else {},
        (queue or b"").decode(errors="replace"),
    )


def subscription_event(client: HookClient, command: Subscribe) -> HookEvent:
    """The event of a subscription."""
    subject, queue = command.subject.decode(errors="replace"), (command.queue or b"").decode(errors="replace")
    return HookEvent(client, subject, queue=queue)
