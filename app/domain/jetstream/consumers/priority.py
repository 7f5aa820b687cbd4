"""Priority groups: which of several requests is served (jetstream-consumers.md, section 8)."""

from .config import ConsumerConfig
from .requests import PullOptions

LOWEST = 10
"""The priority of a request that names none."""


def wrong_group(config: ConsumerConfig, options: PullOptions) -> str:
    """What is wrong with the fields for groups in a request; empty for nothing."""
    policy = config.priority_policy
    if (options.min_pending or options.min_ack_pending) and policy != "overflow":
        return "Not a Overflow Priority consumer"
    if options.id and policy != "pinned_client":
        return "Not a Pinned Client Priority consumer"
    if not 0 <= options.priority < LOWEST:
        return "Priority must be between 0 and 9"
    if not options.names_group or policy == "none":
        return ""
    if not options.group:
        return "Priority Group missing"
    return "" if options.group in config.priority_groups else "Invalid Priority Group"


class Pin:
    """The client that alone is served, by the id that it was given."""

    __slots__ = ("group", "has_other_ids", "id", "since", "until")

    def __init__(self) -> None:
        self.group = ""
        self.id = ""
        """Empty for none."""
        self.since = 0
        """Nanoseconds since the epoch."""
        self.until = 0
        """When it is lost, if no request comes with it before."""
        self.has_other_ids = False
        """Whether requests may wait with an id that is not this one."""

    def came(self, given: str, now: int, ttl: int) -> None:
        """A request came with this id."""
        if given and given == self.id:
            self.until = now + ttl
        elif given:
            self.has_other_ids = True

    def assign(self, pin: str, group: str, wall: int, until: int) -> None:
        """A client gets the pin."""
        self.id, self.group, self.since, self.until = pin, group, wall, until
        self.has_other_ids = True

    def clear(self) -> None:
        """No client has the pin any more."""
        self.id, self.since = "", 0
        self.has_other_ids = True
