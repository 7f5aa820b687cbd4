"""The board on the screen and its keys. Needs textual."""

from collections.abc import Callable
from dataclasses import field, replace
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.events import Key
from textual.geometry import Size
from textual.message import Message
from textual.screen import ModalScreen
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widgets import Input, Static

from ...domain.text import printable
from ...domain.value_object import value_object
from .board import Display, FindName, aligned, summary, table
from .monitoring_port import SORTS, ReadingQuery, ReadingSource, Unreachable
from .poller import Poller, Report
from .rates import ServerReading

MAX_LIMIT = 100_000

HELP = f"""\
o      Sort by: {" ".join(SORTS[:6])}
                {" ".join(SORTS[6:])}
                Older servers know fewer. On the command line: -sort
n      Number of connections to request. On the command line: -n
s      Show what each connection has subscribed to
d      Show the names of addresses, once they are looked up
b      Show all digits of a figure
space  Show rates per second in the table, in place of totals
q      Quit

Arrows, Page Up and Page Down scroll the table.
Press any key to go back."""


@value_object
class BoardSettings:
    """Initial settings of the board."""

    query: ReadingQuery = field(default_factory=ReadingQuery)
    display: Display = field(default_factory=Display)
    find_name: FindName | None = None
    """Looks up the name of an address, where names are shown."""
    delay: float = 1.0
    """Seconds between two readings."""
    refreshes: int = 0
    """Number of readings after which it ends; 0 for no end."""


_HEADINGS = Style(bold=True, reverse=True)


class TextLines(ScrollView, can_focus=True):
    """A table as lines of text: the headings stay, the rows scroll, and only visible lines are drawn."""

    DEFAULT_CSS = "TextLines { height: 1fr; }"

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = [""]
        """The headings, and the rows."""

    def set_lines(self, lines: list[str]) -> None:
        """Replace the lines; the scroll position stays."""
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


class HelpScreen(ModalScreen[None]):
    """All keys."""

    CSS = """
    HelpScreen { align: center middle; }
    #help { width: auto; height: auto; padding: 1 3; border: round $accent; }
    """

    def compose(self) -> ComposeResult:
        yield Static(HELP, id="help", markup=False)

    def on_key(self, event: Key) -> None:
        event.stop()  # so that q closes the help too, and does not quit
        self.dismiss()


