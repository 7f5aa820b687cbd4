"""Distinguished names: the subjects of certificates, as text and in parts (RFC 2253, RFC 4514)."""

import re
from typing import Final

Attribute = tuple[str, str]
"""A type in capitals, by its short name or its numbers, and a value."""

RelativeName = tuple[Attribute, ...]
"""One attribute, in rare certificates several."""

DistinguishedName = tuple[RelativeName, ...]
"""The parts, the narrowest first, as the text has them. A certificate has them the other way round."""

SHORT_NAMES: Final = {
    "0.9.2342.19200300.100.1.25": "DC",
    "2.5.4.3": "CN",
    "2.5.4.5": "SERIALNUMBER",
    "2.5.4.6": "C",
    "2.5.4.7": "L",
    "2.5.4.8": "ST",
    "2.5.4.9": "STREET",
    "2.5.4.10": "O",
    "2.5.4.11": "OU",
    "2.5.4.17": "POSTALCODE",
}
"""The names of types that have one, by their numbers: those that nats-server 2.15 knows."""

_TOKEN = re.compile(r"""\\(?:[ "#+,;<=>\\]|[0-9A-Fa-f]{2})|[^\\]""", re.DOTALL)
_ESCAPED_LENGTH = 2
"""Characters of ``\\,``; the hexadecimal form ``\\2c`` has three."""

_SPECIAL = re.compile(r'[,+"\\<>;]|^[ #]| $')


def parse_name(text: str) -> DistinguishedName | None:
    """The parts of a name; None if the text is none. Blanks around types and values mean nothing."""
    tokens: list[str] = _TOKEN.findall(text)
    if sum(map(len, tokens)) != len(text):
        return None
    name = []
    for part in _split(tokens, ","):
        attributes = [_attribute(each) for each in _split(part, "+")]
        known = tuple(each for each in attributes if each is not None)
        if len(known) != len(attributes):
            return None
        name.append(known)
    return tuple(name)


def _split(tokens: list[str], separator: str) -> list[list[str]]:
    parts: list[list[str]] = [[]]
    for token in tokens:
        if token == separator:
            parts.append([])
        else:
            parts[-1].append(token)
    return parts


def _attribute(tokens: list[str]) -> Attribute | None:
    if "=" not in tokens:
        return None
    at = tokens.index("=")
    kind, value = "".join(_stripped(tokens[:at])), _stripped(tokens[at + 1 :])
    text = _unescaped(value)
    if not kind or "\\" in kind or value[:1] == ["#"] or text is None:
        return None
    return kind.upper(), text


def _stripped(tokens: list[str]) -> list[str]:
    """Without the blanks at both ends that are not escaped."""
    start, end = 0, len(tokens)
    while start < end and tokens[start] == " ":
        start += 1
    while end > start and tokens[end - 1] == " ":
        end -= 1
    return tokens[start:end]


def _unescaped(tokens: list[str]) -> str | None:
    """The value; None where its escapes are no UTF-8."""
    data = bytearray()
    for token in tokens:
        if len(token) > _ESCAPED_LENGTH:
            data += bytes.fromhex(token[1:])
        else:
            data += token[-1].encode("utf-8", "surrogatepass")
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None


def name_text(name: DistinguishedName) -> str:
    """The name as text, in the form that `parse_name` reads."""
    return ",".join("+".join(f"{kind}={escaped(value)}" for kind, value in part) for part in name)


def escaped(value: str) -> str:
    """A value as names have it: what has a meaning there follows a backslash."""
    return _SPECIAL.sub(r"\\\g<0>", value)
