"""Unit tests of the window of flow control."""

from app.domain.jetstream.consumers.flow import FIRST_WINDOW, LARGEST_WINDOW, FlowWindow

MESSAGE = 16100


def test_a_request_after_half_the_window_and_a_stop_at_its_end() -> None:
    """As nats-server: after 66 and after 131 messages of 16 KB, then 66 more after the answer."""
    window, asked, sent = FlowWindow(), 0, 0
    while not window.is_full:
        sent += 1
        if window.sent(MESSAGE):
            asked = sent
            window.ask(b"r1")
    assert (66, 131) == (asked, sent)
    assert window.confirm(b"r1")
    more = next(i for i in range(1, 200) if window.sent(MESSAGE))
    assert 66 == more


def test_only_the_last_request_counts() -> None:
    """Other answers change nothing."""
    window = FlowWindow()
    assert not window.confirm(b"")
    window.sent(FIRST_WINDOW)
    window.ask(b"r")
    assert not window.confirm(b"other")
    assert window.confirm(b"r")
    assert not window.confirm(b"r")


def test_the_window_grows_up_to_its_limit() -> None:
    """It doubles with each answer."""
    window = FlowWindow()
    for _ in range(10):
        window.sent(1)
        window.ask(b"r")
        window.confirm(b"r")
    window.sent(LARGEST_WINDOW)
    assert not window.is_full
    window.sent(1)
    assert window.is_full


def test_what_is_sent_beyond_a_window_is_confirmed_too() -> None:
    """A single large message does not keep the window full for ever."""
    window = FlowWindow()
    window.sent(FIRST_WINDOW)
    window.ask(b"r")
    window.sent(FIRST_WINDOW)
    assert window.is_full
    window.confirm(b"r")
    assert not window.is_full
