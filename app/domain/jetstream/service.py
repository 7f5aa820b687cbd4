"""JetStream on one server: its parts put together, its subscriptions, its start and end.

    intake ──> streams (hosting.catalogue) ──> storage
       │  ╲──> acks, pulls, flow control ──> consumers (hosting.consumer_catalogue)
       ╰─────> api.router ──> calls ──> answers (outlet)

The broker knows nothing of it but a local client's subscriptions.
"""

from collections.abc import Callable
from functools import partial

from ..broker import Broker
from ..dataplane.message_run import AckRun
from ..failure import described
from ..steps import Steps
from ..value_object import value_object
from .advisories import API_AUDIT, API_LIMIT, Advisories
from .api.absent_calls import absent_calls
from .api.account import AccountCalls
from .api.consumer_calls import ConsumerCalls
from .api.message_calls import MessageCalls
from .api.requests import ApiRequest
from .api.router import Router
from .api.stream_calls import StreamCalls
from .broker_outlet import BrokerOutlet
from .consumers.ack_batches import AckBatches
from .consumers.core import Services
from .consumers.scheduling import ConsumerScheduler
from .copying_client import CopyingClient
from .errors import JetStreamError
from .events import StreamProblem, StreamRecovered
from .hosting.catalogue import Catalogue, Storages
from .hosting.consumer_catalogue import ConsumerCatalogue
from .hosting.hosted import HostedStream
from .intake import Intake
from .settings import JetStreamSettings
from .storage.seam import StoreProblem, StreamStorage
from .stream_traces import StreamTraces

NEXT = b"CONSUMER.MSG.NEXT."
DIRECT_GET = b"DIRECT.GET."
"""How calls begin, after the prefix of the API, that are for messages."""

PLAIN = b"$JS.API."
PLAIN_GET = PLAIN + DIRECT_GET
"""How gets begin that name no domain."""

BUCKETS = (b"$KV.", b"$OBJ.")
"""How subjects of buckets begin, which clients of other domains publish to after the prefix of ours."""

ACK_WORDS = 9
"""Tokens of an ack's subject: `$JS.ACK.<stream>.<consumer>` and five more."""

LONG_ACK_WORDS = (11, 12)
"""Those of the longer form, with domain and account before the stream, and perhaps one by chance."""

UNHEARD = b"NATS/1.0 503\r\nNats-Subject: %b\r\n\r\n"
"""The answer to a request for what is not there, as the broker's own."""


@value_object
class JetStreamNeeds:
    """What it needs of the world."""

    broker: Broker
    storages: Storages
    wall: Callable[[], int]
    """Nanoseconds since the epoch."""
    identifier: Callable[[], str]
    """Makes letters and digits by chance."""


