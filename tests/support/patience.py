"""How long a test waits for what must come, and clients of nats-py that wait as long."""

from nats.aio.client import Client

PATIENCE = 60.0
"""Seconds. A test that passes never waits so long on an idle machine; on a busy one a process may stand
still for seconds, and no test may fail by that."""


def give_patience_to_nats_py() -> None:
    """Let a client of nats-py wait `PATIENCE` for a connection, where a test says nothing else: not 2 s."""
    connect = Client.connect
    names = connect.__code__.co_varnames[: connect.__code__.co_argcount]
    values = dict(zip(reversed(names), reversed(connect.__defaults__ or ()), strict=False))
    values["connect_timeout"] = int(PATIENCE)
    connect.__defaults__ = tuple(values[name] for name in names if name in values)
