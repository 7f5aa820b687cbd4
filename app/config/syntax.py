"""Configuration files as they are written: where texts go in, and blocks come out.

The grammar is in ``grammar.lark``; how a file is written is told in
``docs/configuration.md``.
"""

from collections.abc import Mapping

from app.config.document import Block
from app.config.errors import ConfigError, Problem
from app.config.sources import Source, Unreadable, open_source


def read_file(path: str, environment: Mapping[str, str]) -> Block:
    """The file, with all that it includes; variables may come from `environment`.

    Raises `ConfigError` with all that is wrong.
    """
    try:
        source = open_source(path)
    except Unreadable as error:
        raise ConfigError([Problem(f"error opening config file: {error}")]) from error
    return _read(source, environment)


def read_text(text: str, file: str, environment: Mapping[str, str]) -> Block:
    """The same for a text that claims to stand in `file`."""
    return _read(Source(file, text), environment)


def _read(source: Source, environment: Mapping[str, str]) -> Block:
    from app.config.reading import Reading  # noqa: PLC0415 - most servers have no file, and start without lark

    return Reading(environment).read(source)
