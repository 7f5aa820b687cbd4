"""The subjects of a stream: numbers for them, and what each has."""

from array import array
from collections.abc import Callable


class SubjectTable:
    """Subjects by number, from 1 on. A number is used again when its subject is gone."""

    __slots__ = ("_free", "counts", "firsts", "ids", "lasts", "names")

    def __init__(self) -> None:
        self.ids: dict[bytes, int] = {}
        self.names: list[bytes] = [b""]
        self.counts = array("Q", [0])
        self.firsts = array("Q", [0])
        """No message of the subject is below."""
        self.lasts = array("Q", [0])
        """No message of the subject is above."""
        self._free: list[int] = []

    def __len__(self) -> int:
        """How many numbers were used, those that are free included."""
        return len(self.names)

    def add(self, name: bytes, first: int) -> int:
        """Give a new subject a number; its first message is this one."""
        if self._free:
            id_ = self._free.pop()
            self.names[id_] = name
            self.firsts[id_] = self.lasts[id_] = first
        else:
            id_ = len(self.names)
            self.names.append(name)
            self.counts.append(0)
            self.firsts.append(first)
            self.lasts.append(first)
        self.ids[name] = id_
        return id_

    def drop(self, id_: int) -> None:
        """A subject has no messages any more."""
        del self.ids[self.names[id_]]
        self.names[id_] = b""
        self._free.append(id_)

    def matching(self, matches: Callable[[bytes], object]) -> list[int]:
        """The numbers of the subjects that match."""
        return [id_ for name, id_ in self.ids.items() if matches(name)]
