"""Text from strangers, made harmless for a terminal and for readers of lines.

A peer chooses much of what we log. Raw, its line ends would forge log lines, and
its escape sequences would drive the operator's terminal.
"""

from functools import lru_cache


def escape(text: str) -> str:
    r"""`text` with everything unprintable spelt out: ``\n``, ``\x1b``, ``\u202e``.

    Printable text of any script stays. So does the backslash, which gnatsd's own
    sentences contain.
    """
    if text.isprintable():
        return text
    return "".join(map(_escape_character, text))


@lru_cache(maxsize=1024)
def _escape_character(character: str) -> str:
    if character.isprintable():
        return character
    return character.encode("unicode_escape").decode("ascii")
