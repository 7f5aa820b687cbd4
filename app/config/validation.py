"""From given values to options: all mistakes at once, each with its place and in words."""

from itertools import takewhile
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from .document import Block, Path
from .errors import Problem
from .sections.section import OptionError, Section, inner_section, key_of

_Chosen = TypeVar("_Chosen", bound=Section)

_MOST_ROUNDS = 10
"""Rounds of validation; some mistakes are seen only when others are gone."""

_WORDS = {
    "bool_type": "must be true or false",
    "extra_forbidden": "is not an option",
    "float_type": 'must be a number of seconds, or a time such as "2s"',
    "greater_than": "must be greater than {gt:g}",
    "greater_than_equal": "must be at least {ge}",
    "int_from_float": "must be a whole number",
    "int_type": "must be a whole number",
    "less_than_equal": "must be at most {le:.15g}",
    "literal_error": "must be {expected}",
    "missing": "is missing",
    "model_type": "must be a map {{ … }}",
    "string_pattern_mismatch": "must not contain spaces",
    "string_too_short": "must not be empty",
    "string_type": "must be a string; put it in quotes",
    "tuple_type": "must be an array [ … ]",
}
"""What is wrong, by pydantic's name for it; completes the sentence "<option> …"."""


def validate(
    section: type[_Chosen], given: Block, *, whole: bool = True
) -> tuple[_Chosen | None, list[Problem]]:
    """The options with these values, or all that is wrong with them.

    What is missing is no mistake where `given` is not the whole.
    """
    try:
        return section.model_validate(given.plain()), []
    except ValidationError as error:
        details = [detail for detail in _details(error) if whole or not _is_lacking(detail)]
        return None, [_problem(section, given, detail) for detail in details]


def salvage(section: type[_Chosen], given: Block) -> tuple[_Chosen | None, Block]:
    """The options without all values that are wrong, and the values that make them.

    None if that cannot be done.
    """
    for _ in range(_MOST_ROUNDS):
        try:
            return section.model_validate(given.plain()), given
        except ValidationError as error:
            for detail in _details(error):
                given = given.drop(*_droppable(detail))
    return None, given


def _droppable(detail: ErrorDetails) -> list[str]:
    """The path to what is wrong, or to the array that holds it."""
    cause = detail.get("ctx", {}).get("error")
    path = (*detail["loc"], *cause.path) if isinstance(cause, OptionError) else detail["loc"]
    return [str(part) for part in takewhile(lambda part: isinstance(part, str), path)]


def _details(error: ValidationError) -> list[ErrorDetails]:
    return error.errors(include_url=False, include_input=False)


def _is_lacking(detail: ErrorDetails) -> bool:
    cause = detail.get("ctx", {}).get("error")
    return detail["type"] == "missing" or (isinstance(cause, OptionError) and cause.lacking)


def _problem(section: type[Section], given: Block, detail: ErrorDetails) -> Problem:
    path = detail["loc"]
    cause = detail.get("ctx", {}).get("error")
    if isinstance(cause, OptionError):
        return Problem(str(cause), given.place((*path, *cause.path)))
    field = _field_at(section, path)
    if field is not None and detail["type"].endswith("_type") and key_of(field).wrong:
        return Problem(key_of(field).wrong, given.place(path))
    return Problem(f"{option_name(path)} {_words(detail, cause)}", given.place(path))


def option_name(path: Path) -> str:
    """The name of an option as texts have it: ``authorization.users[1].password``."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return "".join(parts).removeprefix(".")


def _words(detail: ErrorDetails, cause: object) -> str:
    if isinstance(cause, ValueError):
        return str(cause)
    context: dict[str, Any] = detail.get("ctx", {})
    words = _WORDS.get(detail["type"])
    return detail["msg"] if words is None else words.format(**context)


def _field_at(section: type[Section], path: Path) -> FieldInfo | None:
    """The field that a path leads to, or into whose array."""
    field = None
    inner: type[Section] | None = section
    for part in path:
        if isinstance(part, int):
            continue
        field = inner.model_fields.get(part) if inner is not None else None
        inner = inner_section(field) if field is not None else None
    return field
