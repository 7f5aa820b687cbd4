"""What the log has of leaf links (leaf-nodes.md, section 10)."""

import pytest

from app.domain.events import Event
from app.domain.leaf.events import (
    LeafClosed,
    LeafCreated,
    LeafDialling,
    LeafErrorReceived,
    LeafInterestSent,
    LeafLoginFailed,
    LeafRefused,
    LeafRemoteChanged,
    LeafReplaced,
    LeafUnreachable,
)

SENTENCES = [
    (LeafDialling(None, "h:1"), "Trying to connect as leafnode to remote server on 'h:1'"),
    (
        LeafUnreachable(None, "h:1", 2, "connection refused"),
        'Error trying to connect as leafnode to remote server "h:1" (attempt 2): connection refused',
    ),
    (
        LeafLoginFailed(None, "h:1", "no file"),
        'Error logging in as leafnode to remote server "h:1": no file',
    ),
    (LeafCreated(None, solicited=True), "Leafnode connection created for account: $G"),
    (LeafCreated(None, solicited=False), "Leafnode connection created"),
    (LeafClosed(None, "a reason", "hub"), "Leafnode connection closed: a reason - Remote: hub"),
    (LeafErrorReceived(None, "'text'"), "Leafnode Error 'text'"),
    (LeafRefused(None, "a reason"), "a reason"),
    (LeafReplaced(None, "leaf"), 'Replacing connection from same server "leaf"'),
    (LeafInterestSent(None), "Sent interest to leafnode"),
]


@pytest.mark.parametrize(
    ("event", "sentence"), SENTENCES, ids=[type(event).__name__ for event, _ in SENTENCES]
)
def test_each_fact_has_its_sentence(event: Event, sentence: str) -> None:
    """In the words of nats-server where it has any."""
    assert sentence == event.text()


def test_a_remote_that_a_reload_changes() -> None:
    """Its addresses are named as nats-server does it, without credentials."""
    fact = LeafRemoteChanged(None, ("nats-leaf://a:1", "nats-leaf://b:2"), "$G", "removed")

    assert (
        'Reloaded: LeafNode Remote urls=["nats-leaf://a:1" "nats-leaf://b:2"], account="$G" removed'
        == fact.text()
    )
