"""Calls of nats-server that are not served here, and say so."""

from functools import partial
from typing import NoReturn

from ..errors import JetStreamError
from .requests import ApiRequest
from .router import Call, Table


def _refuse(number: int, words: tuple[str, ...], _request: ApiRequest) -> NoReturn:
    raise JetStreamError(number, *words)


def absent_calls() -> Table:
    """See `Router`: calls for clusters, and backups in nats-server's own form."""
    single = partial(_refuse, 10010, ())
    backup = partial(_refuse, 10064, ("not supported",))
    return {
        ("STREAM.LEADER.STEPDOWN", 1): Call("stream_leader_stepdown", single),
        ("STREAM.PEER.REMOVE", 1): Call("stream_remove_peer", single),
        ("CONSUMER.LEADER.STEPDOWN", 2): Call("consumer_leader_stepdown", single),
        ("STREAM.SNAPSHOT", 1): Call("stream_snapshot", backup),
        ("STREAM.RESTORE", 1): Call("stream_restore", backup),
    }
