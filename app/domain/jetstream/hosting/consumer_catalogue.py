"""All consumers of a server: made, changed, deleted, and found by what clients send them."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

from ...for_each import for_each
from ...protocol.json_text import rfc3339
from ...steps import Steps
from ...value_object import value_object
from ..advisories import CONSUMER_CREATED, CONSUMER_DELETED, Advisories
from ..consumers.config import ConsumerConfig, as_json, parse_consumer_config, required_level
from ..consumers.consumer import Consumer
from ..consumers.core import Services
from ..consumers.rules import ServerLimits, check_work_queue, checked
from ..errors import JetStreamError
from ..json_values import Fields, parse_time
from ..settings import JetStreamSettings
from ..storage.seam import StorageFailure
from ..streams.config import REQUIRED_LEVEL, SERVER_LEVEL, SERVER_VERSION, WORKQUEUE
from ..streams.feed_positions import NAME as FEEDS
from .catalogue import Catalogue, Done
from .hosted import HostedStream

Put = Callable[[Consumer, StorageFailure | None], None]
"""Gets a consumer that is there, or would be without the failure."""

ACCOUNT = "$G"
"""The one account that there is."""

NAME_LENGTH = 8
"""Of a consumer that its client has not named."""


@value_object
class ConsumerRequest:
    """What a client asks for."""

    config: ConsumerConfig
    action: str = ""
    """`create`, `update`, or empty for either."""
    pedantic: bool = False


class ConsumerCatalogue:
    """Makes, changes and deletes consumers."""

    def __init__(self, catalogue: Catalogue, services: Services, advisories: Advisories) -> None:
        self._catalogue = catalogue
        self._services = services
        self._advisories = advisories
        catalogue.on_deleted = self._stream_deleted
        catalogue.on_reset = self._reset_for_copies
        self.apply(catalogue.settings)
        self._by_subject: dict[tuple[bytes, bytes], Consumer] = {}
        """By the tokens of stream and consumer in subjects."""

    def apply(self, settings: JetStreamSettings) -> None:
        """Let other limits hold for consumers that are made or changed."""
        self._caps = ServerLimits(settings.max_ack_pending, settings.max_request_batch)

    def at(self, stream: bytes, name: bytes) -> Consumer | None:
        """The consumer that these tokens of a subject name."""
        return self._by_subject.get((stream, name))

    @staticmethod
    def find(hosted: HostedStream, name: str) -> Consumer:
        """The consumer; raises error 10014."""
        consumer = hosted.consumer(name)
        if consumer is None:
            raise JetStreamError(10014)
        return consumer

    # --- making and changing ----------------------------------------------------------

    def put(self, hosted: HostedStream, wanted: ConsumerRequest, done: Put) -> None:
        """Make it, or change it when that is safe; `done` is called with it then, or with a failure.

        Raises `JetStreamError`.
        """
        config, stream = wanted.config, hosted.stream
        if not config.name and not config.durable_name:
            config = replace(config, name=self._new_name(hosted))
        elif config.direct and config.sourcing:  # each time another one: the last may be in use still
            config = replace(config, name=f"{config.name}-{self._new_name(hosted)}")
        config = checked(config, stream.config, self._caps, pedantic=wanted.pedantic)
        config = replace(config, metadata=_own_metadata(config))
        known = hosted.consumer(config.name)
        if known is None:
            if wanted.action == "update":
                raise JetStreamError(10149)
            self._make(hosted, config, done)
            return
        config = replace(config, pause_until=known.config.pause_until)
        if wanted.action == "create" and known.config != config:
            raise JetStreamError(10148)
        self._change(hosted, known, config, partial(done, known))

    def _new_name(self, hosted: HostedStream) -> str:
        name = self._catalogue.outlet.random_name(NAME_LENGTH)
        while hosted.consumer(name) is not None:
            name = self._catalogue.outlet.random_name(NAME_LENGTH)
        return name

    def _make(self, hosted: HostedStream, config: ConsumerConfig, done: Put) -> None:
        most = 0 if config.direct else hosted.stream.config.max_consumers
        if 0 < most <= len(hosted.consumers):
            raise JetStreamError(10026)
        if hosted.stream.config.retention == WORKQUEUE:
            check_work_queue(config, [each.config for each in hosted.consumers.values()])
        created = self._catalogue.outlet.wall()
        state = hosted.storage.write_consumer(
            config.name, _document(config, created), in_memory=config.leaves_no_trace
        )
        consumer = Consumer(config.name, config, hosted.stream, state, self._services)
        consumer.created = created
        self._add(hosted, consumer)
        self._answer_first(hosted, consumer, partial(self._made, hosted, consumer, partial(done, consumer)))
        consumer.start()

    def _made(
        self, hosted: HostedStream, consumer: Consumer, done: Done, failure: StorageFailure | None
    ) -> None:
        """It is safe, or there is none: see `Catalogue`."""
        is_there = hosted.consumer(consumer.name) is consumer
        if failure is None and is_there:
            self._advise(hosted, consumer, created=True)
        elif is_there:
            self._drop(hosted, consumer)
        done(failure)

    @staticmethod
    def _answer_first(hosted: HostedStream, consumer: Consumer, done: Done) -> None:
        """Call `done` when all that was done is safe; what the consumer delivers comes after that."""
        consumer.hold()
        hosted.stream.after_commit(done)
        hosted.stream.after_commit(lambda _failure: consumer.release())

    def _add(self, hosted: HostedStream, consumer: Consumer) -> None:
        stream, name = hosted.name, consumer.name
        if consumer.config.direct:
            hosted.direct[name] = consumer
        else:
            hosted.consumers[name] = consumer
        self._by_subject[stream.encode(), name.encode()] = consumer
        consumer.on_advisory = partial(self._report, stream, name)
        consumer.on_inactive = partial(self._expire, hosted, consumer)
        if consumer.config.direct:
            hosted.stream.add_feed(consumer)
        else:
            hosted.stream.add_reader(consumer)

    def _report(self, stream: str, name: str, kind: str, fields: dict[str, object]) -> None:
        if kind == "consumer_pause":
            until = fields.get("pause_until")
            fields["pause_until"] = rfc3339(until if isinstance(until, int) else 0)
        elif kind in ("consumer_group_pinned", "consumer_group_unpinned"):
            fields = {"account": ACCOUNT, **fields}
        self._advisories.of_consumer(kind, stream, name, fields)

    def _change(self, hosted: HostedStream, consumer: Consumer, config: ConsumerConfig, done: Done) -> None:
        if consumer.config == config:
            self._catalogue.outlet.scheduler.call_soon(lambda: done(None))
            return
        if hosted.stream.config.retention == WORKQUEUE:
            others = [each.config for each in hosted.consumers.values() if each is not consumer]
            check_work_queue(config, others, is_new=False)
        consumer.check_update(config)

        def apply() -> None:
            if consumer.update(config):
                hosted.stream.filters_changed(consumer)

        self._propose(hosted, consumer, config, apply, done)

    def _propose(
        self,
        hosted: HostedStream,
        consumer: Consumer,
        config: ConsumerConfig,
        apply: Callable[[], object],
        done: Done,
    ) -> None:
        """Have the configuration written, then `apply` it; until then it delivers nothing."""
        self._begin_change(hosted, consumer)
        written = hosted.stream.when_written(partial(self._written, hosted, consumer, apply, done))
        hosted.storage.propose_consumer(consumer.name, _document(config, consumer.created), written)

    @staticmethod
    def _begin_change(hosted: HostedStream, consumer: Consumer) -> None:
        if consumer.name in hosted.changing:
            raise JetStreamError(10012, "consumer is being changed; try again")
        hosted.changing.add(consumer.name)
        consumer.hold()

    @staticmethod
    def _written(
        hosted: HostedStream,
        consumer: Consumer,
        apply: Callable[[], object],
        done: Done,
        failure: StorageFailure | None,
    ) -> None:
        """It is written, or is as it was."""
        hosted.changing.discard(consumer.name)
        if failure is None and hosted.consumer(consumer.name) is consumer:
            apply()
        done(failure)
        consumer.release()

    def pause(self, hosted: HostedStream, consumer: Consumer, until: int | None, done: Done) -> None:
        """Let it deliver nothing until then, when that is safe, and call `done`."""
        config = replace(consumer.config, pause_until=until)
        config = replace(config, metadata=_own_metadata(config))
        self._propose(hosted, consumer, config, partial(consumer.pause, until, config.metadata), done)

    def reset(self, hosted: HostedStream, consumer: Consumer, sequence: int, done: Done) -> int:
        """Deliver from there again; returns from where. `done` is called when it is safe. Raises 10204.

        Until then it delivers nothing, and after a failure it goes on as it was.
        """
        undo = consumer.kept()
        following = consumer.reset(sequence)
        consumer.save()

        def written(failure: StorageFailure | None) -> None:
            if failure is not None:
                undo()
            done(failure)

        self._answer_first(hosted, consumer, written)
        return following

    def _reset_for_copies(self, hosted: HostedStream, name: str) -> int:
        """The same for a stream that copies by it: what is not acknowledged comes again."""
        return self.reset(hosted, self.find(hosted, name), 0, lambda _: None) - 1

    # --- deleting -----------------------------------------------------------------------

    def delete(self, hosted: HostedStream, consumer: Consumer, done: Done) -> None:
        """End it when that is safe, and call `done`; after a failure it goes on."""
        self._begin_change(hosted, consumer)

        def apply() -> None:
            self._end(hosted, consumer)
            self._advise(hosted, consumer, created=False)

        written = hosted.stream.when_written(partial(self._written, hosted, consumer, apply, done))
        hosted.storage.propose_deletion(consumer.name, written)

    def _drop(self, hosted: HostedStream, consumer: Consumer) -> None:
        """End it now, without an answer."""
        self._end(hosted, consumer)
        hosted.storage.delete_consumer(consumer.name)

    def _end(self, hosted: HostedStream, consumer: Consumer) -> None:
        self._forget(hosted, consumer)
        consumer.delete()
        if consumer.config.direct:
            hosted.stream.remove_feed(consumer.name)
        else:
            hosted.stream.remove_reader(consumer.name)

    def _expire(self, hosted: HostedStream, consumer: Consumer) -> None:
        if consumer.name not in hosted.changing:
            self._drop(hosted, consumer)
            self._advise(hosted, consumer, created=False)

    def _forget(self, hosted: HostedStream, consumer: Consumer) -> None:
        kept = hosted.direct if consumer.config.direct else hosted.consumers
        kept.pop(consumer.name, None)
        self._by_subject.pop((hosted.name.encode(), consumer.name.encode()), None)

    def _stream_deleted(self, hosted: HostedStream) -> None:
        """Its stream is gone, and so are they."""
        for consumer in (*hosted.consumers.values(), *hosted.direct.values()):
            self._forget(hosted, consumer)

    def _advise(self, hosted: HostedStream, consumer: Consumer, *, created: bool) -> None:
        kind = CONSUMER_CREATED if created else CONSUMER_DELETED
        action = "create" if created else "delete"
        fields = {"stream": hosted.name, "consumer": consumer.name, "action": action}
        self._advisories.publish(kind, (hosted.name, consumer.name), fields)

    # --- what is said of them -----------------------------------------------------------

    def info(self, consumer: Consumer, *, listed: bool = False) -> dict[str, object]:
        """The fields of consumer info; in lists without what is said of this server."""
        info = consumer.info_json()
        config = info["config"]
        if not listed and isinstance(config, dict):
            settings = self._catalogue.settings
            own = {SERVER_LEVEL: str(settings.api_level), SERVER_VERSION: settings.version}
            config["metadata"] = dict(sorted({**config.get("metadata", {}), **own}.items()))
        return info

    # --- start and end --------------------------------------------------------------------

    def recover(self, hosted: HostedStream) -> Iterator[tuple[str, Callable[[], None]]]:
        """The consumers of a stream that are stored: each with what recovers it, which may raise."""
        for name, document in sorted(hosted.storage.consumers.items()):
            if name == FEEDS:
                continue
            yield name, partial(self._recover_one, hosted, name, dict(document))

    def _recover_one(self, hosted: HostedStream, name: str, document: dict[str, object]) -> None:
        fields = Fields(document)
        config = parse_consumer_config(fields.mapping("config") or {})
        state = hosted.storage.open_consumer(name)
        consumer = Consumer(name, config, hosted.stream, state, self._services)
        consumer.created = parse_time(fields.text("created"))
        self._add(hosted, consumer)

    def start_all(self) -> None:
        """Begin to deliver."""
        for consumer in list(self._by_subject.values()):
            consumer.start()

    def end_requests(self) -> Steps[None]:
        """Answer those who wait for messages, in steps."""
        for consumer in list(self._by_subject.values()):
            consumer.end_requests()
            yield

    def stop_all(self) -> None:
        """Save, and do nothing more."""
        for_each(Consumer.stop, self._by_subject.values(), self._catalogue.outlet.failed)


def _own_metadata(config: ConsumerConfig) -> dict[str, str]:
    """What is stored of our own metadata: the level that the consumer needs."""
    given = {
        key: value for key, value in config.metadata.items() if key not in (SERVER_LEVEL, SERVER_VERSION)
    }
    return given | {REQUIRED_LEVEL: str(required_level(config))}


def _document(config: ConsumerConfig, created: int) -> dict[str, object]:
    return {"config": as_json(config), "created": rfc3339(created)}
