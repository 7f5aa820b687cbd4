"""Handing outboxes to their wires by the clock, in the plain twin."""

import math
from collections.abc import Callable

from .constants import BYTES_PER_CHECK, FLUSH_BYTES, FLUSH_SECONDS, OUTBOXES_PER_CHECK
from .outbox import Outbox


class Flushing:
    """The outboxes for which a flush had no time."""

    __slots__ = ("rest",)

    def __init__(self) -> None:
        self.rest: list[Outbox] = []

    def hand_over(self, outboxes: list[Outbox], clock: Callable[[], float]) -> bool:
        """Whether some were left. An outbox that fails costs its connection."""
        until = clock() + FLUSH_SECONDS if len(outboxes) > 1 else math.inf
        room, check = FLUSH_BYTES, FLUSH_BYTES - BYTES_PER_CHECK
        for position, outbox in enumerate(outboxes, 1):
            try:
                room -= outbox.flush()
            except Exception as error:  # noqa: BLE001 - the others are handed over all the same
                outbox.owner.failed(error)
            if position == len(outboxes):
                break
            if position % OUTBOXES_PER_CHECK == 0 or room <= check:
                check = room - BYTES_PER_CHECK
                if room <= 0 or clock() >= until:
                    self.rest += outboxes[position:]
                    return True
        return False
