"""Permissions as a configuration writes them (permission-rules.md, section 1)."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import BeforeValidator, InstanceOf

from ...domain.permissions.rules import NO_LIMIT, RESPONSE_SECONDS, Entry, Permissions, Responses, Rule, entry
from ...domain.protocol.quoting import quoted_text
from ..scalars import parse_duration
from .section import LARGEST_COUNT, YEAR, OptionError

_FIELDS = {
    "publish": "publish",
    "pub": "publish",
    "import": "publish",
    "subscribe": "subscribe",
    "sub": "subscribe",
    "export": "subscribe",
    "allow_responses": "responses",
    "publish_allow_responses": "responses",
}
_WORDS_OF_QUEUE_ENTRY = 2


def parse_permissions(value: object) -> Permissions:
    """What a map of permissions says. Raises `OptionError`."""
    if isinstance(value, Permissions):
        return value
    if not isinstance(value, Mapping):
        raise OptionError(f"Expected permissions to be a map, got {_kind(value)}")
    fields: dict[str, object] = {}
    for key, part in value.items():
        field = _FIELDS.get(key.lower())
        if field is None:
            raise OptionError(f'Unknown field "{key}" parsing permissions', key)
        if field in fields:
            raise OptionError(f'permissions have "{field}" twice; keep one of its names', key)
        fields[field] = part
    responses = fields.get("responses", False)
    return Permissions(
        _rule(fields.get("publish", ()), queues=False),
        _rule(fields.get("subscribe", ()), queues=True),
        _responses(responses),
    )


def _rule(value: object, *, queues: bool) -> Rule:
    if not isinstance(value, Mapping):
        return Rule(allow=_entries(value, queues=queues))
    lists: dict[str, tuple[Entry, ...]] = {"allow": (), "deny": ()}
    for key, part in value.items():
        if key.lower() not in lists:
            raise OptionError(f'Unknown field "{key}" parsing permissions')
        lists[key.lower()] = _entries(part, queues=queues)
    return Rule(lists["allow"], lists["deny"])


def _entries(value: object, *, queues: bool) -> tuple[Entry, ...]:
    texts = value if isinstance(value, list | tuple) else (value,)
    return tuple(_entry(text, queues=queues) for text in texts)


def _entry(text: object, *, queues: bool) -> Entry:
    if not isinstance(text, str):
        kind = _kind(text)
        raise OptionError(f"Expected subject permissions to be a subject, or array of subjects, got {kind}")
    words = text.replace("\t", " ").split(" ")
    words = [word for word in words if word]
    most = _WORDS_OF_QUEUE_ENTRY if queues else 1
    try:
        if 1 <= len(words) <= most:
            return entry(*words)
    except ValueError:
        pass
    raise OptionError(f"subject {quoted_text(text)} is not a valid subject")


def _responses(value: object) -> Responses | None:
    if isinstance(value, bool):
        return Responses() if value else None
    if not isinstance(value, Mapping):
        raise OptionError("error parsing response permissions, expected a boolean or a map")
    most, seconds = 1, RESPONSE_SECONDS
    for key, part in value.items():
        if key.lower() in ("max", "max_msgs", "max_messages", "max_responses"):
            most = _most(part)
        elif key.lower() in ("expires", "expiration", "ttl"):
            seconds = _seconds(part)
        else:
            raise OptionError(f'Unknown field "{key}" parsing permissions')
    return Responses(most, seconds)


def _most(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not -1 <= value <= LARGEST_COUNT:
        raise OptionError(f"max of allow_responses must be a number, or {NO_LIMIT} for no limit")
    return value or 1


def _seconds(value: object) -> float:
    if isinstance(value, str):
        try:
            value = parse_duration(value)
        except ValueError as error:
            raise OptionError(f"expires of allow_responses {error}") from error
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= YEAR:
        raise OptionError('expires of allow_responses must be a time such as "2m"')
    return float(value) or RESPONSE_SECONDS


def _kind(value: object) -> str:
    """The type of a value, as nats-server names it."""
    return {bool: "bool", int: "int64", float: "float64", dict: "map[string]interface {}"}.get(
        type(value), type(value).__name__
    )


PermissionsValue = Annotated[InstanceOf[Permissions], BeforeValidator(parse_permissions)]
"""The type of a field with permissions."""
