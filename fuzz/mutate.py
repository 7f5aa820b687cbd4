"""Mutation: makes scripts that differ a little, and are still mostly valid."""

import random

from fuzz.script import (
    CLIENTS,
    CURRENT,
    END,
    HOOKED,
    PASS,
    PEERS,
    PIECES,
    ROUTE_INFO,
    SEND,
    STALL,
    WAIT,
    Script,
    ScriptStep,
)
from tests.support.traffic_strategies import FRAGMENTS, PATTERNS, SIZES, SUBJECTS
from tests.support.virtual_cluster import SMALLER_ID, info_line

_WORDS = (
    b"PUB",
    b"pub",
    b"SUB",
    b"UNSUB",
    b"PING",
    b"PONG",
    b"CONNECT",
    b"INFO",
    b"+OK",
    b"-ERR",
    b"MSG",
    b"HPUB",
    b"hpub",
    b"HMSG",
    b"LMSG",
    b"LS+",
    b"LS-",
)
_CONNECTS = (
    b"{}",
    b'{"verbose":false}',
    b'{"pedantic":false}',
    b'{"verbose":true,"pedantic":true}',
    b'{"headers":true}',
    b'{"verbose":false,"headers":true,"no_responders":true}',
    b'{"verbose":false,"headers":true,"no_responders":true,"echo":false}',
    b'{"headers":false}',
    b'{"echo":false}',
    b'{"echo":true}',
    b'{"no_responders":true}',
    b'{"no_responders":false}',
    b"[",
    b"null",
)
_BLANKS = (b" ", b"  ", b"\t", b" \t ")
_ENDS = (b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r\r\n", b"\r")
_TIMES = (0.1, 1.0, 2.5, 121.0)
_BLOCKS = (
    b"NATS/1.0\r\nA: b\r\n\r\n",
    b"NATS/1.0\r\n\r\n",
    b"NATS/2.0 503\r\n",
    b"\r\n\r\n",
    b"A: b\r\n\r\n",
    b"NATS/1.0\r\nNats-Trace-Dest: a\r\nNats-Trace-Hop: 1.1\r\n\r\n",
    b"NATS/1.0\r\nNats-Trace-Dest: a\r\nNats-Trace-Only: 1\r\n\r\n",
)
"""Beginnings of messages with headers, whole and wrong."""

_MOST_PIECES = 1000
"""Bytes of the largest chunk that is sent in small reads."""


class Mutator:
    """Makes random variants of scripts."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance

    def mutate(self, script: Script, other: Script) -> Script:
        """A few changes to `script`, which may borrow steps of `other`."""
        steps = list(script)
        for _ in range(self._chance.randint(1, 4)):
            self._change(steps, other)
        return tuple(steps[:60])

    def _change(self, steps: list[ScriptStep], other: Script) -> None:
        place = self._chance.randint(0, len(steps))
        match self._chance.randrange(8):
            case 0 | 1:
                peer = self._peer()
                steps[place:place] = [ScriptStep(SEND, peer, self._operations(routed=peer >= CLIENTS))]
            case 2 if steps:
                del steps[place % len(steps)]
            case 3 if other:
                steps.insert(place, self._chance.choice(other))
            case 4:
                steps.insert(place, self._event())
            case 5 if steps:
                self._split(steps, place % len(steps))
            case 6 if steps:
                self._send_in_pieces(steps, place % len(steps))
            case _ if steps:
                step = steps[place % len(steps)]
                steps[place % len(steps)] = ScriptStep(
                    step.action, step.peer, self._disturb(step.data), step.number
                )

    def _peer(self) -> int:
        return self._chance.randrange(PEERS)

    def _event(self) -> ScriptStep:
        action = self._chance.choice((STALL, PASS, WAIT, END, CURRENT, HOOKED))
        return ScriptStep(action, self._peer(), b"", self._chance.choice(_TIMES))

    def _split(self, steps: list[ScriptStep], place: int) -> None:
        """Send one chunk in two reads."""
        step = steps[place]
        cut = self._chance.randint(0, len(step.data))
        halves = [
            ScriptStep(step.action, step.peer, part, step.number)
            for part in (step.data[:cut], step.data[cut:])
        ]
        steps[place : place + 1] = halves

    def _send_in_pieces(self, steps: list[ScriptStep], place: int) -> None:
        """Send one chunk in reads of a few bytes."""
        step = steps[place]
        if step.action == SEND and len(step.data) <= _MOST_PIECES:
            steps[place] = ScriptStep(PIECES, step.peer, step.data, self._chance.choice((1, 1, 2, 7)))

    def _operations(self, *, routed: bool) -> bytes:
        operation = self._routed_operation if routed else self._operation
        return b"".join(operation() for _ in range(self._chance.randint(1, 4)))

    def _routed_operation(self) -> bytes:
        """Input of a route: messages for clients and for queue members, interest, gossip."""
        choose = self._chance.choice
        blank, end, sid = choose(_BLANKS), choose(_ENDS), self._route_sid()
        match self._chance.randrange(10):
            case 0 | 1 | 2 | 3:
                return self._message(choose((b"MSG", b"msg")), choose(SUBJECTS) + blank + sid, blank, end)
            case 7 | 8:
                return self._headed(choose((b"HMSG", b"hMsg")), choose(SUBJECTS) + blank + sid, blank, end)
            case 4:
                return b"SUB " + choose(PATTERNS) + choose((b"  ", b" q ")) + sid + end
            case 5:
                return b"UNSUB " + sid + choose((b"", b" 1", b" 3")) + end
            case 6:
                return choose((ROUTE_INFO, info_line(SMALLER_ID), info_line(SMALLER_ID, headers=True)))
            case _:
                return self._operation()

    def _route_sid(self) -> bytes:
        number, sid = self._chance.randint(1, CLIENTS), self._chance.randrange(4)
        return self._chance.choice((b"RSID:%d:%d", b"QRSID:%d:%d", b"QRSID:%d:%d")) % (number, sid)

    def _operation(self) -> bytes:
        choose = self._chance.choice
        blank, end, sid = choose(_BLANKS), choose(_ENDS), b"%d" % self._chance.randrange(4)
        match self._chance.randrange(10):
            case 0 | 1 | 2:
                return self._message(b"PUB", choose(SUBJECTS), blank, end)
            case 7 | 8:
                return self._headed(choose((b"HPUB", b"hpub")), choose(SUBJECTS), blank, end)
            case 3 | 4:
                queue = choose((b"", b"", b" q"))
                return b"SUB" + blank + choose(PATTERNS) + queue + b" " + sid + end
            case 5:
                return b"UNSUB " + sid + choose((b"", b" 1", b" 3", b" x", b" 18446744073709551619")) + end
            case 6:
                return b"CONNECT " + choose(_CONNECTS) + end
            case _:
                return choose(_WORDS) + blank + choose((*SUBJECTS, *SIZES)) + end

    def _message(self, verb: bytes, address: bytes, blank: bytes, end: bytes) -> bytes:
        size = self._chance.choice((0, 1, 5, 16, 100, 5000, 70_000, 199_999))
        said = b"%d" % size if self._chance.random() < 0.9 else self._chance.choice(SIZES)
        reply = self._chance.choice((b"", b"", b"r.1 "))
        once = verb + blank + address + b" " + reply + said + end + b"x" * size + b"\r\n"
        return once * self._chance.choice((1, 1, 1, 3))

    def _headed(self, verb: bytes, address: bytes, blank: bytes, end: bytes) -> bytes:
        """A message with headers, whose sizes lie at times."""
        choose = self._chance.choice
        block, size = choose(_BLOCKS), choose((0, 1, 5, 100, 5000, 70_000, 199_900))
        payload = block + b"x" * size
        sizes = [b"%d" % len(block), b"%d" % len(payload)]
        if self._chance.random() < 0.3:
            wrong = (b"0", b"1", b"%d" % (len(payload) + 1), b"%d" % (len(payload) - 1), *SIZES)
            sizes[choose((0, 0, 0, 1))] = choose(wrong)
        reply = choose((b"", b"r.1 ", b"a "))
        once = verb + blank + address + b" " + reply + blank.join(sizes) + end + payload + b"\r\n"
        return once * choose((1, 1, 1, 3))

    def _disturb(self, data: bytes) -> bytes:
        """Replace, remove or insert a few bytes."""
        place = self._chance.randint(0, len(data))
        width = self._chance.randint(0, 4)
        new = self._chance.choice((b"", self._chance.randbytes(2), *FRAGMENTS))
        return data[:place] + new + data[place + width :]
