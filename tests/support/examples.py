"""How many examples a property test draws, as a multiple of what the profile says."""

from hypothesis import settings


def examples(share: float) -> settings:
    """Settings for this multiple of the profile's examples: `quick` draws few, `explore` very many."""
    return settings(max_examples=max(1, int(share * settings().max_examples)))
