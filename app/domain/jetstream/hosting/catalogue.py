"""The catalogue: all streams of a server. Implements `StreamHost`, what streams know of the server."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import ClassVar

from ...for_each import for_each
from ...protocol.json_text import rfc3339
from ...steps import Steps
from ...value_object import value_object
from ..advisories import (
    BATCH_ABANDONED,
    STREAM_CREATED,
    STREAM_DELETED,
    STREAM_UPDATED,
    Advisories,
    AdvisoryKind,
)
from ..consumers.consumer import Consumer
from ..copying_client import CopyingClient
from ..errors import JetStreamError
from ..intake import Handler, Intake
from ..json_values import Fields, parse_time
from ..outlet import Outlet
from ..pattern_table import Budget, PatternTable, TooManyPatterns
from ..settings import JetStreamSettings
from ..storage.seam import Storage, StorageFailure, StreamStorage
from ..streams.answers import Answers
from ..streams.config import ASYNC, StreamConfig, as_json
from ..streams.fast_places import FastBatchCount
from ..streams.parsing import parse_stream_config
from ..streams.rules import StreamLimits, checked, checked_update
from ..streams.stream import Stream
from ..streams.subject_rules import TOO_MANY_TO_COMPARE
from .hosted import HostedStream
from .usage import Usage

Done = Callable[[StorageFailure | None], None]

FAILURE_TEXTS = {
    StorageFailure.FULL: "no space left on the device",
    StorageFailure.BROKEN: "the disk has failed; see the log",
    StorageFailure.GONE: "the stream was deleted meanwhile",
}


@value_object
class Storages:
    """Where streams are kept."""

    files: Storage
    memory: Storage


class Catalogue:
    """Makes, changes and deletes streams."""

    def __init__(
        self,
        settings: JetStreamSettings,
        storages: Storages,
        intake: Intake,
        outlet: Outlet,
        advisories: Advisories,
    ) -> None:
        self.settings = settings
        self.outlet = outlet
        self.answers = Answers(outlet)
        self.fast_batches = FastBatchCount()
        self.domain = settings.domain
        self.streams: dict[str, HostedStream] = {}
        self.usage = Usage(self.streams, outlet.scheduler)
        self._storages = storages
        self._intake = intake
        self._advisories = advisories
        self._patterns = PatternTable()
        self._copying: dict[str, HostedStream] = {}
        """Streams with a mirror or sources."""
        self._answering: dict[str, dict[str, HostedStream]] = {}
        """Mirrors that answer direct gets for a stream of another domain, by its name and theirs."""
        self._answers_for: dict[str, str] = {}
        """That name by the mirror's."""
        self._limits = StreamLimits(duplicate_window=settings.duplicate_window)
        self.on_deleted: Callable[[HostedStream], None] = _nothing
        """Called with each stream that goes."""
        self._copying_client: CopyingClient | None = None
        self.make_copying_client: Callable[[], CopyingClient]
        """Makes what gets the messages of consumers for streams that copy by them."""
        self.on_reset: Callable[[HostedStream, str], int]
        """Called with a stream and its consumer that is to deliver again what is not acknowledged."""

    def apply(self, settings: JetStreamSettings) -> None:
        """Let other limits hold for what is stored, and for streams that are made or changed."""
        self.settings = settings
        self._limits = StreamLimits(duplicate_window=settings.duplicate_window)

    # --- asked by streams -----------------------------------------------------------

    def is_over_limit(self, *, in_memory: bool) -> bool:
        """See `StreamHost`."""
        limit = self.settings.max_memory if in_memory else self.settings.max_storage
        return limit >= 0 and self.usage.is_over(limit, in_memory=in_memory)

    def has_much_room(self, *, in_memory: bool) -> bool:
        """See `StreamHost`."""
        limit = self._limit(in_memory=in_memory)
        return limit < 0 or self.usage.is_far_below(limit, in_memory=in_memory)

    has_account_limits: ClassVar[bool] = False
    """See `StreamHost`: there is one account, and its limits are those of the server."""

    def would_exceed(self, size: int, *, in_memory: bool) -> bool:
        """See `StreamHost`."""
        del size, in_memory
        return False

    def find_origin(self, name: str) -> Stream | None:
        """See `StreamHost`."""
        hosted = self.streams.get(name)
        return None if hosted is None else hosted.stream

    def for_direct_gets(self, name: str) -> Stream | None:
        """The stream that answers direct gets for this name: its own, or a mirror of it that is complete."""
        hosted = self.streams.get(name)
        if hosted is not None:
            config = hosted.stream.config
            return hosted.stream if config.allow_direct or config.mirror_direct else None
        mirrors = self._answering.get(name, {}).values()
        return next((each.stream for each in mirrors if each.stream.feeds.has_caught_up), None)

    def find_consumer(self, stream: str, name: str) -> Consumer | None:
        """See `StreamHost`."""
        hosted = self.streams.get(stream)
        return None if hosted is None else hosted.consumers.get(name)

    def reset_consumer(self, stream: str, name: str) -> int:
        """See `StreamHost`."""
        return self.on_reset(self.find(stream), name)

    def listen(self, subject: bytes, handler: Handler) -> bytes:
        """See `StreamHost`."""
        try:
            return self._receiver().attend(subject, handler)
        except RuntimeError:  # all clients are closed, and there will be no other one
            return b""

    def leave(self, sid: bytes) -> None:
        """See `StreamHost`."""
        self._receiver().unsubscribe(sid)

    def _receiver(self) -> CopyingClient:
        if self._copying_client is None:
            self._copying_client = self.make_copying_client()
        return self._copying_client

    def _limit(self, *, in_memory: bool) -> int:
        return self.settings.max_memory if in_memory else self.settings.max_storage

    # --- finding ----------------------------------------------------------------------

    def find(self, name: str) -> HostedStream:
        """The stream; raises error 10059."""
        hosted = self.streams.get(name)
        if hosted is None:
            raise JetStreamError(10059)
        return hosted

    def names(self, subject: str = "") -> list[str]:
        """Those of all streams, or of those that listen to what overlaps with the subject, sorted."""
        return sorted(self._patterns.overlapping(subject) if subject else self.streams)

    def _config_of(self, name: str) -> StreamConfig | None:
        hosted = self.streams.get(name)
        return None if hosted is None else hosted.stream.config

    # --- making -------------------------------------------------------------------------

    def create(self, config: StreamConfig, done: Done, *, pedantic: bool = False) -> HostedStream:
        """Make a stream, or find it; `done` is called when it is safe. Raises `JetStreamError`."""
        config = checked(config, origins=self._config_of, limits=self._limits, pedantic=pedantic)
        known = self.streams.get(config.name)
        if known is not None:
            if known.stream.config != config:
                raise JetStreamError(10058)
            if known.is_safe:
                done(None)
            else:
                known.stream.after_commit(done)
            return known
        self._check_subjects(config)
        self._check_room(config)
        hosted = self._make(config)
        self._begin(hosted)
        self.streams_changed(config.name)
        hosted.is_safe = False
        hosted.stream.after_commit(partial(self._created, hosted, done))
        return hosted

    def _created(self, hosted: HostedStream, done: Done, failure: StorageFailure | None) -> None:
        """It is safe, or there is none: a stream that is not stored would be gone with the next start."""
        is_there = self.streams.get(hosted.name) is hosted
        if failure is None:
            hosted.is_safe = True
        if failure is None and is_there:
            self._advise(STREAM_CREATED, hosted.name, "create")
        elif is_there:
            self._drop(hosted)
            hosted.storage.delete(_nothing)
        done(failure)

    def _make(self, config: StreamConfig) -> HostedStream:
        created = self.outlet.wall()
        storage = self._storage(config)
        document = {"config": as_json(config), "created": rfc3339(created)}
        try:
            stored = storage.create(
                config.name, document, first=config.first_seq or 1, relaxed=config.persist_mode == ASYNC
            )
        except OSError as error:
            raise JetStreamError(10049, f"stream can not be stored: {error.strerror or error}") from error
        hosted = HostedStream(Stream(config, stored, self, created=created), stored)
        deque(hosted.stream.recover(), maxlen=0)
        self.streams[config.name] = hosted
        return hosted

    def _storage(self, config: StreamConfig) -> Storage:
        return self._storages.memory if config.in_memory else self._storages.files

    def _begin(self, hosted: HostedStream) -> None:
        """Let it have messages."""
        config = hosted.stream.config
        hosted.stream.batches.abandoned = partial(self._report_batch, config.name)
        hosted.stream.start()
        self._attend(hosted, config.subjects)
        self._note_origins(hosted)

    def _note_origins(self, hosted: HostedStream) -> None:
        """Whose messages it has, with the configuration that holds from now on."""
        config, mirror = hosted.stream.config, hosted.stream.config.mirror
        self._forget_origins(config.name)
        if mirror is not None or config.sources:
            self._copying[config.name] = hosted
        if mirror is not None and mirror.external is not None and config.mirror_direct:
            self._answers_for[config.name] = mirror.name
            self._answering.setdefault(mirror.name, {})[config.name] = hosted

    def _forget_origins(self, name: str) -> None:
        self._copying.pop(name, None)
        origin = self._answers_for.pop(name, "")
        mirrors = self._answering.get(origin, {})
        mirrors.pop(name, None)
        if not mirrors:
            self._answering.pop(origin, None)

    def _check_subjects(self, config: StreamConfig) -> None:
        budget = Budget()
        for subject in config.subjects:
            try:
                others = self._patterns.overlapping(subject, budget) - {config.name}
            except TooManyPatterns:
                raise JetStreamError(10052, TOO_MANY_TO_COMPARE) from None
            if others:
                raise JetStreamError(10065)

    def _check_room(self, config: StreamConfig, old: int = 0) -> None:
        """Whether its `max_bytes` can be set aside; `old` are set aside for it already."""
        limit = self._limit(in_memory=config.in_memory)
        wanted = max(0, config.max_bytes) - old
        if limit >= 0 and wanted > 0 and self.usage.reserved(in_memory=config.in_memory) + wanted > limit:
            raise JetStreamError(10028 if config.in_memory else 10047)

    # --- changing -----------------------------------------------------------------------

    def update(self, config: StreamConfig, done: Done, *, pedantic: bool = False) -> HostedStream:
        """Change a stream when that is safe, and call `done`; a failure changes nothing.

        Raises `JetStreamError`.
        """
        hosted = self.find(config.name)
        old = hosted.stream.config
        config = checked_update(old, config, origins=self._config_of, limits=self._limits, pedantic=pedantic)
        self._check_subjects(config)
        self._check_room(config, max(0, old.max_bytes))
        _check_consumers(hosted, config)
        before = set(old.subjects)
        added = [each for each in config.subjects if each not in before]
        for subject in added:
            self._patterns.add(subject, config.name)  # no other stream gets it meanwhile
        document = {"config": as_json(config), "created": rfc3339(hosted.stream.created)}
        written = partial(self._updated, hosted, config, added, done)
        hosted.storage.propose(document, hosted.stream.when_written(written))
        return hosted

    def _updated(
        self,
        hosted: HostedStream,
        config: StreamConfig,
        added: Iterable[str],
        done: Done,
        failure: StorageFailure | None,
    ) -> None:
        for subject in added:
            self._patterns.remove(subject, config.name)
        if failure is None and self.streams.get(config.name) is hosted:
            self._leave(hosted, set(hosted.sids) - set(config.subjects))
            hosted.stream.update(config)
            if not self._intake.closed:
                self._attend(hosted, [each for each in config.subjects if each not in hosted.sids])
            self._note_origins(hosted)
            self._advise(STREAM_UPDATED, config.name, "modify")
        done(failure)

    def delete(self, name: str, done: Done) -> HostedStream:
        """End a stream with its consumers when that is safe; `done` is called when nothing is left.

        After a failure it goes on as it was. Raises error 10059.
        """
        hosted = self.find(name)
        hosted.storage.delete(hosted.stream.when_written(partial(self._deleted, hosted, done)))
        return hosted

    def _deleted(self, hosted: HostedStream, done: Done, failure: StorageFailure | None) -> None:
        if failure is None and self.streams.get(hosted.name) is hosted:
            self._drop(hosted)
            self._advise(STREAM_DELETED, hosted.name, "delete")
        done(failure)

    def _drop(self, hosted: HostedStream) -> None:
        name = hosted.name
        self._leave(hosted, list(hosted.sids))
        del self.streams[name]
        self._forget_origins(name)
        hosted.stream.end()
        self.on_deleted(hosted)
        self.streams_changed(name)

    def streams_changed(self, name: str) -> None:
        """A stream came or went: those that copy may find their origin."""
        for each, hosted in list(self._copying.items()):
            if each != name:
                hosted.stream.streams_changed()

    def _report_batch(self, name: str, batch: str, reason: str) -> None:
        fields = {"stream": name, "batch": batch, "reason": reason}
        self._advisories.publish(BATCH_ABANDONED, (name,), fields)

    def _advise(self, kind: AdvisoryKind, name: str, action: str) -> None:
        self._advisories.publish(kind, (name,), {"stream": name, "action": action})

    # --- subscriptions ------------------------------------------------------------------

    def _attend(self, hosted: HostedStream, subjects: Iterable[str]) -> None:
        stream = hosted.stream
        for subject in subjects:
            hosted.sids[subject] = self._intake.attend(
                subject.encode(),
                stream.store,
                runs=stream.store_run,
                must_wait=stream.must_wait,
                alone=stream.store_alone,
                lone=stream.store_lone,
                traced=stream.traced,
            )
            self._patterns.add(subject, stream.name)

    def _leave(self, hosted: HostedStream, subjects: Iterable[str]) -> None:
        for subject in subjects:
            self._intake.leave(hosted.sids.pop(subject))
            self._patterns.remove(subject, hosted.name)

    # --- start and end --------------------------------------------------------------------

    def recover(self) -> Iterator[tuple[str, StreamStorage]]:
        """What is stored, by name."""
        yield from sorted(self._storages.files.streams.items())

    def recover_one(self, stored: StreamStorage) -> Steps[HostedStream]:
        """A stream that is stored, as it was; raises `JetStreamError` for a document that is none."""
        document = Fields(stored.document)
        created = parse_time(document.text("created"))
        config = parse_stream_config(document.mapping("config") or {})
        hosted = HostedStream(Stream(config, stored, self, created=created), stored)
        yield from hosted.stream.recover()
        self.streams[config.name] = hosted
        return hosted

    def begin_all(self) -> None:
        """Let all streams that were recovered have messages."""
        for hosted in self.streams.values():
            self._begin(hosted)

    def close(self) -> None:
        """Stop; what is stored stays."""
        for_each(lambda hosted: hosted.stream.close(), self.streams.values(), self.outlet.failed)
        self.answers.close()


def _check_consumers(hosted: HostedStream, config: StreamConfig) -> None:
    """Whether the consumers that are there keep the limits; raises error 10069."""
    limits = config.consumer_limits
    for consumer in hosted.consumers.values():
        own = consumer.config
        pending = 0 < limits.max_ack_pending < own.max_ack_pending
        threshold = 0 < limits.inactive_threshold < own.inactive_threshold
        if pending or threshold:
            field = "max ack pending" if pending else "inactive threshold"
            raise JetStreamError(10069, f"consumer {consumer.name} exceeds the new limit of {field}")


def _nothing(_: object) -> None:
    """The default for `done`: does nothing."""
