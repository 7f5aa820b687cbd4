"""The text of the board: a few lines about the server, and a table of its clients."""

import csv
import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from math import isnan, nan

from app.adapters.top.answers import Client
from app.adapters.top.rates import Pace, Reading
from app.adapters.top.wording import columns, count, plain_cell, shortened, size
from app.domain.text import printable

UNKNOWN = "-"
"""Stands where a rate is not known yet."""

WIDEST = 48
"""Columns of the terminal that a cell takes at most; the last cell of a line takes what it needs."""

_GAP = "  "
_NUMBERS = {"CID", "SUBS", "PENDING", "MSGS_TO", "MSGS_FROM", "BYTES_TO", "BYTES_FROM"}

_FRACTION = re.compile(r"\.[0-9]+")
"""Of a second; nobody reads it."""

_NO_PACE = Pace(nan, nan, nan, nan)

FindName = Callable[[str], str | None]
"""The name of an IP address, if it is known."""


@dataclass(frozen=True, slots=True)
class Look:
    """What the reader wants to see."""

    subscriptions: bool = False
    rates: bool = False
    """Per second in the table, in place of totals."""
    raw: bool = False
    """All digits of a figure."""
    find_name: FindName | None = None
    """How addresses become names; None shows addresses."""


def summary(reading: Reading, look: Look, note: str = "") -> list[str]:
    """The lines about the server; a note goes behind the first one."""
    server, traffic = reading.server, reading.server.traffic
    pace = reading.pace or _NO_PACE
    load = f"CPU: {server.cpu:5.1f}%  Memory: {size(server.mem, raw=False)}"
    version, uptime = printable(server.version), printable(server.uptime)
    return [
        f"NATS server version {version} (uptime: {uptime}) {note}".rstrip(),
        f"Server: {printable(server.name)}".rstrip(),
        f"  ID:   {printable(server.id)}",
        f"  Load: {load}  Slow Consumers: {server.slow_consumers}",
        _way("In:", (traffic.in_msgs, traffic.in_bytes), (pace.in_msgs, pace.in_bytes), look),
        _way("Out:", (traffic.out_msgs, traffic.out_bytes), (pace.out_msgs, pace.out_bytes), look),
    ]


def _way(name: str, totals: tuple[int, int], per_second: tuple[float, float], look: Look) -> str:
    """The line of what goes in, or out."""
    msgs, data = count(totals[0], raw=look.raw), size(totals[1], raw=look.raw)
    known = not isnan(per_second[0])
    pace = f"{per_second[0]:.1f}" if known else UNKNOWN
    data_pace = size(per_second[1], raw=look.raw) if known else UNKNOWN
    return f"  {name:<5} Msgs: {msgs:<7} Bytes: {data:<7} Msgs/Sec: {pace:<9} Bytes/Sec: {data_pace}"


def table(reading: Reading, look: Look) -> list[list[str]]:
    """The clients: a row of headings, and a row for each of them."""
    named = any(client.name for client in reading.clients)
    headings = ["HOST", "CID", *(["NAME"] if named else []), "SUBS", "PENDING"]
    headings += ["MSGS_TO", "MSGS_FROM", "BYTES_TO", "BYTES_FROM"]
    headings += ["LANG", "VERSION", "UPTIME", "LAST_ACTIVITY"]
    headings += ["SUBSCRIPTIONS"] if look.subscriptions else []
    return [
        headings,
        *(_row(client, reading.paces.get(client.cid), look, named) for client in reading.clients),
    ]


def aligned(rows: list[list[str]]) -> list[str]:
    """Rows as lines: texts to the left, numbers to the right."""
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


def plain_text(reading: Reading, look: Look) -> str:
    """The whole board, for a file."""
    heading = f"Connections Polled: {len(reading.clients)}"
    lines = [*summary(reading, look), "", heading, *aligned(table(reading, look))]
    return "\n".join(lines) + "\n"


def delimited_text(reading: Reading, look: Look, delimiter: str) -> str:
    """The table alone, for programs; `delimiter` is one character.

    Texts of clients are no formulas, whatever they begin with: a quotation mark comes before those that
    a spreadsheet would calculate.
    """
    text = io.StringIO()
    rows = [[plain_cell(cell) for cell in row] for row in table(reading, look)]
    csv.writer(text, delimiter=delimiter, lineterminator="\n").writerows(rows)
    return text.getvalue()


def _row(client: Client, pace: Pace | None, look: Look, named: bool) -> list[str]:  # noqa: FBT001 - one of many columns
    return [
        _host(client, look),
        str(client.cid),
        *([printable(client.name)] if named else []),
        str(client.subs),
        count(client.pending, raw=look.raw),
        *_traffic(client, pace, look),
        printable(client.lang),
        printable(client.version),
        printable(client.uptime),
        printable(_FRACTION.sub("", client.last_activity)),
        *([", ".join(map(printable, client.subjects))] if look.subscriptions else []),
    ]


def _host(client: Client, look: Look) -> str:
    address = f"[{client.ip}]:{client.port}" if ":" in client.ip else f"{client.ip}:{client.port}"
    name = look.find_name(client.ip) if look.find_name else None
    return printable(f"{name}:{client.port}" if name else address)


def _traffic(client: Client, pace: Pace | None, look: Look) -> list[str]:
    if look.rates and pace is None:
        return [UNKNOWN] * 4
    shown = pace if look.rates and pace is not None else client.traffic
    return [
        count(shown.out_msgs, raw=look.raw),
        count(shown.in_msgs, raw=look.raw),
        size(shown.out_bytes, raw=look.raw),
        size(shown.in_bytes, raw=look.raw),
    ]
