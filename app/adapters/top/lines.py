"""A widget for a table of text lines: the headings stay, the rows scroll, and only what is seen is drawn."""

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

_HEADINGS = Style(bold=True, reverse=True)


class Lines(ScrollView, can_focus=True):
    """Lines of text. Thousands cost no more to show than a screenful."""

    DEFAULT_CSS = "Lines { height: 1fr; }"

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = [""]
        """The headings, and the rows."""

    def set_lines(self, lines: list[str]) -> None:
        """Show these in place of the others, and stay where the reader has scrolled to."""
        self.lines = lines
        self.virtual_size = Size(max(map(len, lines)), len(lines))
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One line of the screen."""
        left, top = self.scroll_offset
        width = self.scrollable_content_region.width
        number = y if y == 0 else y + top
        text = self.lines[number] if number < len(self.lines) else ""
        style = _HEADINGS if y == 0 else Style()
        line = Strip([Segment(text.ljust(left + width), style)])
        return line.crop(left, left + width).apply_style(self.rich_style)
