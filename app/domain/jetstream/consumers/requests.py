"""Pull requests: what a client may ask for with `CONSUMER.MSG.NEXT` (jetstream-consumers.md, section 5)."""

import re
from functools import lru_cache
from typing import NamedTuple

from ..errors import JetStreamError
from ..json_faults import ENDS
from ..json_values import Fields, parse_object

_PLACE = re.compile(r" at offset [0-9]+$")
"""Not said in the answers to pulls."""

CACHED = 256
"""Bytes of a body whose meaning is kept: clients send the same few again and again."""


class BadRequest(Exception):
    """The body of a request is not understood; the text goes to the client."""


class PullOptions(NamedTuple):
    """The body of a request. Durations in nanoseconds; 0 for what is not set."""

    batch: int = 1
    expires: int = 0
    no_wait: bool = False
    max_bytes: int = 0
    idle_heartbeat: int = 0
    names_group: bool = False
    """Whether it was an object, in which a group can be named."""
    group: str = ""
    min_pending: int = 0
    min_ack_pending: int = 0
    id: str = ""
    priority: int = 0
    says_batch: bool = True
    """Whether it said how many; one that did not reads of 0 pending messages, as with nats-server."""


def parse_pull(payload: bytes) -> PullOptions:
    """What a body asks for; raises `BadRequest`."""
    return _parse_known(payload) if len(payload) <= CACHED else _parse(payload)


def _parse(payload: bytes) -> PullOptions:
    text = payload.strip()
    if text.startswith(b"{"):
        return _parse_object(text)
    if re.fullmatch(rb"[+-]?[0-9]{1,18}", text):
        return PullOptions(batch=max(1, int(text)))
    return PullOptions()


_parse_known = lru_cache(maxsize=256)(_parse)


def _parse_object(text: bytes) -> PullOptions:
    try:
        given = Fields(parse_object(text))
        batch = given.integer("batch")
        options = PullOptions(
            batch=max(1, batch),
            expires=given.duration("expires"),
            no_wait=given.flag("no_wait"),
            max_bytes=max(0, given.integer("max_bytes")),
            idle_heartbeat=max(0, given.duration("idle_heartbeat")),
            names_group=True,
            group=given.text("group"),
            min_pending=given.integer("min_pending"),
            min_ack_pending=given.integer("min_ack_pending"),
            id=given.text("id"),
            priority=given.integer("priority"),
            says_batch=batch > 0,
        )
    except JetStreamError as error:
        words = _PLACE.sub("", error.description.removeprefix("invalid JSON: "))
        raise BadRequest("unexpected end of JSON input" if words == ENDS else words) from None
    if options.idle_heartbeat * 2 > options.expires and options.idle_heartbeat:
        raise BadRequest("heartbeat value too large")
    return options


class PullRequest:
    """A request that waits."""

    __slots__ = (
        "bytes_left",
        "delivered",
        "done",
        "expires",
        "heartbeat",
        "lane",
        "limits_bytes",
        "next_heartbeat",
        "no_wait",
        "options",
        "reply",
        "turn",
        "wanted",
    )

    def __init__(self, reply: bytes, options: PullOptions, now: int, lane: object) -> None:
        """`lane`: what it shares with requests that are served under the same conditions."""
        self.reply = reply
        self.options = options
        self.wanted = options.batch
        """Messages that are still to come."""
        self.limits_bytes = options.max_bytes > 0
        self.bytes_left = options.max_bytes
        self.expires = now + options.expires if options.expires else 0
        self.heartbeat = options.idle_heartbeat
        self.next_heartbeat = now + self.heartbeat
        self.no_wait = options.no_wait
        self.delivered = 0
        self.lane = lane
        self.turn = 0
        self.done = False

    @property
    def pending(self) -> int:
        """What a status says is still to come."""
        return self.wanted if self.options.says_batch else 0

    @property
    def next_due(self) -> int:
        """When something is to be sent to it, if no message is; 0 for never."""
        if self.heartbeat:
            return min(self.next_heartbeat, self.expires)
        return self.expires

    @property
    def ends_with_stream(self) -> bool:
        """Whether it ends when no more messages are there."""
        return self.no_wait and (not self.expires or self.delivered > 0)
