"""Lines in gnatsd's format (configuration-file.md, section 9; client-protocol.md, section 16).

    [<pid>] <YYYY/MM/DD HH:MM:SS.micros> [<LVL>] <ip>:<port> - cid:<n> - <text>

Log collectors parse this format, so its spacing is an interface.
"""

from ...domain.events import Event, Level, Link
from ...domain.text import printable
from .dates import local_date, utc_date
from .structured import EventDict

_COLOURS = {Level.INFO: 32, Level.DEBUG: 36, Level.ERROR: 31, Level.FATAL: 31, Level.TRACE: 33}


class GnatsdLine:
    """The last processor: makes a line of an event, with its time if it has one.

    With `colours` the level is coloured, without its brackets; `in_utc` says which time it is.
    """

    def __init__(self, pid: int, *, colours: bool, in_utc: bool = False) -> None:
        self._date = utc_date if in_utc else local_date
        self._pid = f"[{pid}] "
        self._labels = {level: _label(level, colours=colours) for level in Level}

    def __call__(self, logger: object, method_name: str, event_dict: EventDict) -> str:  # noqa: ARG002 - structlog's signature
        fact: Event = event_dict["fact"]
        stamp = self._stamp(event_dict["time"]) if "time" in event_dict else ""
        return f"{self._pid}{stamp}{self._labels[fact.level]}{link_prefix(fact.link)}{printable(fact.text())}"

    def _stamp(self, time: float) -> str:
        return self._date(time).strftime("%Y/%m/%d %H:%M:%S.%f ")


def _label(level: Level, *, colours: bool) -> str:
    name = f"\x1b[{_COLOURS[level]}m{level.value}\x1b[0m" if colours else level.value
    return f"[{name}] "


def link_prefix(link: Link | None) -> str:
    """The prefix of a text about a connection."""
    return f"{link.address} - {link.kind}:{link.number} - " if link else ""