class JetStream:
    """All of it. Make it, run `recover` to its end, then call `begin`, before clients come."""

    def __init__(self, settings: JetStreamSettings, needs: JetStreamNeeds) -> None:
        broker = needs.broker
        self.settings = settings
        self.problems: list[StoreProblem] = []
        """What could not be recovered as it was."""
        self._broker = broker
        self._storages = needs.storages
        self.intake = Intake(broker)
        self._acks = AckBatches()
        self.outlet = outlet = BrokerOutlet(broker, self.intake, needs.wall, needs.identifier)
        self.advisories = Advisories(outlet, settings.domain)
        self.catalogue = Catalogue(settings, needs.storages, self.intake, outlet, self.advisories)
        self.catalogue.make_copying_client = partial(CopyingClient, broker)
        self._scheduling = ConsumerScheduler(broker.scheduler)
        services = Services(outlet, self._scheduling, broker.limits.max_payload)
        self.consumers = ConsumerCatalogue(self.catalogue, services, self.advisories)
        self.router = self._make_router()
        self.account = AccountCalls(self.catalogue, self.router.counters)
        self._is_running = False

    def _make_router(self) -> Router:
        calls = dict(absent_calls(self.catalogue.find))
        calls |= StreamCalls(self.catalogue).table()
        calls |= MessageCalls(self.catalogue).table()
        calls |= ConsumerCalls(self.catalogue, self.consumers).table()
        router = Router(
            self._broker.scheduler, calls, self.catalogue.answers.send, self._audit, self._broker.failed
        )
        calls |= AccountCalls(self.catalogue, router.counters).table()
        router.queue_limit = self.settings.request_queue_limit
        router.level = self.settings.api_level
        router.on_dropped = self._report_dropped
        router.on_idle = self._note_idle
        return router

    def apply(self, settings: JetStreamSettings) -> None:
        """Let other limits hold from now on; its names and its directory stay as they are.

        What is stored, and what is configured, stays as well.
        """
        self.settings = settings
        self.catalogue.apply(settings)
        self.consumers.apply(settings)
        self.router.queue_limit = settings.request_queue_limit

    @property
    def is_begun(self) -> bool:
        """Whether it serves, and was not stopped."""
        return self._is_running

    @property
    def is_running(self) -> bool:
        """Whether requests are served."""
        return self._is_running and not self.intake.closed

    # --- start --------------------------------------------------------------------------

    def recover(self) -> Steps[None]:
        """Bring back what is stored, in steps; what cannot be is reported, and left as it is."""
        files = self._storages.files
        self._note(*files.problems)
        files.on_problem = self._report
        for name, stored in list(self.catalogue.recover()):
            began = self._broker.scheduler.monotonic()
            try:
                hosted = yield from self._recover_one(name, stored)
            except Exception as error:  # noqa: BLE001 - one stream that cannot be read keeps no other from it
                self._note(StoreProblem(name, f"not recovered: {described(error)}"))
                continue
            spent = round(1000 * (self._broker.scheduler.monotonic() - began))
            messages, consumers = hosted.stream.log.count, len(hosted.consumers)
            self._broker.events.record(StreamRecovered(None, name, messages, consumers, spent))
            yield

    def _recover_one(self, name: str, stored: StreamStorage) -> Steps[HostedStream]:
        hosted = yield from self.catalogue.recover_one(stored)
        for consumer, recover in self.consumers.recover(hosted):
            try:
                recover()
            except Exception as error:  # noqa: BLE001 - as above
                self._note(StoreProblem(name, f"consumer {consumer} not recovered: {described(error)}"))
            yield
        return hosted

    def _note(self, *problems: StoreProblem) -> None:
        for problem in problems:
            self.problems.append(problem)
            self._report(problem)

    def _report(self, problem: StoreProblem) -> None:
        """One that may be over later: a disk that is full, for example."""
        self._broker.events.record(StreamProblem(None, *problem))

    def begin(self) -> None:
        """Serve."""
        self.catalogue.begin_all()
        self.consumers.start_all()
        self._is_running = True
        self._broker.is_unsettled = self._is_unsettled
        if self._broker.tracing is not None:
            self._broker.tracing.streams = StreamTraces(self.intake)
        attend = self.intake.attend
        self.intake.attend_acks(b"$JS.ACK.>", self._take_ack, self._take_acks, self._acks.flush)
        attend(b"$JS.FC.>", self._take_flow_reply)
        prefixes = [PLAIN]
        if self.settings.domain:
            prefixes.append(b"$JS.%b.API." % self.settings.domain.encode())
        for prefix in prefixes:
            lone = self._take_lone if prefix + DIRECT_GET == PLAIN_GET else None
            attend(prefix + b">", self._take_request, lone=lone)

    # --- what comes in --------------------------------------------------------------------

    def _take_acks(self, run: AckRun) -> None:
        consumer = self.consumers.at(run.stream, run.consumer)
        if consumer is not None and consumer.config.takes_acks:
            self._acks.take_many(consumer, run.sequences)

    def _take_ack(self, subject: bytes, headers: bytes, payload: bytes, reply: bytes) -> None:
        del headers
        tokens = subject.split(b".")
        first = 2 if len(tokens) == ACK_WORDS else 4
        consumer = None
        if first == 2 or len(tokens) in LONG_ACK_WORDS:
            consumer = self.consumers.at(tokens[first], tokens[first + 1])
        if consumer is not None and consumer.config.takes_acks:
            self._acks.take(consumer, tokens[first + 2 : first + 7], payload, reply)
        else:
            self._answer_unheard(subject, reply)

    def _take_request(self, subject: bytes, headers: bytes, payload: bytes, reply: bytes) -> None:
        """Requests of the API wait for their turn; those for messages do not. Acks before them count."""
        self._acks.flush()
        if subject.startswith(PLAIN_GET):
            self._take_direct_get(subject, subject[len(PLAIN_GET) :], payload, reply)
            return
        _, _, call = subject.partition(b".API.")
        if call.startswith(NEXT):
            self._take_pull(subject, call[len(NEXT) :].split(b"."), payload, reply)
        elif call.startswith(DIRECT_GET):
            self._take_direct_get(subject, call[len(DIRECT_GET) :], payload, reply)
        elif call.startswith(BUCKETS) and not subject.startswith(PLAIN):
            self.outlet.publish(call, payload, headers, reply)
        else:
            self.router.receive(subject, headers, payload, reply)
            self.intake.wire.has_requests = len(self.router) > 0

    def _take_lone(self, subject: bytes, headers: bytes, payload: bytes, reply: bytes) -> bool:
        """Direct gets of the last message of a subject are answered at once."""
        del headers
        if payload or not reply or not subject.startswith(PLAIN_GET):
            return False
        name, _, wanted = subject[len(PLAIN_GET) :].partition(b".")
        stream = self.catalogue.for_direct_gets(name.decode("utf-8", "replace")) if wanted else None
        return stream is not None and stream.gets.take_last(wanted, reply)

    def _note_idle(self) -> None:
        """No request waits: what comes now overtakes none."""
        self.intake.wire.has_requests = False
        self.intake.wire.let_pass()

    def _take_pull(self, subject: bytes, names: list[bytes], payload: bytes, reply: bytes) -> None:
        consumer = self.consumers.at(names[0], names[1]) if len(names) == 2 else None
        if consumer is not None:
            consumer.pull(payload, reply)
        else:
            self._answer_unheard(subject, reply)

    def _take_flow_reply(self, subject: bytes, headers: bytes, payload: bytes, reply: bytes) -> None:
        del payload, reply
        tokens = subject.split(b".")
        consumer = self.consumers.at(tokens[2], tokens[3]) if len(tokens) == 5 else None
        if consumer is not None:
            consumer.flow_reply(tokens[4], headers)

    def _take_direct_get(self, subject: bytes, words: bytes, payload: bytes, reply: bytes) -> None:
        if not reply:
            return
        name, dot, wanted = words.partition(b".")
        stream = self.catalogue.for_direct_gets(name.decode("utf-8", "replace"))
        if stream is None:
            self._answer_unheard(subject, reply)
        elif dot:
            stream.gets.get_last(wanted, payload, reply)
        else:
            stream.gets.get(payload, reply)

    def _answer_unheard(self, subject: bytes, reply: bytes) -> None:
        if reply:
            self.outlet.deliver(reply, reply, headers=UNHEARD % subject)

    # --- reports --------------------------------------------------------------------------

    def _audit(self, request: ApiRequest, text: bytes, error: JetStreamError | None) -> None:
        """Publish that a call was made, for those who subscribe to that; calls that only ask are none."""
        if error is None and request.kind.endswith(("_info", "_names", "_list")):
            return
        fields = {
            "server": self.settings.server_name,
            "subject": request.subject.decode("utf-8", "replace"),
            **({"request": request.payload.decode("utf-8", "replace")} if request.payload else {}),
            "response": text.decode("utf-8", "replace"),
        }
        self.advisories.publish(API_AUDIT, (), fields)

    def _report_dropped(self) -> None:
        fields = {"server": self.settings.server_name, "dropped": self.router.counters.dropped}
        self.advisories.publish(API_LIMIT, (), fields)

    def _is_unsettled(self) -> bool:
        """Whether something was taken, or stored, that is not answered yet."""
        if self.intake.closed:
            return False
        waits = self.intake.wire.pending() or len(self.catalogue.answers) or not self.router.is_settled
        return bool(waits) or any(not each.stream.commits.is_idle for each in self.catalogue.streams.values())

    # --- end ------------------------------------------------------------------------------

    def end_requests(self) -> Steps[None]:
        """The server is about to stop: answer those who wait for messages, in steps."""
        if self.is_running:
            yield from self.consumers.end_requests()

    def stop(self) -> None:
        """Serve no more, and have all that happened written; the storage is closed by who made it."""
        self._is_running = False
        self.consumers.stop_all()
        self.catalogue.close()
