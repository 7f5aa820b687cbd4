"""Dependencies of a broker, and of its membership in a cluster."""

from collections.abc import Callable, Mapping
from dataclasses import field
from typing import TYPE_CHECKING

from .cluster.settings import ClusterSettings
from .connection_type import ConnectionType
from .dataplane.seam import MakePlane
from .events import EventSink
from .hooks.gate import HookGate
from .leaf.settings import LeafNeeds
from .security.credentials import Gatekeeper, Identity
from .timers import Scheduler
from .value_object import value_object

if TYPE_CHECKING:
    from .cluster.route_dialer import Dialer


@value_object
class Needs:
    """What a broker needs of the world."""

    make_plane: MakePlane
    seed: int
    """From 1 to 2**64 - 1, for the draw of queue group members."""
    scheduler: Scheduler
    gatekeeper: Gatekeeper
    events: EventSink
    make_nonce: Callable[[], str] | None = None
    """Makes what a new client has to sign; None if there is no login by signature."""
    anonymous: Mapping[ConnectionType, Identity] = field(default_factory=dict)
    """See `Host.anonymous`."""
    hooks: HookGate | None = None
    """See `Host.hooks`."""
    wall: Callable[[], int] | None = None
    """Nanoseconds since the epoch, for messages of the server itself; None if it sends none."""
    leaves: LeafNeeds | None = None
    """What it takes to have leaf nodes, or to be one; None for neither."""


@value_object
class Membership:
    """What a broker needs to belong to a cluster."""

    settings: ClusterSettings
    gatekeeper: Gatekeeper
    """Judges servers that dial us."""
    dialer: "Dialer"
