"""Blocks as plain dictionaries, in which an expected value is easily written down."""

from collections.abc import Mapping
from datetime import datetime
from typing import TypeAlias

import pytest

from app.config.document import Block, Item
from app.config.errors import ConfigError
from app.config.file.reading import DocumentReader
from app.config.file.sources import SourceFile

Tree: TypeAlias = "bool | int | float | str | datetime | list[Tree] | dict[str, Tree]"


def read_text(text: str, file: str, environment: Mapping[str, str]) -> Block:
    """A text as the contents of `file`, which need not exist. Raises `ConfigError`."""
    return DocumentReader(environment).read(SourceFile(file, text))


def tree_of(block: Block) -> dict[str, Tree]:
    """Keys with their last values."""
    return {member.key: _value(member.item) for member in block}


def tree(text: str, environment: Mapping[str, str] | None = None) -> dict[str, Tree]:
    """What a text says."""
    return tree_of(read_text(text, "nats.conf", environment or {}))


def mistakes(text: str, environment: Mapping[str, str] | None = None) -> list[str]:
    """What is wrong with a text, each as ``line:column: sentence``."""
    with pytest.raises(ConfigError) as raised:
        read_text(text, "nats.conf", environment or {})
    return [str(problem).removeprefix("nats.conf:") for problem in raised.value.problems]


def _value(item: Item) -> Tree:
    if isinstance(item.value, Block):
        return tree_of(item.value)
    if isinstance(item.value, tuple):
        return [_value(each) for each in item.value]
    return item.value
