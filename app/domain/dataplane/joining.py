"""Receivers that are reached over one link, made one receiver. Both twins use it, where there are several.

The other end of a leaf link matches a line again: two lines would give its plain subscriptions the message
twice. The same holds where the link is another server's: then that one is given one name for all queue
groups at a link, and for its plain receivers a name that leaves the link out.
"""

from collections.abc import Callable, Iterable
from typing import Protocol, TypeVar

from .constants import FAR_MEMBER, MEMBER_MARK, NOT_FOR

GROUPS_MARK = b"*"
"""What comes before each queue group, in hex, in a name for several, after the number of the link."""

_LONGEST_NUMBER = 18


class _Receiver(Protocol):
    """A target, as far as it matters."""

    @property
    def outbox(self) -> object: ...

    @property
    def sid(self) -> bytes: ...


R = TypeVar("R", bound=_Receiver)


def joined(targets: Iterable[R], make: Callable[..., R]) -> list[R]:
    """The same, but for one target for each link, as `make` makes it of an outbox and a sid."""
    others: list[R] = []
    lines: dict[object, list[R]] = {}
    far: dict[object, dict[bytes, list[R]]] = {}
    for target in targets:
        outbox, sid = target.outbox, target.sid
        if outbox is not None and _is_leaf(outbox):
            lines.setdefault(outbox, []).append(target)
        elif outbox is not None and sid.startswith(FAR_MEMBER):
            far.setdefault(outbox, {}).setdefault(link_of(sid), []).append(target)
        else:
            others.append(target)
    found = [_kept_from(target, far.get(target.outbox), make) for target in others]
    for outbox, links in far.items():
        found += [
            members[0] if len(members) == 1 else _far(outbox, members, make) for members in links.values()
        ]
    for outbox, line in lines.items():
        names = b" ".join(target.sid for target in line if target.sid)
        found.append(line[0] if len(line) == 1 else make(outbox, names, None))
    return found


def _is_leaf(outbox: object) -> bool:
    return bool(getattr(outbox, "leaf", False))


def _kept_from(target: R, links: dict[bytes, list[R]] | None, make: Callable[..., R]) -> R:
    """A plain receiver that is another server, with a name that says which of its links have the message."""
    sid = target.sid
    if links is None or (sid.startswith(MEMBER_MARK) and not sid.startswith(NOT_FOR)):
        return target
    begin = sid if sid.startswith(NOT_FOR) else NOT_FOR
    return make(target.outbox, begin + b"#" + b",".join(links), None)


def _far(outbox: object, members: list[R], make: Callable[..., R]) -> R:
    """One name for all queue groups at a link of another server."""
    prefix = b":".join(members[0].sid.split(b":", 3)[:3])
    names = (GROUPS_MARK + queue_of(member.sid).hex().encode() for member in members)
    return make(outbox, prefix + b":" + b"".join(names), None)


def link_of(sid: bytes) -> bytes:
    """The number of the link that a far member is at, as its server has it; empty if the sid has none."""
    words = sid.split(b":", 3)
    return words[2] if len(words) > 2 else b""


def is_number(word: bytes) -> bool:
    """Whether it is one that a link may have."""
    return word.isdigit() and len(word) <= _LONGEST_NUMBER


def queue_of(sid: bytes) -> bytes:
    """The queue group of a far member; see `lines.interest_sid`."""
    size, _, rest = b"".join(sid.split(b":", 3)[3:]).partition(b":")
    return rest[: int(size)] if is_number(size) else b""


def read_groups(sid: bytes) -> tuple[int, list[bytes]] | None:
    """The number of our link, and the queue groups there that a name is for; None for any other sid."""
    words = sid.split(b":", 3)
    if len(words) < 4 or not sid.startswith(FAR_MEMBER) or not words[3].startswith(GROUPS_MARK):
        return None
    if not is_number(words[2]):
        return None
    try:
        return int(words[2]), [
            bytes.fromhex(word.decode("ascii")) for word in words[3].split(GROUPS_MARK)[1:]
        ]
    except ValueError:
        return None
