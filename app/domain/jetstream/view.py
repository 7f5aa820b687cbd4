"""The view of JetStream for monitoring (jetstream-api.md, section 7)."""

from typing import Protocol

from ..protocol.json_text import rfc3339
from ..steps import Step, Steps
from .api.stream_calls import INFO_WORK, StreamCalls
from .figures import Overview
from .hosting.consumer_catalogue import ACCOUNT
from .hosting.hosted import HostedStream
from .overview import overview_of
from .service import JetStream
from .streams.config import as_json


class Detail(Protocol):
    """What an answer has besides the figures."""

    @property
    def streams(self) -> bool:
        """Each stream."""
        ...

    @property
    def consumers(self) -> bool:
        """Each consumer, with its stream."""
        ...

    @property
    def config(self) -> bool:
        """Their configurations."""
        ...


class JetStreamView:
    """Answers about one JetStream."""

    def __init__(self, jetstream: JetStream) -> None:
        self._jetstream = jetstream
        self._calls = StreamCalls(jetstream.catalogue)

    def figures(self) -> dict[str, object]:
        """What is used, and the figures of the API."""
        catalogue, counters = self._jetstream.catalogue, self._jetstream.router.counters
        usage = catalogue.usage
        return {
            "memory": usage.used(in_memory=True),
            "storage": usage.used(in_memory=False),
            "reserved_memory": usage.reserved(in_memory=True),
            "reserved_storage": usage.reserved(in_memory=False),
            "accounts": 1,
            "ha_assets": 0,
            "api": {
                "level": self._jetstream.settings.api_level,
                "total": counters.total,
                "errors": counters.errors,
            },
        }

    def config(self) -> dict[str, object]:
        """Sizes, directory and domain."""
        settings = self._jetstream.settings
        config: dict[str, object] = {
            "max_memory": settings.max_memory,
            "max_storage": settings.max_storage,
            "store_dir": settings.store_dir,
            "sync_interval": round(settings.sync_interval * 1e9),
            "sync_always": not settings.sync_interval,
            "strict": True,
        }
        return config | ({"domain": settings.domain} if settings.domain else {})

    def totals(self) -> dict[str, object]:
        """Streams, consumers, messages and bytes."""
        streams = self._jetstream.catalogue.streams.values()
        return {
            "streams": len(streams),
            "consumers": sum(len(each.consumers) for each in streams),
            "messages": sum(each.stream.log.count for each in streams),
            "bytes": sum(each.stream.log.size for each in streams),
            "total": 1,
        }

    def details(self, detail: Detail) -> Steps[list[dict[str, object]]]:
        """The account, with its streams and their consumers as far as asked for."""
        account = {"name": ACCOUNT, "id": ACCOUNT, **self.figures()}
        if detail.streams or detail.consumers:
            account["stream_detail"] = yield from self._streams(detail)
        return [account]

    def _streams(self, detail: Detail) -> Steps[list[dict[str, object]]]:
        step = Step()
        found: list[dict[str, object]] = []
        for name in self._jetstream.catalogue.names():
            hosted = self._jetstream.catalogue.streams.get(name)
            if hosted is None:
                continue
            found.append(self._stream(hosted, with_config=detail.config))
            if detail.consumers:
                found[-1]["consumer_detail"] = yield from self._consumers(hosted, detail)
            if step.is_over_after(INFO_WORK):
                yield
        return found

    def _stream(self, hosted: HostedStream, *, with_config: bool) -> dict[str, object]:
        info = self._calls.fields(hosted, with_cluster=True, listed=True)
        fields = {
            "name": hosted.name,
            "created": rfc3339(hosted.stream.created),
            "cluster": info["cluster"],
            "state": info["state"],
        }
        if with_config:
            fields["config"] = as_json(hosted.stream.config)
        for name in ("mirror", "sources"):
            if name in info:
                fields[name] = info[name]
        return fields

    def _consumers(self, hosted: HostedStream, detail: Detail) -> Steps[list[dict[str, object]]]:
        step = Step()
        found: list[dict[str, object]] = []
        for consumer in list(hosted.consumers.values()):
            info = self._jetstream.consumers.info(consumer, listed=True)
            if not detail.config:
                info.pop("config")
            found.append(info)
            if step.is_over_after(INFO_WORK):
                yield
        return found

    def overview(self, streams: int, consumers: int) -> Steps[Overview]:
        """All streams and consumers in a few figures each; at most these numbers of each are listed."""
        return overview_of(list(self._jetstream.catalogue.streams.values()), streams, consumers)

    def stream(self, name: str) -> dict[str, object] | None:
        """A stream with its configuration, as in the details; None if it is not there."""
        hosted = self._jetstream.catalogue.streams.get(name)
        return None if hosted is None else self._stream(hosted, with_config=True)

    def consumer(self, stream: str, name: str) -> dict[str, object] | None:
        """A consumer with its configuration, as in the details; None if it is not there."""
        hosted = self._jetstream.catalogue.streams.get(stream)
        consumer = None if hosted is None else hosted.consumers.get(name)
        return None if consumer is None else self._jetstream.consumers.info(consumer, listed=True)

    def problem(self, *, server_only: bool = False) -> str:
        """Why it is not healthy; empty where it is. `server_only`: whatever its streams are."""
        jetstream = self._jetstream
        if not jetstream.is_running:
            return "JetStream is not running"
        if server_only:
            return ""
        for problem in jetstream.problems:
            where = f" stream '{ACCOUNT} > {problem.stream}'" if problem.stream else ""
            return f"JetStream{where}: {problem.text}"
        for hosted in jetstream.catalogue.streams.values():
            failure = hosted.stream.log.failure
            if failure is not None:
                return f"JetStream stream '{ACCOUNT} > {hosted.name}' cannot store: {failure.value}"
            lost = hosted.stream.log.lost
            if lost is not None:
                return (
                    f"JetStream stream '{ACCOUNT} > {hosted.name}': {len(lost.sequences)} messages are lost"
                )
        return ""
