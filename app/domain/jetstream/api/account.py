"""INFO: what the account uses and may use."""

from ..hosting.catalogue import Catalogue
from .requests import ApiRequest
from .router import Call, Counters, Table


class AccountCalls:
    """The calls about the account."""

    def __init__(self, catalogue: Catalogue, counters: Counters) -> None:
        self._catalogue = catalogue
        self._counters = counters

    def table(self) -> Table:
        """See `Router`."""
        return {("INFO", 0): Call("account_info", self.info)}

    def info(self, request: ApiRequest) -> dict[str, object]:
        """INFO ignores any body."""
        del request
        return self.fields()

    def fields(self) -> dict[str, object]:
        """The answer to INFO; this request is counted after it."""
        catalogue, settings = self._catalogue, self._catalogue.settings
        usage = catalogue.usage
        fields: dict[str, object] = {
            "memory": usage.used(in_memory=True),
            "storage": usage.used(in_memory=False),
            "reserved_memory": usage.reserved(in_memory=True),
            "reserved_storage": usage.reserved(in_memory=False),
            "streams": len(catalogue.streams),
            "consumers": usage.consumers,
            "limits": {
                "max_memory": -1,
                "max_storage": -1,
                "max_streams": -1,
                "max_consumers": -1,
                "max_ack_pending": -1,
                "memory_max_stream_bytes": -1,
                "storage_max_stream_bytes": -1,
                "max_bytes_required": False,
            },
        }
        if settings.domain:
            fields["domain"] = settings.domain
        counters = self._counters
        fields["api"] = {"level": settings.api_level, "total": counters.total, "errors": counters.errors}
        return fields
