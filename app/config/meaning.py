"""From a document to a draft: which key means which option.

Names of keys are case-insensitive, and of several that set one option the last one
counts (configuration.md, section 2). Values are not judged here.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain

from app.config.addresses import AddressError, parse_listen
from app.config.document import Block, Item, Member
from app.config.draft import Draft, Path
from app.config.errors import Problem
from app.config.section import Address, Section, inner_section, key_of


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a document says."""

    draft: Draft = field(default_factory=Draft)
    problems: list[Problem] = field(default_factory=list)
    """What makes it unusable."""
    notices: list[Problem] = field(default_factory=list)
    """What has no effect."""


def understand(document: Block, section: type[Section]) -> Meaning:
    """The draft that `document` means."""
    meaning = Meaning()
    meaning.draft.values.update(_Reader(meaning).block(document, section, ()))
    return meaning


@dataclass(frozen=True, slots=True)
class _Reader:
    """Goes through blocks, and reports to a meaning."""

    meaning: Meaning

    def block(self, block: Block, section: type[Section], path: Path) -> dict[str, object]:
        """The values of a section's fields; `path` leads to it."""
        values: dict[str, object] = {}
        fields = _fields_by_key(section)
        for key, member in _last_of_each(block):
            if key in section.addresses:
                self._address(section.addresses[key], member, values, path)
            elif key in section.refused:
                self._tell(self.meaning.problems, section.refused[key], member)
            elif key in section.idle:
                self._tell(self.meaning.notices, section.idle[key], member)
            elif key in fields:
                name = fields[key]
                inner = inner_section(section.model_fields[name])
                values[name] = self._value(member.item, inner, (*path, name))
            elif member.key not in block.referred:
                self._tell(self.meaning.problems, section.unknown.format(key=member.key), member)
        return values

    def _value(self, item: Item, section: type[Section] | None, path: Path) -> object:
        self.meaning.draft.mark(path, item.place)
        if isinstance(item.value, tuple):
            return tuple(
                self._value(element, section, (*path, position))
                for position, element in enumerate(item.value)
            )
        if isinstance(item.value, Block) and section is not None:
            return self.block(item.value, section, path)
        return item.value

    def _address(self, address: Address, member: Member, values: dict[str, object], path: Path) -> None:
        value, place = member.item.value, member.item.place
        if isinstance(value, str):
            try:
                endpoint = parse_listen(value)
            except AddressError as error:
                self.meaning.problems.append(Problem(str(error), place))
                return
            values[address.host], values[address.port] = endpoint.host, endpoint.port
        else:
            values.pop(address.host, None)
            values[address.port] = value
        for name in (address.host, address.port):
            self.meaning.draft.mark((*path, name), place)

    @staticmethod
    def _tell(problems: list[Problem], text: str, member: Member) -> None:
        problems.append(Problem(text, member.place))


def _last_of_each(block: Block) -> Iterator[tuple[str, Member]]:
    """Members by their key in small letters, in the order in which they take effect."""
    last: dict[str, Member] = {}
    for member in block:
        key = member.key.lower()
        last.pop(key, None)
        last[key] = member
    return iter(last.items())


def _fields_by_key(section: type[Section]) -> Mapping[str, str]:
    """Names of fields by all keys that set them."""
    return {
        key: name
        for name, info in section.model_fields.items()
        if not key_of(info).hidden
        for key in chain((name,), key_of(info).also)
    }
