"""What leaf links are refused for (leaf-nodes.md, section 6)."""

import pytest

from app.domain.leaf.errors import (
    ClientOnLeafPort,
    DuplicateLeaf,
    InvalidLeafInterest,
    LeafInterestExceeded,
    LeafLoop,
    LeafVersionTooLow,
    SameLeafCluster,
    WrongPort,
)
from app.domain.protocol.compatibility import Compatibility
from app.domain.protocol.errors import ProtocolError

TEXTS = [
    (ClientOnLeafPort(), b"-ERR 'attempted to connect to leaf node port'\r\n"),
    (
        LeafVersionTooLow("2.16.0"),
        b"-ERR 'connection rejected since minimum version required is \"2.16.0\"'\r\n",
    ),
    (SameLeafCluster(), b"-ERR 'remote leafnode has same cluster name'\r\n"),
    (DuplicateLeaf(), b"-ERR 'Duplicate Remote LeafNode Connection'\r\n"),
    (
        LeafLoop(),
        b"-ERR 'Loop detected for leafnode account=\"$G\". Delaying attempt to reconnect for 30s'\r\n",
    ),
    (LeafInterestExceeded(), b"-ERR 'maximum subscriptions exceeded'\r\n"),
    (InvalidLeafInterest(), b"-ERR 'Invalid Subscription'\r\n"),
    (WrongPort(), b""),
]


@pytest.mark.parametrize(("error", "wire"), TEXTS, ids=[type(error).__name__ for error, _ in TEXTS])
def test_the_other_end_reads_the_text_of_nats_server(error: ProtocolError, wire: bytes) -> None:
    """To the byte, and the link ends for all but interest in a subject that none can have."""
    assert wire == error.wire(Compatibility.CURRENT)
    assert error.closes is not isinstance(error, InvalidLeafInterest)


def test_the_log_reads_what_is_wrong() -> None:
    """Also where nothing is sent."""
    assert "attempted to connect to wrong port" == WrongPort().log_text("Leafnode")
    assert "the leaf node is older than min_version 2.16.0" == LeafVersionTooLow("2.16.0").log_text(
        "Leafnode"
    )
