"""Arguments of faults, checked at once: a mistake raises, and makes no rule that never hits."""

from collections.abc import Mapping

from ...domain.subjects.subject import is_pattern, tokens_of
from .rules import BOTH, IN, OUT, FaultKind

_WORDS = ("client", "user", "queue", "route", "direction")
_COUNTS = ("on", "every", "times")
_NUMBERS = ("cid", *_COUNTS, "seed")
_LINKS = frozenset({"client", "cid", "user", "route"})
_TAKES = {
    FaultKind.STALL: _LINKS | {"direction"},
    FaultKind.REFUSE: _LINKS | {*_COUNTS, "probability", "seed"},
}
"""What a rule about links can be chosen by; a rule about messages by all."""


def check_chosen(kind: FaultKind, subject: object, given: Mapping[str, object]) -> None:
    """Raises `TypeError` for a value of the wrong type, and `ValueError` for what has no meaning."""
    if not isinstance(subject, str):
        raise TypeError(f"a subject is a str, not {subject!r}")
    if subject and not is_pattern(tokens_of(subject.encode())):
        raise ValueError(f"{subject!r} is not a subject or a pattern of subjects")
    for name, value in given.items():
        _check_type(name, value)
        if name not in _TAKES.get(kind, given):
            raise ValueError(f"{kind.value} cannot be selected by {name}")
    if any(name in given and _number(given[name]) < 1 for name in _COUNTS):
        raise ValueError("on, every and times are counts from 1 on")
    _check_direction(kind, given)


def _check_type(name: str, value: object) -> None:
    if name in _WORDS and not isinstance(value, str):
        raise TypeError(f"{name} is a str, not {value!r}")
    if name in _NUMBERS and not isinstance(value, int):
        raise TypeError(f"{name} is an int, not {value!r}")
    if name == "probability":
        _number(value)


def _check_direction(kind: FaultKind, given: Mapping[str, object]) -> None:
    direction = given.get("direction")
    if direction not in (None, IN, OUT, BOTH):
        raise ValueError(f"a direction is {IN!r}, {OUT!r} or {BOTH!r}, not {direction!r}")
    if kind is FaultKind.ERROR and (direction in (OUT, BOTH) or "queue" in given):
        raise ValueError("an error answers what peers send: it has the direction 'in', and no queue")
    if "queue" in given and direction in (IN, BOTH):
        raise ValueError("a queue group selects deliveries: leave the direction out, or set it to 'out'")
    if "route" in given and ("client" in given or "user" in given):
        raise ValueError("a link is that of a client or a route: give one of them")


def check_effect(kind: FaultKind, effect: Mapping[str, object]) -> None:
    """The same for what a rule does."""
    if "seconds" in effect and not _number(effect["seconds"]) > 0:
        raise ValueError(f"{kind.value} needs a time above 0 seconds, not {effect['seconds']!r}")
    for name, least in (("copies", 1), ("max_payload", 1)):
        value = effect.get(name, least)
        if not isinstance(value, int):
            raise TypeError(f"{name} is an int, not {value!r}")
        if value < least:
            raise ValueError(f"{name} is {least} at least, not {value!r}")
    text = effect.get("text", "")
    if not isinstance(text, str):
        raise TypeError(f"the text of an error is a str, not {text!r}")
    if "\r" in text or "\n" in text:
        raise ValueError("the text of an error is one line")


def _number(value: object) -> float:
    if not isinstance(value, int | float):
        raise TypeError(f"a number is expected, not {value!r}")
    return value
