"""Finding PING in the input of a held publisher, which is received but not processed yet.

A client counts its unanswered pings, and gives a server up that answers none of them.
While its messages wait, its input is read ahead and only looked at: messages are passed
over by their size, other lines as they are, and each PING is counted.

What a peer sends here costs no more than to receive it: one search passes over all lines
without meaning, and counts a run of PINGs at once.
"""

import re

_LONGEST_SIZE = 18

_PINGS = rb"((?:ping[ \t\r]*\n)++)"
_MESSAGE = rb"(?:%b)(?=[ \t\r\n])([^\n]*)\n"

AHEAD_BYTES = 16 * 1024
"""What is read at once of a peer that has to wait, so that looking at it takes a small part of a turn."""


class LookAhead:
    """Counts the PINGs in a stream of lines and messages, fed piece by piece.

    It keeps no input but an incomplete line. It stops at a line that is too long or
    malformed: nobody can say where the next line begins.
    """

    __slots__ = ("_line", "_longest", "_next", "_skip", "over")

    def __init__(self, verbs: frozenset[bytes], longest: int) -> None:
        """`verbs` are those that a payload follows; `longest` is the longest line, in bytes."""
        message = _MESSAGE % b"|".join(sorted(verbs))
        self._next = re.compile(rb"^(?:%b|%b)" % (_PINGS, message), re.IGNORECASE | re.MULTILINE)
        self._longest = longest
        self._line = b""
        self._skip = 0
        self.over = False
        """Whether nothing more is counted."""

    def feed(self, data: bytes) -> int:
        """The number of PING lines that end in this piece."""
        data = self._line + data
        self._line = b""
        pings = 0
        position = self._pass_payload(len(data), 0)
        while position < len(data) and not self.over:
            found = self._next.search(data, position)
            if found is None:
                self._keep(data[max(position, data.rfind(b"\n") + 1) :])
                break
            run_of_pings, argument = found.groups()
            if run_of_pings is not None:
                pings += run_of_pings.count(b"\n")
            else:
                self._begin_payload(argument)
            position = self._pass_payload(len(data), found.end())
        return pings

    def _keep(self, rest: bytes) -> None:
        self.over = len(rest) > self._longest
        self._line = b"" if self.over else rest

    def _begin_payload(self, argument: bytes) -> None:
        size = argument.split()[-1:]
        if size and size[0].isdigit() and len(size[0]) <= _LONGEST_SIZE:
            self._skip = int(size[0]) + len(b"\r\n")
        else:
            self.over = True

    def _pass_payload(self, length: int, position: int) -> int:
        """Where the next line begins, if it is in this piece."""
        passed = min(self._skip, length - position)
        self._skip -= passed
        return position + passed
