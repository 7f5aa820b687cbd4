"""The draw of a queue group's member: a small generator that both twins run alike."""

_MASK = (1 << 64) - 1
_MULTIPLIER = 0x2545F4914F6CDD1D


class Draw:
    """Uniform numbers by xorshift64*; good enough to share work, no good for secrets."""

    __slots__ = ("_state",)

    def __init__(self, seed: int) -> None:
        """`seed` is from 1 to 2**64 - 1."""
        self._state = seed

    def below(self, bound: int) -> int:
        """A number from 0 to `bound` - 1; `bound` is at most 2**32."""
        if bound == 1:
            return 0
        x = self._state
        x ^= x >> 12
        x ^= (x << 25) & _MASK
        x ^= x >> 27
        self._state = x
        return (((x * _MULTIPLIER & _MASK) >> 32) * bound) >> 32
