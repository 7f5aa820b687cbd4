"""The chart: a bar for each ratio on a logarithmic scale, a mark for each goal, as SVG."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from benchmarks.measure import Result
from benchmarks.servers import NATIVE, PEER, PLAIN

_LEFT, _WIDTH, _STEP, _TOP = 360, 480, 30, 60
_FROM, _TO = 0.25, 64.0
_COLOURS = {NATIVE: "#2b7bb9", PLAIN: "#e0a030"}


@dataclass(frozen=True, slots=True)
class Bar:
    """One line of the chart."""

    title: str
    ratios: dict[str, float]
    goal: float | None


def bars_of(results: Sequence[Result]) -> list[Bar]:
    """The figures that have a ratio to the peer."""
    bars = []
    for result in results:
        for figure in result.row.figures:
            peer = result.median(PEER, figure.name)
            ratios: dict[str, float] = {}
            for server in _COLOURS:
                ours = result.median(server, figure.name)
                ratio = figure.ratio(ours, peer) if ours is not None and peer is not None else None
                if ratio is not None:
                    ratios[server] = ratio
            if ratios and (figure.goal is not None or figure.more_is_better):
                title = (
                    result.row.title if len(result.row.figures) == 1 else f"{result.row.title}: {figure.name}"
                )
                bars.append(Bar(title, ratios, figure.goal))
    return bars


def position(ratio: float) -> float:
    """Where a ratio stands, in pixels from the left edge of the scale."""
    clipped = min(max(ratio, _FROM), _TO)
    return _WIDTH * math.log(clipped / _FROM) / math.log(_TO / _FROM)


def draw(bars: Sequence[Bar]) -> str:
    """The chart as an SVG document."""
    height = _TOP + _STEP * len(bars) + 20
    size = f"0 0 {_LEFT + _WIDTH + 60} {height}"
    title = "times better than nats-server (Go); the line at 1 is equal"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{size}" font-family="sans-serif" font-size="12">',
        '<rect width="100%" height="100%" fill="white"/>',
        f'<text x="{_LEFT}" y="18" font-size="14">{title}</text>',
        _legend(),
    ]
    ratio = _FROM
    while ratio <= _TO:
        x = _LEFT + position(ratio)
        stroke = "#444" if ratio == 1 else "#ddd"
        parts.append(
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP - 8}" y2="{height - 12}" stroke="{stroke}"/>'
        )
        parts.append(f'<text x="{x:.1f}" y="{_TOP - 12}" text-anchor="middle" fill="#666">{ratio:g}</text>')
        ratio *= 2
    for row, bar in enumerate(bars):
        parts += _bar(bar, _TOP + row * _STEP)
    return "\n".join([*parts, "</svg>", ""])


def _legend() -> str:
    return (
        "".join(
            f'<rect x="{_LEFT + offset}" y="26" width="10" height="10" fill="{_COLOURS[server]}"/>'
            f'<text x="{_LEFT + offset + 15}" y="35">{server} data plane</text>'
            for server, offset in ((NATIVE, 0), (PLAIN, 140))
        )
        + f'<text x="{_LEFT + 280}" y="35">◆ goal</text>'
    )


def _bar(bar: Bar, y: int) -> list[str]:
    parts = [f'<text x="{_LEFT - 8}" y="{y + 16}" text-anchor="end">{escape(bar.title)}</text>']
    for index, (server, ratio) in enumerate(bar.ratios.items()):
        top = y + 2 + index * 11
        width = max(position(ratio), 1.0)
        parts.append(
            f'<rect x="{_LEFT}" y="{top}" width="{width:.1f}" height="10" fill="{_COLOURS[server]}"/>'
        )
        parts.append(f'<text x="{_LEFT + width + 4:.1f}" y="{top + 9}" font-size="10">{ratio:.3g}</text>')
    if bar.goal is not None:
        x = _LEFT + position(bar.goal)
        parts.append(f'<text x="{x:.1f}" y="{y + 18}" text-anchor="middle" fill="#c03030">◆</text>')
    return parts
