"""What a server has acknowledged: it has to know that after each crash."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.kills.link import Arrival


@dataclass
class Ledger:
    """One stream's acknowledgements, and what was found to be wrong with them."""

    published: int = 0
    """Messages that were sent. Each has its number as payload."""
    acknowledged: dict[int, int] = field(default_factory=dict)
    """Number by sequence."""
    with_ids: dict[int, int] = field(default_factory=dict)
    """Those that have an id."""
    asked: set[int] = field(default_factory=set)
    """Sequences for which a double ack was sent: they may be gone."""
    settled: set[int] = field(default_factory=set)
    """Sequences whose double ack was answered: they are gone."""
    last: int = 0
    """The highest sequence that was acknowledged."""
    refused: int = 0
    broken: list[str] = field(default_factory=list)

    def next_payload(self) -> bytes:
        """The payload of the next message."""
        self.published += 1
        return payload_of(self.published)

    def take_ack(self, number: int, arrival: Arrival) -> int:
        """A publish was answered; returns its sequence, or 0 if it was refused."""
        if not arrival.payload:
            self.broken.append(f"{number} was answered with {arrival.headers!r}")
            return 0
        answer = json.loads(arrival.payload)
        if "error" in answer:
            self.refused += 1
            return 0
        sequence: int = answer["seq"]
        known = self.acknowledged.setdefault(sequence, number)
        if known != number:
            self.broken.append(f"{sequence} was acknowledged for {known} and for {number}")
        self.last = max(self.last, sequence)
        return sequence

    def delivered(self, sequence: int, payload: bytes) -> None:
        """A message was delivered."""
        number = self.acknowledged.get(sequence)
        if number is not None and payload != payload_of(number):
            self.broken.append(f"{sequence} is {payload[:40]!r}, and was acknowledged as {number}")
        if sequence in self.settled:
            self.broken.append(f"{sequence} was delivered after its double ack was answered")

    def missing(self, there: Iterable[int], since: int = 1) -> None:
        """`there` are the sequences from `since` on that a stream has."""
        found = set(there)
        expected = {each for each in self.acknowledged if each >= since} - self.asked
        lost = sorted(expected - found)
        if lost:
            self.broken.append(f"{len(lost)} acknowledged messages are missing, {lost[:5]} among them")
        back = sorted(found & self.settled)
        if back:
            self.broken.append(f"{len(back)} settled messages are back, {back[:5]} among them")


def payload_of(number: int) -> bytes:
    """What a message consists of: its number, to 128 bytes."""
    return b"%d" % number + b"." * (128 - len(str(number)))
