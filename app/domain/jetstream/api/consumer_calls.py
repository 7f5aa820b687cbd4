"""The calls about consumers (jetstream-consumers.md, section 1)."""

from collections.abc import Generator, Mapping
from dataclasses import replace

from ...protocol.json_text import rfc3339
from ...steps import Step
from ..consumers.config import ConsumerConfig, parse_consumer_config
from ..consumers.consumer import Consumer
from ..consumers.rules import check_group
from ..errors import JetStreamError
from ..hosting.catalogue import FAILURE_TEXTS, Catalogue
from ..hosting.consumer_catalogue import ConsumerCatalogue, ConsumerRequest
from ..hosting.hosted import HostedStream
from ..storage.seam import StorageFailure
from ..streams.headers import field, with_fields
from ..streams.remote_origin import IDENTITY
from .names import consumer_name, stream_name
from .requests import ApiRequest, Page, page
from .router import ANY, Call, Table
from .stream_calls import INFO_WORK, LIST_PAGE, NAMES_PAGE, PAGED

ACTIONS = ("", "create", "update")

SOURCING_LEVEL = 5
"""What servers ask for that copy from a stream, and say by which stream they know it."""

NOT_PAUSED: Mapping[str, object] = {"paused": False, "pause_until": rfc3339(0)}
"""What an answer to CONSUMER.PAUSE says besides its error."""


