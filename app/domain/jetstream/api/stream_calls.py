"""The calls about streams (jetstream-api.md, section 4)."""

from collections.abc import Generator, Mapping

from ...protocol.json_text import rfc3339
from ...steps import Step, Steps
from ..errors import JetStreamError
from ..hosting.catalogue import FAILURE_TEXTS, Catalogue
from ..hosting.hosted import HostedStream
from ..json_values import Fields, parse_object
from ..storage.seam import StorageFailure
from ..streams.config import StreamConfig, as_json
from ..streams.parsing import parse_stream_config
from ..streams.rules import NO_NAME
from .names import stream_name
from .requests import ApiRequest, Page, page
from .router import Call, Table

NAMES_PAGE = 1024
LIST_PAGE = 256
INFO_WORK = 64
"""Work of one stream's info, of `Step`."""

PURGED: Mapping[str, object] = {"purged": 0}
"""What an answer to STREAM.PURGE says besides its error."""

PAGED: Mapping[str, object] = {"total": 0, "offset": 0, "limit": 0}


class StreamCalls:
    """Create, update, delete, info, names, list, purge."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def table(self) -> Table:
        """See `Router`."""
        return {
            ("STREAM.CREATE", 1): Call("stream_create", self.create),
            ("STREAM.UPDATE", 1): Call("stream_update", self.update, holds=1),
            ("STREAM.DELETE", 1): Call("stream_delete", self.delete, holds=1),
            ("STREAM.INFO", 1): Call("stream_info", self.info, PAGED),
            ("STREAM.NAMES", 0): Call("stream_names", self.names, {**PAGED, "streams": None}),
            ("STREAM.LIST", 0): Call("stream_list", self.infos, {**PAGED, "streams": []}),
            ("STREAM.PURGE", 1): Call("stream_purge", self.purge, PURGED, 1),
        }

    # --- making and changing ----------------------------------------------------------

    def create(self, request: ApiRequest) -> None:
        """Answered when it is safe."""
        config, pedantic = self._config(request)

        def done(failure: StorageFailure | None) -> None:
            if failure is None:
                hosted = self._catalogue.streams.get(config.name)
                self._answer(request, hosted, {"did_create": True})
            else:
                request.refuse(JetStreamError(10049, FAILURE_TEXTS[failure]))

        self._catalogue.create(config, done, pedantic=pedantic)

    def update(self, request: ApiRequest) -> None:
        """Answered when it is safe."""
        if not parse_stream_config(parse_object(request.payload)).name:
            raise JetStreamError(10052, NO_NAME)
        config, pedantic = self._config(request)

        def done(failure: StorageFailure | None) -> None:
            if failure is None:
                self._answer(request, self._catalogue.streams.get(config.name), {})
            else:
                request.refuse(JetStreamError(10069, FAILURE_TEXTS[failure]))

        self._catalogue.update(config, done, pedantic=pedantic)

    @staticmethod
    def _config(request: ApiRequest) -> tuple[StreamConfig, bool]:
        (name,) = request.names
        stream_name(name)
        document = parse_object(request.payload)
        pedantic = Fields(document).flag("pedantic")
        config = parse_stream_config(document)
        if config.name != name:
            raise JetStreamError(10056)
        return config, pedantic

    def _answer(self, request: ApiRequest, hosted: HostedStream | None, fields: Mapping[str, object]) -> None:
        """The stream as it is now; it may have been deleted meanwhile."""
        if hosted is None:
            request.refuse(JetStreamError(10059))
        else:
            request.answer({**self.fields(hosted), **fields})

    def delete(self, request: ApiRequest) -> None:
        """Answered when nothing is left."""
        (name,) = request.names
        stream_name(name)
        request.check_empty()

        def done(failure: StorageFailure | None) -> None:
            if failure is None:
                request.answer({"success": True})
            else:
                request.refuse(JetStreamError(10050, FAILURE_TEXTS[failure]))

        self._catalogue.delete(name, done)

    # --- asking -------------------------------------------------------------------------

    def info(self, request: ApiRequest) -> dict[str, object]:
        """With the counts of subjects, and removed sequences, on request."""
        (name,) = request.names
        stream_name(name)
        fields = request.fields()
        offset = fields.integer("offset")
        details = fields.flag("deleted_details")
        subjects = fields.text("subjects_filter")
        fields.finish()
        hosted = self._catalogue.find(name)
        found = hosted.stream.state_json(
            subjects_filter=subjects.encode(), offset=offset, deleted_details=details
        )
        paging = Page(found.total, offset if found.total else 0, found.limit).as_json()
        return {**paging, **self.fields(hosted, found.state, with_cluster=True)}

    def fields(
        self,
        hosted: HostedStream,
        state: Mapping[str, object] | None = None,
        *,
        with_cluster: bool = False,
        listed: bool = False,
    ) -> dict[str, object]:
        """The fields of stream info; in lists without those about this server."""
        stream, settings = hosted.stream, self._catalogue.settings
        level, version = (None, "") if listed else (settings.api_level, settings.version)
        fields: dict[str, object] = {
            "config": _with_limit(as_json(stream.config, level=level, version=version)),
            "created": rfc3339(stream.created),
            "state": state if state is not None else stream.state_json().state,
        }
        if with_cluster:
            fields["cluster"] = {"leader": settings.server_name}
        mirror, sources = stream.feeds.mirror_json(), stream.feeds.sources_json()
        if mirror is not None:
            fields["mirror"] = mirror
        if sources:
            fields["sources"] = sources
        fields["ts"] = rfc3339(self._catalogue.outlet.wall())
        return fields

    def names(self, request: ApiRequest) -> dict[str, object]:
        """A page of them."""
        found, paging = self._page(request, NAMES_PAGE)
        return {**paging.as_json(), "streams": found or None}

    def infos(self, request: ApiRequest) -> Generator[None, None, dict[str, object]]:
        """A page of infos, in steps."""
        found, paging = self._page(request, LIST_PAGE)
        step = Step()
        infos: list[dict[str, object]] = []
        for name in found:
            hosted = self._catalogue.streams.get(name)
            if hosted is not None:
                infos.append(self.fields(hosted, listed=True))
            if step.is_over_after(INFO_WORK):
                yield
        return {**paging.as_json(), "streams": infos}

    def _page(self, request: ApiRequest, limit: int) -> tuple[list[str], Page]:
        fields = request.fields()
        subject = fields.text("subject")
        offset = fields.integer("offset")
        fields.finish()
        names = self._catalogue.names(subject)
        paging = page(len(names), offset, limit)
        return names[paging.part], paging

    # --- purging ------------------------------------------------------------------------

    def purge(self, request: ApiRequest) -> Steps[None]:
        """In steps, and answered when it is safe."""
        (name,) = request.names
        stream_name(name)
        fields = request.fields()
        pattern, sequence = fields.text("filter"), fields.sequence("seq")
        keep = fields.sequence("keep")
        fields.finish()
        if sequence and keep:  # whether the stream is there or not
            raise JetStreamError(10003)
        stream = self._catalogue.find(name).stream

        def done(gone: int, failure: StorageFailure | None) -> None:
            if failure is None:
                request.answer({"success": True, "purged": gone})
            else:
                request.refuse(JetStreamError(10110, FAILURE_TEXTS[failure]), PURGED)

        yield from stream.purge_steps(pattern.encode(), sequence, keep, done)


def _with_limit(config: dict[str, object]) -> dict[str, object]:
    """Clients expect the size of messages even where it has no limit."""
    config.setdefault("max_msg_size", -1)
    return config
