"""Text in quotes, as current servers write it in errors: that of Go's ``%q``."""

_NAMED = {
    '"': '\\"',
    "\\": "\\\\",
    "\a": "\\a",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\v": "\\v",
}
_FIRST_ESCAPED, _LAST_ESCAPED = 0xDC80, 0xDCFF
"""How Python reads bytes that are no UTF-8."""

_ASCII_END = 0x80
_SHORT_END = 0x10000


def quoted(text: bytes) -> bytes:
    """The text in double quotes; what cannot be printed is escaped, so it never breaks a line."""
    shown = "".join(map(_shown, text.decode("utf-8", "surrogateescape")))
    return f'"{shown}"'.encode()


def quoted_text(text: str) -> str:
    """The same for text, in which bytes that are no UTF-8 are as Python reads them."""
    return quoted(text.encode("utf-8", "surrogateescape")).decode()


def _shown(character: str) -> str:
    if character in _NAMED:
        return _NAMED[character]
    if character.isprintable():
        return character
    code = ord(character)
    if _FIRST_ESCAPED <= code <= _LAST_ESCAPED:
        return f"\\x{code - 0xDC00:02x}"
    if code < _ASCII_END:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < _SHORT_END else f"\\U{code:08x}"
