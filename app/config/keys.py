"""From the keys of a file to the names of options.

Names of keys are case-insensitive, and of several that set one option the last one
counts (configuration-file.md, section 2); each that does not count is reported. Values are
not checked here.
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import field
from functools import lru_cache
from itertools import chain

from ..domain.value_object import value_object
from .addresses import AddressError, parse_listen
from .document import Block, Item, Member, Path
from .errors import Problem
from .foreign_keys import DEFAULTS
from .sections.section import AddressKey, Section, asks_for_nothing, inner_section, key_of

_MOST_SUPERSEDED = 100
"""Values that do not count and are still checked."""


@value_object
class Resolved:
    """What a document says about options."""

    values: Block = field(default_factory=Block)
    """By the names of options."""
    problems: tuple[Problem, ...] = ()
    """What makes it unusable."""
    notices: tuple[Problem, ...] = ()
    """What has no effect."""
    superseded: tuple[Block, ...] = ()
    """Values that do not count because they are given again."""
    unclear: frozenset[Path] = frozenset()
    """Sections with unknown keys, each of which may be a known one misspelt."""


def resolve(document: Block, section: type[Section], variables: AbstractSet[str] = frozenset()) -> Resolved:
    """What `document` says about `section`; `variables` may refer to keys that have no other meaning."""
    resolver = _Resolver(variables)
    values = resolver.block(document, section, ())
    return Resolved(
        values,
        tuple(resolver.problems),
        tuple(resolver.notices),
        tuple(resolver.superseded),
        frozenset(resolver.unclear),
    )


class _Resolver:
    """Goes through blocks, and collects what is to be said about them."""

    def __init__(self, variables: AbstractSet[str]) -> None:
        self.problems: list[Problem] = []
        self.notices: list[Problem] = []
        self.superseded: list[Block] = []
        self.unclear: set[Path] = set()
        self._variables = variables

    def block(self, block: Block, section: type[Section], path: Path) -> Block:
        """The values of a section's fields; `path` leads to it."""
        items: dict[str, Item] = {}
        first: dict[str, Member] = {}
        fields = _fields_by_key(section)
        variables = block.referred | self._variables
        for member in block:
            if member.key in variables and _is_only_variable(member, section, path):
                continue
            names = fields.get(member.key.lower(), ())
            earlier = next((first[name] for name in names if name in first), None)
            if earlier is not None:
                lost = {name: items.pop(name) for name in names if name in items}
                self._supersede(member, earlier, section, lost, path)
            first |= dict.fromkeys(names, earlier or member)
            items |= self._read(member, section, names, path)
            if not names and not _is_known(member, section, variables):
                self.problems.append(Problem(section.unknown.format(key=member.key), member.place))
                self.unclear.add(path)
            self._check_company(member, section, block)
        return Block.of(items)

    def _read(
        self, member: Member, section: type[Section], names: tuple[str, ...], path: Path
    ) -> Mapping[str, Item]:
        """The items that a member gives, by the names of fields."""
        key = member.key.lower()
        if key in section.addresses:
            return self._address(section.addresses[key], member.item)
        if key in section.refused and not _is_off(key, member.item.plain()):
            self.problems.append(Problem(section.refused[key], member.place))
        elif key in section.idle and not asks_for_nothing(member.item.plain()):
            self.notices.append(Problem(section.idle[key], member.place))
        return {
            name: self._item(member.item, inner_section(section.model_fields[name]), (*path, name))
            for name in names
        }

    def _check_company(self, member: Member, section: type[Section], block: Block) -> None:
        """Report a key that needs another one with a value, if that is not there."""
        need = section.needs.get(member.key.lower())
        if need is None or asks_for_nothing(member.item.plain()):
            return
        if not any(each.key.lower() == need and each.item.value for each in block):
            text = f"{member.key} are those of authorization.{need}; add {need}, or remove them"
            self.problems.append(Problem(text, member.place))

    def _supersede(
        self,
        member: Member,
        earlier: Member,
        section: type[Section],
        lost: Mapping[str, Item],
        path: Path,
    ) -> None:
        """Report that `member` takes the place of `lost`, and set that aside."""
        guarded = any(_guards(section, name, item.plain()) for name, item in lost.items())
        text = _given_twice(member, earlier, guarded=guarded)
        (self.problems if guarded else self.notices).append(Problem(text, member.place))
        within = [part for part in path if isinstance(part, str)]
        if len(within) < len(path):  # arrays hold only logins
            return
        aside = Block()
        for name, item in lost.items():
            aside = aside.put(item, *within, name)
        if lost and len(self.superseded) < _MOST_SUPERSEDED:
            self.superseded.append(aside)

    def _item(self, item: Item, section: type[Section] | None, path: Path) -> Item:
        if isinstance(item.value, tuple):
            elements = enumerate(item.value)
            return Item(tuple(self._item(each, section, (*path, n)) for n, each in elements), item.place)
        if isinstance(item.value, Block) and section is not None:
            return Item(self.block(item.value, section, path), item.place)
        return item

    def _address(self, address: AddressKey, item: Item) -> Mapping[str, Item]:
        if not isinstance(item.value, str):
            return {address.port: item}
        try:
            endpoint = parse_listen(item.value)
        except AddressError as error:
            self.problems.append(Problem(str(error), item.place))
            return {}
        return {
            address.host: Item(endpoint.host, item.place),
            address.port: Item(endpoint.port, item.place),
        }


def _given_twice(member: Member, earlier: Member, *, guarded: bool) -> str:
    if member.key.lower() == earlier.key.lower():
        what = f'"{member.key}" is given twice, first at {earlier.place}'
    else:
        what = f'"{member.key}" sets the same as "{earlier.key}" at {earlier.place}'
    return f"{what}; {'keep one of them' if guarded else 'the last one counts'}"


def _guards(section: type[Section], name: str, value: object) -> bool:
    """Whether a field, or what is given within it, decides about logins or encryption."""
    info = section.model_fields[name]
    inner = inner_section(info)
    if key_of(info).guards or inner is None or not isinstance(value, dict):
        return key_of(info).guards
    return any(_guards(inner, each, given) for each, given in value.items())


def _is_off(key: str, value: object) -> bool:
    """Whether a refused key has a value that means off; an empty array of users accepts no client."""
    return value != () and (asks_for_nothing(value) or value == DEFAULTS.get(key))


def _is_only_variable(member: Member, section: type[Section], path: Path) -> bool:
    """Whether a key that variables refer to has no other meaning: current servers' names came later here.

    It would be refused at the top, or is the other name of a section, and its value is no map.
    """
    key = member.key.lower()
    if key in section.refused:
        return not path
    names = _fields_by_key(section).get(key, ())
    if len(names) != 1 or names[0] == key or isinstance(member.item.value, Block | tuple | bool):
        return False
    return inner_section(section.model_fields[names[0]]) is not None


def _is_known(member: Member, section: type[Section], variables: AbstractSet[str]) -> bool:
    key = member.key.lower()
    return key in section.refused or key in section.idle or member.key in variables


@lru_cache(maxsize=64)  # a program may start many servers
def _fields_by_key(section: type[Section]) -> Mapping[str, tuple[str, ...]]:
    """Names of fields by all keys that set them."""
    addresses = {key: (address.host, address.port) for key, address in section.addresses.items()}
    return addresses | {
        key: (name,)
        for name, info in section.model_fields.items()
        if not key_of(info).hidden
        for key in chain((name,), key_of(info).also)
    }
