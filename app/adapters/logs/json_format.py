"""Lines as JSON objects, for log collectors.

Keys, in this order: ``time`` (RFC 3339, UTC), ``level`` (``info``, ``debug``, ``trace``,
``error`` or ``fatal``), ``event`` (the event's name, ``client_connected``), ``text`` (its
sentence), the event's own fields, and ``link`` with ``kind``, ``number`` and ``address``
if the event is about a connection.
"""

import re
from dataclasses import asdict, fields
from datetime import UTC, datetime
from functools import cache, lru_cache

from ...domain.events import Event
from .dates import bounded
from .structured import EventDict, Processor

_WORD_START = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def unfold(logger: object, method_name: str, event_dict: EventDict) -> EventDict:  # noqa: ARG001 - structlog's signature
    """The processor before the `renderer`: turns an event into plain keys."""
    line: EventDict = {}
    if "time" in event_dict:
        line["time"] = _rfc3339(event_dict["time"])
    line.update(_keys(event_dict["fact"]))
    return line


@cache
def renderer() -> Processor:
    """The processor after it: structlog's own."""
    from structlog.processors import JSONRenderer  # noqa: PLC0415 - imported only for JSON

    return JSONRenderer()


def _keys(fact: Event) -> dict[str, object]:
    keys: dict[str, object] = {
        "level": fact.level.name.lower(),
        "event": _snake_case(type(fact).__name__),
        "text": fact.text(),
    }
    keys |= {field.name: getattr(fact, field.name) for field in fields(fact) if field.name != "link"}
    if fact.link:
        keys["link"] = asdict(fact.link)
    return keys


def _rfc3339(time: float) -> str:
    return datetime.fromtimestamp(bounded(time), UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@lru_cache
def _snake_case(name: str) -> str:
    return _WORD_START.sub("_", name).lower()
