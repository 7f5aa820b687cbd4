"""From a document to a draft: which key means which option.

Names of keys are case-insensitive, and of several that set one option the last one
counts (configuration.md, section 2); each that does not count is reported. Values are
not judged here.
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from itertools import chain

from app.config.addresses import AddressError, parse_listen
from app.config.document import Block, Item, Member
from app.config.draft import Draft, Path
from app.config.errors import Problem
from app.config.section import Address, Section, asks_for_nothing, inner_section, key_of

_MOST_SUPERSEDED = 100
"""As many values that do not count are worth a look of their own."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a document says."""

    draft: Draft = field(default_factory=Draft)
    problems: list[Problem] = field(default_factory=list)
    """What makes it unusable."""
    notices: list[Problem] = field(default_factory=list)
    """What has no effect."""
    superseded: list[Draft] = field(default_factory=list)
    """What does not count because it is given again, a draft for each."""
    doubtful: set[Path] = field(default_factory=set)
    """Sections with unknown keys, which may be meant for known ones."""


def understand(document: Block, section: type[Section], variables: AbstractSet[str] = frozenset()) -> Meaning:
    """The draft that `document` means; `variables` may refer to keys that have no other meaning."""
    meaning = Meaning()
    meaning.draft.values.update(_Reader(meaning, variables).block(document, section, ()))
    return meaning


@dataclass(frozen=True, slots=True)
class _Reader:
    """Goes through blocks, and reports to a meaning."""

    meaning: Meaning
    variables: AbstractSet[str]

    def block(self, block: Block, section: type[Section], path: Path) -> dict[str, object]:
        """The values of a section's fields; `path` leads to it."""
        values: dict[str, object] = {}
        first: dict[str, Member] = {}
        fields = _fields_by_key(section)
        for member in block:
            names = fields.get(member.key.lower(), ())
            earlier = next((first[name] for name in names if name in first), None)
            if earlier is not None:
                self._replace(
                    member, earlier, section, {name: values.pop(name, None) for name in names}, path
                )
            first |= dict.fromkeys(names, earlier or member)
            self._read(member, section, names, values, path)
            if not names and not _is_known(member, section, block.referred | self.variables):
                self._report(self.meaning.problems, section.unknown.format(key=member.key), member)
                self.meaning.doubtful.add(path)
        return values

    def _read(
        self,
        member: Member,
        section: type[Section],
        names: tuple[str, ...],
        values: dict[str, object],
        path: Path,
    ) -> None:
        key = member.key.lower()
        if key in section.addresses:
            self._address(section.addresses[key], member, values, path)
        elif key in section.refused:
            self._report(self.meaning.problems, section.refused[key], member)
        elif key in section.idle:
            if not asks_for_nothing(member.item.value):
                self._report(self.meaning.notices, section.idle[key], member)
        else:
            for name in names:
                inner = inner_section(section.model_fields[name])
                values[name] = self._value(member.item, inner, (*path, name))

    def _replace(
        self,
        member: Member,
        earlier: Member,
        section: type[Section],
        lost: Mapping[str, object],
        path: Path,
    ) -> None:
        """Report that `member` takes the place of `lost`, and set that aside."""
        guarded = any(_guards(section, name, value) for name, value in lost.items())
        text = _given_twice(member, earlier, guarded=guarded)
        self._report(self.meaning.problems if guarded else self.meaning.notices, text, member)
        aside = Draft()
        within = [part for part in path if isinstance(part, str)]
        for name, value in lost.items():
            if value is not None and len(within) == len(path):  # arrays hold nothing but logins
                aside.put(value, *within, name)
            self.meaning.draft.move_places(aside, (*path, name))
        if aside.values and len(self.meaning.superseded) < _MOST_SUPERSEDED:
            self.meaning.superseded.append(aside)

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
            values[address.port] = value
        for name in (address.host, address.port):
            self.meaning.draft.mark((*path, name), place)

    @staticmethod
    def _report(problems: list[Problem], text: str, member: Member) -> None:
        problems.append(Problem(text, member.place))


def _given_twice(member: Member, earlier: Member, *, guarded: bool) -> str:
    if member.key.lower() == earlier.key.lower():
        what = f'"{member.key}" is given twice, first at {earlier.place}'
    else:
        what = f'"{member.key}" sets the same as "{earlier.key}" at {earlier.place}'
    return f"{what}; {'keep one, or all of it in one place' if guarded else 'the last one counts'}"


def _guards(section: type[Section], name: str, value: object) -> bool:
    """Whether a field, or what is given within it, decides who comes in or what is encrypted."""
    info = section.model_fields[name]
    inner = inner_section(info)
    if key_of(info).guards or inner is None or not isinstance(value, dict):
        return key_of(info).guards
    return any(_guards(inner, each, given) for each, given in value.items())


def _is_known(member: Member, section: type[Section], variables: AbstractSet[str]) -> bool:
    key = member.key.lower()
    return key in section.refused or key in section.idle or member.key in variables


def _fields_by_key(section: type[Section]) -> Mapping[str, tuple[str, ...]]:
    """Names of fields by all keys that set them."""
    addresses = {key: (address.host, address.port) for key, address in section.addresses.items()}
    return addresses | {
        key: (name,)
        for name, info in section.model_fields.items()
        if not key_of(info).hidden
        for key in chain((name,), key_of(info).also)
    }
