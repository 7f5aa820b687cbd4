"""Messages that are traced on their way to a stream of this server, whose step is known later."""

from typing import Protocol

from ..dataplane.seam import HookedMessage, Target
from ..interest.subscription import Subscription
from ..message_trace.event import TraceEvent
from ..message_trace.stream_step import StreamStep


class TracedStreams(Protocol):
    """The streams of this server."""

    def stream_of(self, subscription: Subscription) -> str:
        """The stream that listens with this subscription; empty if it is none of a stream."""
        ...

    def take(self, subscription: Subscription, message: HookedMessage, step: StreamStep) -> bool:
        """Give the message to that stream, after all that it was given before; it completes the step.

        False if too much waits already: then nothing was done.
        """
        ...


def goes_to_stream(
    streams: TracedStreams | None,
    event: TraceEvent,
    target: Target,
    message: HookedMessage,
    *,
    only: bool,
) -> bool:
    """Whether the message was given to a stream, for whose step the event waits now.

    Where too much waits, the event says no more than the name of the stream.
    """
    subscription = target.subscription
    if streams is None or not isinstance(subscription, Subscription):
        return False
    name = streams.stream_of(subscription)
    if not name:
        return False
    step = event.to_stream(name, only=only)
    if streams.take(subscription, message, step):
        return True
    step.end()
    return False
