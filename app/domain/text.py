"""Text from peers and files, made safe for a terminal and for readers of lines.

A peer or a file chooses much of what is logged or shown. Raw, its line ends would
forge log lines, and its escape sequences would drive the operator's terminal.
"""

from functools import lru_cache


def printable(text: str) -> str:
    r"""`text` with everything unprintable spelt out: ``\n``, ``\x1b``, ``\u202e``.

    Printable text of any script stays. So does the backslash, which gnatsd's own
    sentences contain.
    """
    return text if text.isprintable() else "".join(map(_printable_character, text))


@lru_cache(maxsize=1024)
def _printable_character(character: str) -> str:
    return character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
