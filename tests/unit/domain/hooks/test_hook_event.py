"""What hooks get to see."""

from app.domain.dataplane.seam import HookedMessage
from app.domain.hooks.hook_event import HookClient, HookEvent, message_event, subscription_event
from app.domain.protocol.commands import Subscribe

CLIENT = HookClient(7, "n", "u", "127.0.0.1:5")


def test_a_message() -> None:
    """Headers and data apart, and the queue group of the one that receives."""
    message = HookedMessage(b"a.b", b"re", 18, b"NATS/1.0\r\na: 1\r\n\r\nhi")

    assert HookEvent(CLIENT, "a.b", b"hi", "re", {"a": "1"}, "q") == message_event(CLIENT, message, b"q")


def test_a_message_without_headers() -> None:
    """What is no text is replaced in the subject."""
    message = HookedMessage(b"a.\xff", b"", 0, b"hi")

    assert HookEvent(CLIENT, "a.\ufffd", b"hi") == message_event(CLIENT, message)


def test_a_subscription() -> None:
    """Its subject, and its queue group if it has one."""
    assert HookEvent(CLIENT, "a.*") == subscription_event(CLIENT, Subscribe(b"a.*", None, b"1"))
    assert HookEvent(CLIENT, "a.*", queue="q") == subscription_event(CLIENT, Subscribe(b"a.*", b"q", b"1"))
