"""The level of the API that a message asks for, before it is stored (jetstream-api.md, section 1)."""

from ..errors import JetStreamError
from ..settings import API_LEVEL
from . import headers as h


def without_required_level(headers: bytes) -> bytes:
    """The block without the level that it asks for. Raises `JetStreamError` if it is higher than ours."""
    if h.REQUIRED_LEVEL not in headers:
        return headers
    level = h.field(headers, h.REQUIRED_LEVEL)
    if not level:
        return headers
    if not level.isdigit() or int(level[:18]) > API_LEVEL:
        raise JetStreamError(10185)
    return h.without_field(headers, h.REQUIRED_LEVEL)