class ConsumerCalls:
    """Create, info, delete, names, list, pause, reset, unpin."""

    def __init__(self, catalogue: Catalogue, consumers: ConsumerCatalogue) -> None:
        self._catalogue = catalogue
        self._consumers = consumers

    def table(self) -> Table:
        """See `Router`."""
        empty: Mapping[str, object] = {**PAGED, "consumers": []}
        return {
            ("CONSUMER.CREATE", 1): Call("consumer_create", self.create, level=SOURCING_LEVEL),
            ("CONSUMER.CREATE", ANY): Call(
                "consumer_create", self.create_named, holds=2, level=SOURCING_LEVEL
            ),
            ("CONSUMER.DURABLE.CREATE", 2): Call("consumer_create", self.create_durable, holds=2),
            ("CONSUMER.INFO", 2): Call("consumer_info", self.info),
            ("CONSUMER.DELETE", 2): Call("consumer_delete", self.delete, holds=2),
            ("CONSUMER.NAMES", 1): Call("consumer_names", self.names, empty),
            ("CONSUMER.LIST", 1): Call("consumer_list", self.infos, empty),
            ("CONSUMER.PAUSE", 2): Call("consumer_pause", self.pause, NOT_PAUSED, 2),
            ("CONSUMER.RESET", 2): Call("consumer_reset", self.reset, {"reset_seq": 0}),
            ("CONSUMER.UNPIN", 2): Call("consumer_unpin", self.unpin),
        }

    # --- making and changing ----------------------------------------------------------

    def create(self, request: ApiRequest) -> None:
        """One without a name in the subject: ephemeral."""
        (stream,) = request.names
        wanted = self._wanted(request, stream)
        if wanted.config.durable_name:
            raise JetStreamError(10020)
        self._put(request, stream, wanted)

    def create_named(self, request: ApiRequest) -> None:
        """One with a name in the subject, and its filter after that."""
        stream, name, *rest = request.names
        consumer_name(name)
        wanted = self._wanted(request, stream)
        config = wanted.config
        if config.durable_name not in ("", name):
            raise JetStreamError(10017)
        if rest:
            _check_filter(config, ".".join(rest))
        self._put(request, stream, replace(wanted, config=replace(config, name=name)))

    def create_durable(self, request: ApiRequest) -> None:
        """The form of older clients."""
        stream, name = request.names
        consumer_name(name)
        wanted = self._wanted(request, stream)
        if not wanted.config.durable_name:
            raise JetStreamError(10018)
        if wanted.config.durable_name != name:
            raise JetStreamError(10017)
        self._put(request, stream, replace(wanted, config=replace(wanted.config, name=name)))

    @staticmethod
    def _wanted(request: ApiRequest, stream: str) -> ConsumerRequest:
        stream_name(stream)
        fields = request.object_fields()
        named = fields.text("stream_name")
        config = parse_consumer_config(fields.mapping("config") or {})
        action = fields.text("action")
        pedantic = fields.flag("pedantic")
        fields.finish()
        if named != stream:
            raise JetStreamError(10056)
        if action not in ACTIONS:
            raise JetStreamError(10025, f'unknown consumer action: "{action}"')
        return ConsumerRequest(config, action, pedantic)

    def _put(self, request: ApiRequest, stream: str, wanted: ConsumerRequest) -> None:
        hosted = self._catalogue.find(stream)
        if wanted.config.direct:
            _check_identity(request, hosted.stream.identity)

        def done(consumer: Consumer, failure: StorageFailure | None) -> None:
            if failure is None:
                request.answer(self._consumers.info(consumer))
            else:
                request.refuse(JetStreamError(10012, FAILURE_TEXTS[failure]))

        self._consumers.put(hosted, wanted, done)

    # --- asking -------------------------------------------------------------------------

    def _find(self, request: ApiRequest) -> tuple[HostedStream, Consumer]:
        stream, name = request.names[:2]
        stream_name(stream)
        consumer_name(name)
        hosted = self._catalogue.find(stream)
        return hosted, self._consumers.find(hosted, name)

    def info(self, request: ApiRequest) -> dict[str, object]:
        """As it is now."""
        request.check_empty()
        _, consumer = self._find(request)
        return self._consumers.info(consumer)

    def names(self, request: ApiRequest) -> dict[str, object]:
        """A page of them."""
        _, found, paging = self._page(request, NAMES_PAGE)
        return {**paging.as_json(), "consumers": found}

    def infos(self, request: ApiRequest) -> Generator[None, None, dict[str, object]]:
        """A page of infos, in steps."""
        hosted, found, paging = self._page(request, LIST_PAGE)
        step = Step()
        infos: list[dict[str, object]] = []
        for name in found:
            consumer = hosted.consumers.get(name)
            if consumer is not None:
                infos.append(self._consumers.info(consumer, listed=True))
            if step.is_over_after(INFO_WORK):
                yield
        return {**paging.as_json(), "consumers": infos}

    def _page(self, request: ApiRequest, limit: int) -> tuple[HostedStream, list[str], Page]:
        (stream,) = request.names
        stream_name(stream)
        fields = request.fields()
        offset = fields.integer("offset")
        fields.finish()
        hosted = self._catalogue.find(stream)
        names = sorted(hosted.consumers)
        paging = page(len(names), offset, limit)
        return hosted, names[paging.part], paging

    # --- ending and changing ------------------------------------------------------------

    def delete(self, request: ApiRequest) -> None:
        """Answered when nothing is left."""
        request.check_empty()
        hosted, consumer = self._find(request)

        def done(failure: StorageFailure | None) -> None:
            if failure is None:
                request.answer({"success": True})
            else:
                request.refuse(JetStreamError(10012, FAILURE_TEXTS[failure]))

        self._consumers.delete(hosted, consumer, done)

    def pause(self, request: ApiRequest) -> None:
        """Until a time, or go on."""
        fields = request.fields()
        until = fields.time("pause_until") or None
        fields.finish()
        hosted, consumer = self._find(request)

        def done(failure: StorageFailure | None) -> None:
            if failure is not None:
                request.refuse(JetStreamError(10012, FAILURE_TEXTS[failure]))
            else:
                request.answer(_pause_fields(consumer))

        self._consumers.pause(hosted, consumer, until, done)

    def reset(self, request: ApiRequest) -> None:
        """Deliver again from a sequence; a consumer that is not there has no answer.

        Fields that are not known are no error here, as in nats-server.
        """
        stream, name = request.names
        hosted = self._catalogue.streams.get(stream)
        consumer = hosted.consumer(name) if hosted is not None else None
        if hosted is None or consumer is None:
            return
        sequence = request.object_fields().sequence("seq")

        def done(failure: StorageFailure | None) -> None:
            if failure is None:
                request.answer(answer)
            else:
                request.refuse(JetStreamError(10012, FAILURE_TEXTS[failure]))

        following = self._consumers.reset(hosted, consumer, sequence, done)
        answer = {**self._consumers.info(consumer), "reset_seq": following}

    def unpin(self, request: ApiRequest) -> dict[str, object]:
        """Let another client of a group have the pin. Fields that are not known are no error here."""
        if not request.payload.strip():
            raise JetStreamError(10025, "unexpected end of JSON input")
        group = request.object_fields().text("group")
        if not group:
            raise JetStreamError(10025, "consumer group not specified")
        check_group(group)
        _, consumer = self._find(request)
        consumer.unpin(group)
        return {}


def _pause_fields(consumer: Consumer) -> dict[str, object]:
    until = consumer.config.pause_until
    fields: dict[str, object] = {"paused": consumer.is_paused}
    fields["pause_until"] = rfc3339(until or 0)
    if consumer.is_paused:
        fields["pause_remaining"] = consumer.pause_remaining
    return fields


def _check_filter(config: ConsumerConfig, subject: str) -> None:
    """The filter in the subject is the one of the configuration."""
    if config.filter_subjects:
        raise JetStreamError(10137)
    if config.filter_subject != subject:
        raise JetStreamError(10131)


def _check_identity(request: ApiRequest, identity: str) -> None:
    """Whether it is the stream that the other server has copied from; the answer says which one it is."""
    known = field(request.headers, IDENTITY)
    if known and known != identity.encode():
        raise JetStreamError(10225, identity)
    request.answer_headers = with_fields(b"", [(IDENTITY, identity.encode())])
