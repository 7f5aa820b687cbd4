"""How far each source of a stream was read, kept beside the stream.

The copies themselves say it, too, but they may be gone: a work queue of copies is often empty. A
position is written when its copies are safe, and becomes safe with the next removal of a message.
So what it does not know yet is found in copies that are still there, after `seen`.
"""

from typing import NamedTuple

from ...protocol.json_text import dump
from ..errors import JetStreamError
from ..json_values import parse
from ..storage.seam import StateLog, StreamStorage

NAME = " feeds"
"""Where it is kept among the states of consumers: none of these has a blank in its name."""

MOST_CHANGES = 4096
"""Bytes of changes after which all positions are written again."""

Index = tuple[str, str, str]
"""What distinguishes a source: origin, filters, destinations."""


class FeedPosition(NamedTuple):
    """Of one source."""

    sequence: int
    """The last sequence of the origin that is copied."""
    identity: str
    """Of that origin."""


class FeedPositions:
    """The positions of one stream."""

    def __init__(self, storage: StreamStorage) -> None:
        self._storage = storage
        self._state: StateLog | None = None
        self.positions: dict[Index, FeedPosition] = {}
        self.seen = 0
        """The last sequence of the stream when the last position was written."""

    def load(self) -> None:
        """Know what was written."""
        if NAME not in self._storage.consumers:
            return
        self._state = state = self._storage.open_consumer(NAME)
        for record in (state.checkpoint, *state.changes):
            self._read(record)

    def _read(self, record: bytes) -> None:
        try:
            rows = parse(record) if record else []
        except JetStreamError:
            return
        for row in rows if isinstance(rows, list) else []:
            match row:
                case [str(origin), str(filters), str(made), int(sequence), str(identity), int(seen)]:
                    self.positions[origin, filters, made] = FeedPosition(sequence, identity)
                    self.seen = max(self.seen, seen)
                case _:
                    pass

    def note(self, index: Index, position: FeedPosition, seen: int) -> None:
        """A source was read up to there, and all of it is safe."""
        state = self._state
        if state is None:
            state = self._state = self._storage.write_consumer(NAME, {})
        self.positions[index] = position
        self.seen = seen
        if state.appended > MOST_CHANGES:
            state.replace(dump([[*each, *place, seen] for each, place in self.positions.items()]))
        else:
            state.append(dump([[*index, *position, seen]]))
