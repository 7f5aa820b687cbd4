"""Errors of leaf links, with the texts of nats-server."""

from typing import ClassVar

from ..protocol.compatibility import Compatibility
from ..protocol.errors import ProtocolError


class InvalidLeafInterest(ProtocolError):
    """LS+ on a subject that no subscription can have."""

    lines: ClassVar[tuple[str, ...]] = ("Invalid Subscription",)
    closes = False


class ClientOnLeafPort(ProtocolError):
    """A client has connected where only leaf nodes may."""

    lines: ClassVar[tuple[str, ...]] = ("attempted to connect to leaf node port",)


class LeafVersionTooLow(ProtocolError):
    """The leaf node is older than the configuration allows."""

    lines: ClassVar[tuple[str, ...]] = ("connection rejected since minimum version required",)

    def __init__(self, least: str = "") -> None:
        super().__init__(f"the leaf node is older than min_version {least}")
        self.least = least

    def wire(self, compatibility: Compatibility = Compatibility.GNATSD) -> bytes:
        """See `ProtocolError`."""
        del compatibility
        return b"-ERR '%b is \"%b\"'\r\n" % (self.lines[0].encode(), self.least.encode())


class SameLeafCluster(ProtocolError):
    """The leaf node says that it belongs to our cluster."""

    lines: ClassVar[tuple[str, ...]] = ("remote leafnode has same cluster name",)


class DuplicateLeaf(ProtocolError):
    """Another link of the same server has taken the place of this one."""

    lines: ClassVar[tuple[str, ...]] = ("Duplicate Remote LeafNode Connection",)


class LeafLoop(ProtocolError):
    """Messages would come back to us over this link."""

    lines: ClassVar[tuple[str, ...]] = (
        'Loop detected for leafnode account="$G". Delaying attempt to reconnect for 30s',
    )


class LeafInterestExceeded(ProtocolError):
    """The server at the other end announces more than is kept of it."""

    lines: ClassVar[tuple[str, ...]] = ("maximum subscriptions exceeded",)


class WrongPort(ProtocolError):
    """What we dialled is no port for leaf nodes; nothing is said to it."""

    lines: ClassVar[tuple[str, ...]] = ()

    def log_text(self, role: str) -> str:
        """See `ProtocolError`."""
        del role
        return "attempted to connect to wrong port"
