"""Lines for syslog daemons, in gnatsd's format (configuration-file.md, section 9).

    <priority>stamp [host ]gnatsd[pid]: text

Level and process are in the header, so the text begins with the connection. A local
daemon gets the traditional time stamp, ``Nov 23 03:30:24``, and no host name; a remote
one gets RFC 3339 and our host name.
"""

import socket
from collections.abc import Callable
from datetime import datetime
from enum import IntEnum

from ...domain.events import Event, Level
from ...domain.text import printable
from .dates import local_date
from .gnatsd_format import link_prefix
from .json_format import renderer, unfold
from .structured import EventDict

_TAG = "gnatsd"
_SEVERITIES = {Level.INFO: 5, Level.ERROR: 3, Level.FATAL: 2, Level.DEBUG: 7, Level.TRACE: 5}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Facility(IntEnum):
    """Facilities, in syslog's numbers."""

    KERNEL = 0
    """The facility that gnatsd uses for a remote daemon."""
    DAEMON = 3
    """The facility that gnatsd uses for the local daemon."""


class SyslogLine:
    """The last processor: turns an event into a message for a syslog daemon."""

    def __init__(
        self,
        facility: Facility,
        pid: int,
        clock: Callable[[], float],
        text: Callable[[EventDict], str],
        *,
        local: bool,
    ) -> None:
        """`clock` returns seconds since the epoch; `local` means a daemon on this machine."""
        self._priorities = {level: 8 * facility + severity for level, severity in _SEVERITIES.items()}
        self._clock = clock
        self._text = text
        self._stamp = _local_stamp if local else _remote_stamp
        self._source = f"{_TAG}[{pid}]" if local else f"{socket.gethostname()} {_TAG}[{pid}]"

    def __call__(self, logger: object, method_name: str, event_dict: EventDict) -> str:  # noqa: ARG002 - structlog's signature
        fact: Event = event_dict["fact"]
        stamp = self._stamp(local_date(self._clock()))
        return f"<{self._priorities[fact.level]}>{stamp} {self._source}: {self._text(event_dict)}"


def plain_text(event_dict: EventDict) -> str:
    """The connection and the sentence."""
    fact: Event = event_dict["fact"]
    return f"{link_prefix(fact.link)}{printable(fact.text())}"


def json_text(event_dict: EventDict) -> str:
    """The event as a JSON object, as in `json_format`."""
    return str(renderer()(None, "", unfold(None, "", event_dict)))


def _local_stamp(time: datetime) -> str:
    """The traditional time stamp. A day of one digit has a blank before it; months are English."""
    return f"{_MONTHS[time.month - 1]} {time.day:2} {time:%H:%M:%S}"


def _remote_stamp(time: datetime) -> str:
    return time.isoformat(timespec="seconds").replace("+00:00", "Z")
