"""From the arguments of a program to options: a file, a mapping with the keys of one, and keywords.

Of a key that is given twice the keyword counts, then the mapping, then the file. What nobody gives is
as in a configuration file, but for the address: loopback, and a free port.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from ..config.document import Block, Item
from ..config.errors import ConfigError, Problem
from ..config.given import Given
from ..config.keys import resolve
from ..config.load import read_file
from ..config.options import Options
from ..config.rules import contradictions, without_effect
from ..config.scalars import size
from ..config.sections.section import Section, inner_section
from ..config.validation import validate

LOOPBACK = "127.0.0.1"
FREE_PORT = -1

_SIZE = re.compile(r"[0-9]{1,18}[kmgtpe](?:i?b)?", re.ASCII | re.IGNORECASE)
_PORTS = (
    ("port",),
    ("http_port",),
    ("https_port",),
    ("cluster", "port"),
    ("websocket", "port"),
    ("leafnodes", "port"),
)
_DEFAULTS = Block.of({"host": LOOPBACK, "port": FREE_PORT})


@dataclass(frozen=True, slots=True)
class RequestedOptions:
    """What a program asks of a server."""

    config: Mapping[str, object]
    """Keys of the configuration file, nested."""
    keywords: Mapping[str, object]
    """The same at the top level; they win."""
    config_file: str = ""

    def options(self) -> tuple[Options, tuple[Problem, ...]]:
        """The options, and what was given without effect. Raises `ConfigError` with all that is wrong."""
        if not (self.config or self.keywords or self.config_file):
            return _defaults()
        return _read(self)


@cache
def _defaults() -> tuple[Options, tuple[Problem, ...]]:
    """What most servers of tests are asked for; nothing changes these objects, so all have the same."""
    return _read(RequestedOptions({}, {}))


def _read(asked: RequestedOptions) -> tuple[Options, tuple[Problem, ...]]:
    """See `RequestedOptions.options`."""
    values, problems, notices = _DEFAULTS, list[Problem](), list[Problem]()
    file = read_file(asked.config_file, os.environ) if asked.config_file else Block()
    for block, is_python in ((file, False), (_block(asked.config), True), (_block(asked.keywords), True)):
        found = resolve(block, Options)
        problems += found.problems
        notices += found.notices
        given = _with_sizes(found.values, Options)
        values = _over(values, _free_ports(given) if is_python else given)
    values = _on_loopback(values)
    options, wrong = validate(Options, values)
    if options is None or problems:
        raise ConfigError([*problems, *wrong])
    known = Given(values, values, file, {})
    if wrong := contradictions(options, known):
        raise ConfigError(wrong)
    return options, (*notices, *without_effect(options, known))


def _block(values: Mapping[str, object]) -> Block:
    return Block.of(values)


def _over(below: Block, above: Block) -> Block:
    for member in above:
        below = below.put(member.item, member.key)
    return below


def _on_loopback(values: Block) -> Block:
    """With the same default for the hosts of the other listeners that are asked for."""
    for section, asks in (("cluster", ()), ("websocket", ()), ("leafnodes", ("port",))):
        if values.get(section, *asks) is not None and values.get(section, "host") is None:
            values = values.put(LOOPBACK, section, "host")
    return values


def _free_ports(values: Block) -> Block:
    """With -1 for 0: a program that names a port wants one."""
    for path in _PORTS:
        if values.get(*path) == 0:
            values = values.put(FREE_PORT, *path)
    return values


def _with_sizes(values: Block, section: type[Section]) -> Block:
    """With numbers for texts such as ``"1MB"``, where a number belongs."""
    for member in values:
        field = section.model_fields.get(member.key)
        text = member.item.value
        inner = inner_section(field) if field is not None else None
        if isinstance(text, str) and field is not None and field.annotation is int and _SIZE.fullmatch(text):
            values = values.put(Item(size(text), member.item.place), member.key)
        elif isinstance(text, Block) and inner is not None:
            values = values.put(Item(_with_sizes(text, inner), member.item.place), member.key)
    return values
