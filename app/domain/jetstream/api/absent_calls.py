"""Calls of nats-server that are not served here, and say so, once what they ask for is well formed."""

from collections.abc import Callable
from typing import NoReturn

from ..errors import JetStreamError
from ..streams.parsing import parse_stream_config
from ..streams.subject_rules import is_literal
from .requests import ApiRequest
from .router import Call, Table

Find = Callable[[str], object]
"""Finds a stream; raises error 10059."""


def _need_cluster(_request: ApiRequest) -> NoReturn:
    raise JetStreamError(10010)


def _not_supported() -> JetStreamError:
    return JetStreamError(10064, "not supported")


class BackupCalls:
    """Backups in nats-server's own form: their requests are checked, and refused."""

    def __init__(self, find: Find) -> None:
        self._find = find

    def snapshot(self, request: ApiRequest) -> NoReturn:
        """Of one stream."""
        (name,) = request.names
        request.check_said()
        self._find(name)
        fields = request.object_fields()
        subject = fields.text("deliver_subject")
        for flag in ("no_consumers", "jsck"):
            fields.flag(flag)
        for number in ("chunk_size", "window_size"):
            fields.integer(number)
        fields.finish()
        if not is_literal(subject):
            raise JetStreamError(10015)
        raise _not_supported()

    @staticmethod
    def restore(request: ApiRequest) -> NoReturn:
        """Of one stream."""
        (name,) = request.names
        request.check_said()
        fields = request.object_fields()
        config = parse_stream_config(fields.mapping("config") or {})
        fields.mapping("state")
        fields.finish()
        if config.name != name:
            raise JetStreamError(10056)
        raise _not_supported()


def absent_calls(find: Find) -> Table:
    """See `Router`: calls for clusters, and backups."""
    backup = BackupCalls(find)
    return {
        ("STREAM.LEADER.STEPDOWN", 1): Call("stream_leader_stepdown", _need_cluster),
        ("STREAM.PEER.REMOVE", 1): Call("stream_remove_peer", _need_cluster),
        ("CONSUMER.LEADER.STEPDOWN", 2): Call("consumer_leader_stepdown", _need_cluster),
        ("STREAM.SNAPSHOT", 1): Call("stream_snapshot", backup.snapshot),
        ("STREAM.RESTORE", 1): Call("stream_restore", backup.restore, {"deliver_subject": ""}),
    }
