"""Session: the interface of a session for its connection."""

from collections.abc import Mapping
from typing import Protocol

from ..dataplane.seam import Control, HookedMessage, Inlet, Kind, Plan
from ..interest.subscription import Subscription
from ..limits import Limits


class Session(Control, Protocol):
    """What a connection asks of the session that obeys its peer."""

    last_command: float
    """When a line that counts as activity was last obeyed, on the monotonic scale."""

    @property
    def dialect(self) -> Kind:
        """How the peer writes messages."""
        ...

    @property
    def subscriptions(self) -> Mapping[bytes, Subscription]:
        """Live subscriptions by sid."""
        ...

    @property
    def name(self) -> str:
        """The name that the peer gave itself; empty if it gave none."""
        ...

    def configure(self, limits: Limits) -> None:
        """Obey these limits from now on."""
        ...

    def login_expired(self) -> None:
        """The peer showed no credentials in time."""
        ...

    def closed(self) -> None:
        """The connection is closed: give up subscriptions and claims."""
        ...


class MessagePipeline(Protocol):
    """What a message does before it is published, where hooks see it; see `hook_pipeline`."""

    inlet: Inlet
    """That of messages which have been seen."""

    def take(self, plan: Plan, message: HookedMessage) -> bool:
        """Begin with a message; whether the peer may be served further."""
        ...

    @property
    def is_busy(self) -> bool:
        """Whether a message is under way that can go on."""
        ...

    def go_on(self) -> bool:
        """Go on with it; whether the peer may be served further."""
        ...

    def close(self) -> None:
        """The connection is closed."""
        ...
