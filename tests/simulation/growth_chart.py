"""The chart of growth: lines on two logarithmic scales, as SVG."""

import math
from collections.abc import Callable, Sequence
from typing import Protocol

_LEFT, _TOP, _WIDTH, _HEIGHT = 70, 50, 560, 400
_RIGHT = 150
_GRID, _AXIS, _TEXT = "#ddd", "#444", "#666"


class Point(Protocol):
    """The values of one number of servers."""

    @property
    def servers(self) -> int:
        """Number of servers."""
        ...

    @property
    def routes(self) -> int:
        """Number of routes."""
        ...

    @property
    def gossip(self) -> int:
        """Number of gossip lines."""
        ...

    @property
    def carried(self) -> int:
        """Number of bytes."""
        ...

    @property
    def seconds(self) -> float:
        """Virtual seconds until the mesh was complete."""
        ...


_LINES: tuple[tuple[str, str, Callable[[Point], float]], ...] = (
    ("bytes", "#2b7bb9", lambda point: point.carried),
    ("gossip", "#e0a030", lambda point: point.gossip),
    ("routes", "#4a9a4a", lambda point: point.routes),
    ("milliseconds", "#c03030", lambda point: 1000 * point.seconds),
)


class _Scale:
    """A logarithmic scale over a range of pixels, from one power of ten to another."""

    def __init__(self, values: Sequence[float], begin: float, end: float) -> None:
        self.low = math.floor(math.log10(min(values)))
        self.high = max(self.low + 1, math.ceil(math.log10(max(values))))
        self._begin = begin
        self._end = end

    def at(self, value: float) -> float:
        """The pixel position of a value."""
        part = (math.log10(value) - self.low) / (self.high - self.low)
        return self._begin + part * (self._end - self._begin)


def draw(points: Sequence[Point]) -> str:
    """Draw the chart; returns an SVG document."""
    values = [max(value(point), 1.0) for _, _, value in _LINES for point in points]
    across = _Scale([point.servers for point in points], _LEFT, _LEFT + _WIDTH)
    up = _Scale(values, _TOP + _HEIGHT, _TOP)
    size = f"0 0 {_LEFT + _WIDTH + _RIGHT} {_TOP + _HEIGHT + 50}"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{size}" font-family="sans-serif" font-size="12">',
        '<rect width="100%" height="100%" fill="white"/>',
        f'<text x="{_LEFT}" y="24" font-size="14">cost of forming a mesh, by number of servers</text>',
        *_grid(points, across, up),
    ]
    for name, colour, value in _LINES:
        places = [(across.at(point.servers), up.at(max(value(point), 1.0))) for point in points]
        parts += _line(name, colour, places)
    return "\n".join([*parts, "</svg>", ""])


def _grid(points: Sequence[Point], across: _Scale, up: _Scale) -> list[str]:
    bottom, right = _TOP + _HEIGHT, _LEFT + _WIDTH
    parts = []
    for power in range(up.low, up.high + 1):
        y = up.at(10.0**power)
        colour = _AXIS if power == up.low else _GRID
        parts.append(f'<line x1="{_LEFT}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}" stroke="{colour}"/>')
        label = f"{10**power:,}"
        parts.append(f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end" fill="{_TEXT}">{label}</text>')
    for point in points:
        x = across.at(point.servers)
        parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{bottom}" stroke="{_GRID}"/>')
        parts.append(
            f'<text x="{x:.1f}" y="{bottom + 18}" text-anchor="middle" fill="{_TEXT}">{point.servers}</text>'
        )
    middle = _LEFT + _WIDTH / 2
    parts.append(f'<text x="{middle}" y="{bottom + 38}" text-anchor="middle" fill="{_TEXT}">servers</text>')
    return parts


def _line(name: str, colour: str, places: Sequence[tuple[float, float]]) -> list[str]:
    corners = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    parts = [f'<polyline points="{corners}" fill="none" stroke="{colour}" stroke-width="2"/>']
    parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>' for x, y in places]
    x, y = places[-1]
    parts.append(f'<text x="{x + 8:.1f}" y="{y + 4:.1f}" fill="{colour}">{name}</text>')
    return parts
