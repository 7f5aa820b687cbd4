"""What the log says of hooks."""

import pytest

from app.domain.events import Event
from app.domain.hooks.events import (
    HookBreakerClosed,
    HookBreakerOpened,
    HookFailed,
    HookRefused,
    HookSkipped,
    HookWouldRefuse,
    HookWouldRewrite,
)


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (HookFailed(None, "publish", "it raised X"), "Hook publish failed: it raised X"),
        (
            HookBreakerOpened(None, "publish", 10.0),
            "Hook publish is not called for 10 s, because it failed repeatedly; on_error decides until then",
        ),
        (HookBreakerClosed(None, "publish"), "Hook publish works again"),
        (HookRefused(None, "publish", "a.b", "no"), 'Hook publish refused "a.b": no'),
        (HookRefused(None, "connect", "", "no"), "Hook connect refused: no"),
        (
            HookWouldRefuse(None, "publish", "a.b", "no"),
            'Hook publish in shadow would have refused "a.b": no',
        ),
        (
            HookWouldRewrite(None, "publish", "a.b"),
            'Hook publish in shadow would have rewritten a message on "a.b"',
        ),
        (
            HookSkipped(None, "disconnect"),
            "Hook disconnect was not called: too many of its calls are queued",
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_each_says_what_happened(event: Event, text: str) -> None:
    """The sentence names the hook, and the reason where there is one."""
    assert text == event.text()
