"""Finding PING in the input of a held publisher, which is received but not processed yet.

A client counts its unanswered pings, and gives a server up that answers none of them.
While its messages wait, its input is read ahead and only looked at: messages are passed
over by their size, other lines as they are, and each PING is counted.
"""

_BLANKS = b" \t\r"
_LONGEST_SIZE = 18


class LookAhead:
    """Counts the PINGs in a stream of lines and messages, fed piece by piece.

    It keeps no input but an incomplete line. It stops at a line that is too long or
    malformed: what comes after such a line cannot be told apart.
    """

    __slots__ = ("_line", "_longest", "_skip", "_verbs", "over")

    def __init__(self, verbs: frozenset[bytes], longest: int) -> None:
        """`verbs` are those, in capitals, that a payload follows; `longest` is the longest line, in bytes."""
        self._verbs = verbs
        self._longest = longest
        self._line = b""
        self._skip = 0
        self.over = False
        """Whether nothing more is counted."""

    def feed(self, data: bytes) -> int:
        """The number of PING lines that end in this piece."""
        pings = 0
        position = 0
        while position < len(data) and not self.over:
            if self._skip:
                passed = min(self._skip, len(data) - position)
                self._skip -= passed
                position += passed
                continue
            end = data.find(b"\n", position)
            if end < 0:
                self._keep(data[position:])
                break
            pings += self._judge(self._line + data[position:end])
            self._line = b""
            position = end + 1
        return pings

    def _keep(self, rest: bytes) -> None:
        self._line += rest
        self.over = len(self._line) > self._longest

    def _judge(self, line: bytes) -> bool:
        """Whether it is PING; a message's payload is passed over from here on."""
        verb = line[:4].rstrip(_BLANKS).upper()
        if verb == b"PING":
            return not line[4:].strip(_BLANKS)
        if verb in self._verbs:
            size = line.split()[-1]
            if size.isdigit() and len(size) <= _LONGEST_SIZE:
                self._skip = int(size) + len(b"\r\n")
            else:
                self.over = True
        return False