class Board(App[None]):
    """Shows the readings of a source until the user quits."""

    ENABLE_COMMAND_PALETTE = False
    CSS = """
    Screen { background: $background; }
    #summary { height: auto; padding-bottom: 1; }
    #status { height: 1; }
    #status.lost { color: $warning; text-style: bold; }
    #prompt { display: none; border: none; height: 1; padding: 0; }
    #prompt.open { display: block; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("o", "prompt('sort')", "Sort"),
        Binding("n", "prompt('limit')", "Limit"),
        Binding("s", "subscriptions", "Subscriptions"),
        Binding("d", "names", "Names"),
        Binding("b", "raw", "Raw"),
        Binding("space", "rates", "Rates"),
        Binding("question_mark,h", "help", "Help"),
        Binding("q", "quit", "Quit"),
        Binding("ctrl+c", "quit", "Quit", priority=True),
    ]

    class Reported(Message):
        """The poller has a reading or a failure."""

        def __init__(self, report: Report) -> None:
            super().__init__()
            self.report = report

    def __init__(self, source: ReadingSource, settings: BoardSettings) -> None:
        super().__init__()
        self._settings = settings
        self._query, self._shown = settings.query, settings.display
        self._poller = Poller(source, settings.delay, settings.query)
        self._summary = Static("Waiting for the first answer", id="summary", markup=False)
        self._status = Static("", id="status", markup=False)
        self._prompt = Input(id="prompt", select_on_focus=False)
        self._lines = TextLines()
        self._reading: ServerReading | None = None
        self._failures = 0
        self.readings = 0
        """Number of readings shown so far."""
        self._prompts: dict[str, Callable[[str], str]] = {"sort": self._sort_by, "limit": self._limit_to}
        self._asking = ""

    def compose(self) -> ComposeResult:
        yield self._summary
        yield self._status
        yield self._prompt
        yield self._lines

    def on_mount(self) -> None:
        self._lines.focus()
        self._poller.start(self._report)

    def on_unmount(self) -> None:
        self._poller.stop()

    def _report(self, report: Report) -> None:
        """Called in the poller's thread, from which messages may be posted."""
        self.post_message(self.Reported(report))

    # --- readings ------------------------------------------------------------

    def on_board_reported(self, message: Reported) -> None:
        if isinstance(message.report, Unreachable):
            self._failures += 1
            self._say(f"Trying again ({self._failures}): {printable(str(message.report))}", lost=True)
            return
        if self._failures:
            self._failures = 0
            self._say("")
        self._reading = message.report
        self.readings += 1
        self._draw()
        if self.readings == self._settings.refreshes:
            self.exit()

    def _draw(self) -> None:
        if self._reading is None:
            return
        polled = f"\n\nConnections Polled: {len(self._reading.clients)}"
        self._summary.update("\n".join(summary(self._reading, self._shown)) + polled)
        self._lines.set_lines(aligned(table(self._reading, self._shown)))

    def _say(self, text: str, *, lost: bool = False) -> None:
        self._status.update(text)
        self._status.set_class(lost, "lost")

    # --- keys ----------------------------------------------------------------

    def action_subscriptions(self) -> None:
        """Show or hide what clients have subscribed to."""
        wanted = not self._shown.subscriptions
        self._shown = replace(self._shown, subscriptions=wanted)
        self._ask(replace(self._query, subscriptions=wanted))
        self._draw()

    def action_names(self) -> None:
        """Show names, or addresses."""
        self._shown = replace(
            self._shown, find_name=None if self._shown.find_name else self._settings.find_name
        )
        self._draw()

    def action_raw(self) -> None:
        """Show all digits, or few."""
        self._shown = replace(self._shown, raw=not self._shown.raw)
        self._draw()

    def action_rates(self) -> None:
        """Show rates in the table, or totals."""
        self._shown = replace(self._shown, rates=not self._shown.rates)
        self._draw()

    def action_help(self) -> None:
        """Show all keys."""
        self.push_screen(HelpScreen())

    # --- prompts -------------------------------------------------------------

    def action_prompt(self, asking: str) -> None:
        """Prompt for a value."""
        self._asking = asking
        now = self._query.sort if asking == "sort" else self._query.limit
        self._prompt.value = ""
        self._prompt.placeholder = f"sort by [{now}]" if asking == "sort" else f"limit [{now}]"
        self._prompt.add_class("open")
        self._prompt.focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        word = event.value.strip()
        refusal = self._prompts[self._asking](word) if word else ""
        self._close_prompt()
        self._say(refusal)

    def on_key(self, event: Key) -> None:
        if event.key == "escape" and self._asking:
            self._close_prompt()

    def _close_prompt(self) -> None:
        self._asking = ""
        self._prompt.remove_class("open")
        self._lines.focus()

    def _sort_by(self, word: str) -> str:
        """Apply the value; returns the error, empty if there is none."""
        if word not in SORTS:
            return f"Cannot sort by {printable(word)!r}; possible are {', '.join(SORTS)}"
        self._ask(replace(self._query, sort=word))
        return ""

    def _limit_to(self, word: str) -> str:
        """Apply the value; returns the error, empty if there is none."""
        if not (word.isascii() and word.isdecimal() and 1 <= int(word[:10]) <= MAX_LIMIT):
            return f"The limit is a number from 1 to {MAX_LIMIT}, not {printable(word)!r}"
        self._ask(replace(self._query, limit=int(word)))
        return ""

    def _ask(self, query: ReadingQuery) -> None:
        self._query = query
        self._poller.ask(query)
