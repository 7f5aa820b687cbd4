"""The text of the board: a few lines about the server, and a table of its clients."""

import csv
import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from math import isnan, nan

from ...domain.text import printable
from .answers import ClientAnswer
from .formatting import columns, count, plain_cell, shortened, size
from .rates import ServerReading, TrafficRates

UNKNOWN = "-"
"""Shown for a rate that is not known yet."""

WIDEST = 48
"""Widest cell, in columns of the terminal; the last cell of a line is not cut."""

_GAP = "  "
_NUMBERS = {"CID", "SUBS", "PENDING", "MSGS_TO", "MSGS_FROM", "BYTES_TO", "BYTES_FROM"}

_FRACTION = re.compile(r"\.[0-9]+")
"""The fraction of a second, which is not shown."""

_NO_RATES = TrafficRates(nan, nan, nan, nan)

FindName = Callable[[str], str | None]
"""The name of an IP address, if it is known."""


@dataclass(frozen=True, slots=True)
class Display:
    """What to show, and how."""

    subscriptions: bool = False
    rates: bool = False
    """Show rates per second in the table in place of totals."""
    raw: bool = False
    """Show all digits of a figure."""
    find_name: FindName | None = None
    """Looks up the name of an address; None shows addresses."""


def summary(reading: ServerReading, display: Display, note: str = "") -> list[str]:
    """The lines about the server; a note is added to the first one."""
    server, traffic = reading.server, reading.server.traffic
    rates = reading.rates or _NO_RATES
    load = f"CPU: {server.cpu:5.1f}%  Memory: {size(server.mem, raw=False)}"
    version, uptime = printable(server.version), printable(server.uptime)
    return [
        f"NATS server version {version} (uptime: {uptime}) {note}".rstrip(),
        f"Server: {printable(server.name)}".rstrip(),
        f"  ID:   {printable(server.id)}",
        f"  Load: {load}  Slow Consumers: {server.slow_consumers}",
        _way("In:", (traffic.in_msgs, traffic.in_bytes), (rates.in_msgs, rates.in_bytes), display),
        _way("Out:", (traffic.out_msgs, traffic.out_bytes), (rates.out_msgs, rates.out_bytes), display),
    ]


def _way(name: str, totals: tuple[int, int], per_second: tuple[float, float], display: Display) -> str:
    """The line of incoming or outgoing traffic."""
    msgs, data = count(totals[0], raw=display.raw), size(totals[1], raw=display.raw)
    known = not isnan(per_second[0])
    rates = f"{per_second[0]:.1f}" if known else UNKNOWN
    data_rate = size(per_second[1], raw=display.raw) if known else UNKNOWN
    return f"  {name:<5} Msgs: {msgs:<7} Bytes: {data:<7} Msgs/Sec: {rates:<9} Bytes/Sec: {data_rate}"


def table(reading: ServerReading, display: Display) -> list[list[str]]:
    """The table of clients: a row of headings, and a row for each client."""
    named = any(client.name for client in reading.clients)
    headings = ["HOST", "CID", *(["NAME"] if named else []), "SUBS", "PENDING"]
    headings += ["MSGS_TO", "MSGS_FROM", "BYTES_TO", "BYTES_FROM"]
    headings += ["LANG", "VERSION", "UPTIME", "LAST_ACTIVITY"]
    headings += ["SUBSCRIPTIONS"] if display.subscriptions else []
    return [
        headings,
        *(_row(client, reading.client_rates.get(client.cid), display, named) for client in reading.clients),
    ]


def aligned(rows: list[list[str]]) -> list[str]:
    """Rows as lines: texts are aligned left, numbers right."""
    headings = rows[0]
    rows = [[*(shortened(cell, WIDEST) for cell in row[:-1]), row[-1]] for row in rows]
    widths = [max(map(columns, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        blanks = [" " * (width - columns(cell)) for cell, width in zip(row, widths, strict=True)]
        cells = [
            blank + cell if heading in _NUMBERS else cell + blank
            for cell, blank, heading in zip(row, blanks, headings, strict=True)
        ]
        lines.append((_GAP + _GAP.join(cells)).rstrip())
    return lines


def plain_text(reading: ServerReading, display: Display) -> str:
    """The whole board, for a file."""
    heading = f"Connections Polled: {len(reading.clients)}"
    lines = [*summary(reading, display), "", heading, *aligned(table(reading, display))]
    return "\n".join(lines) + "\n"


def delimited_text(reading: ServerReading, display: Display, delimiter: str) -> str:
    """The table alone, for programs; `delimiter` is one character.

    Texts of clients are never formulas: those that a spreadsheet would calculate begin with a
    quotation mark.
    """
    text = io.StringIO()
    rows = [[plain_cell(cell) for cell in row] for row in table(reading, display)]
    csv.writer(text, delimiter=delimiter, lineterminator="\n").writerows(rows)
    return text.getvalue()


def _row(client: ClientAnswer, rates: TrafficRates | None, display: Display, named: bool) -> list[str]:  # noqa: FBT001 - one of many columns
    return [
        _host(client, display),
        str(client.cid),
        *([printable(client.name)] if named else []),
        str(client.subs),
        count(client.pending, raw=display.raw),
        *_traffic(client, rates, display),
        printable(client.lang),
        printable(client.version),
        printable(client.uptime),
        printable(_FRACTION.sub("", client.last_activity)),
        *([", ".join(map(printable, client.subjects))] if display.subscriptions else []),
    ]


def _host(client: ClientAnswer, display: Display) -> str:
    address = f"[{client.ip}]:{client.port}" if ":" in client.ip else f"{client.ip}:{client.port}"
    name = display.find_name(client.ip) if display.find_name else None
    return printable(f"{name}:{client.port}" if name else address)


def _traffic(client: ClientAnswer, rates: TrafficRates | None, display: Display) -> list[str]:
    if display.rates and rates is None:
        return [UNKNOWN] * 4
    shown = rates if display.rates and rates is not None else client.traffic
    return [
        count(shown.out_msgs, raw=display.raw),
        count(shown.in_msgs, raw=display.raw),
        size(shown.out_bytes, raw=display.raw),
        size(shown.in_bytes, raw=display.raw),
    ]
