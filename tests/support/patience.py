"""How long a test waits for what must come, and clients of nats-py that wait as long."""

from types import FunctionType

from nats.aio.client import Client
from nats.aio.subscription import Subscription
from nats.js import JetStreamContext

PATIENCE = 60.0
"""Seconds. A test that passes never waits so long on an idle machine; on a busy one a process may stand
still for seconds, and no test may fail by that."""

_IMPATIENT: tuple[tuple[object, str], ...] = (
    (Client.connect, "connect_timeout"),
    (Client.flush, "timeout"),
    (Subscription.next_msg, "timeout"),
    (JetStreamContext.__init__, "timeout"),
    (JetStreamContext.PullSubscription.fetch, "timeout"),
)
"""Functions of nats-py that wait 1 to 10 s for what takes some milliseconds on an idle machine."""


def give_patience_to_nats_py() -> None:
    """Let clients of nats-py wait `PATIENCE`, where a test says nothing else."""
    for function, parameter in _IMPATIENT:
        assert isinstance(function, FunctionType)
        code = function.__code__
        names = code.co_varnames[: code.co_argcount]
        values = dict(zip(reversed(names), reversed(function.__defaults__ or ()), strict=False))
        assert parameter in values
        values[parameter] = int(PATIENCE)
        function.__defaults__ = tuple(values[name] for name in names if name in values)
