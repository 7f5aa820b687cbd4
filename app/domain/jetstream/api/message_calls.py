"""The calls about single messages (jetstream-api.md, section 5)."""

from ..errors import JetStreamError
from ..hosting.catalogue import FAILURE_TEXTS, Catalogue
from ..json_values import Fields
from ..storage.seam import StorageFailure
from ..streams.gets import parse_single
from .names import stream_name
from .requests import ApiRequest
from .router import Call, Table


class MessageCalls:
    """Get and delete."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def table(self) -> Table:
        """See `Router`."""
        return {
            ("STREAM.MSG.GET", 1): Call("stream_msg_get", self.get),
            ("STREAM.MSG.DELETE", 1): Call("stream_msg_delete", self.delete),
        }

    def get(self, request: ApiRequest) -> dict[str, object]:
        """By sequence, subject or time."""
        (name,) = request.names
        stream_name(name)
        document = request.document()
        try:
            hosted = self._catalogue.find(name)
        except JetStreamError:
            parse_single(document)  # a request that makes no sense is refused before a missing stream
            raise
        return {"message": hosted.stream.get_message(document)}

    def delete(self, request: ApiRequest) -> None:
        """Answered when it is safe."""
        (name,) = request.names
        stream_name(name)
        fields = Fields(request.document())
        sequence, keeps_bytes = fields.sequence("seq"), fields.flag("no_erase")
        fields.finish()
        stream = self._catalogue.find(name).stream

        def done(failure: StorageFailure | None) -> None:
            if failure is None:
                request.answer({"success": True})
            else:
                request.refuse(JetStreamError(10057, FAILURE_TEXTS[failure]))

        stream.delete_message(sequence, done, erase=not keeps_bytes)
