"""The board on the screen: keys are pressed, and its text is read."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Static

from app.adapters.top.monitoring_port import ReadingQuery, Unreachable
from app.adapters.top.rates import ServerReading, TrafficRates
from app.adapters.top.screen import Board, BoardSettings, HelpScreen, TextLines
from tests.fakes.top_source import FakeSource, client, server
from tests.support.patience import PATIENCE

pytestmark = pytest.mark.asyncio

SECONDS = PATIENCE
NEVER = 3600.0
CLIENTS = tuple(client(cid, f"client-{cid}", 2_000_000, ["a", "b"]) for cid in range(1, 101))
READING = ServerReading(server(2_000_000), CLIENTS, TrafficRates(), {1: TrafficRates(3.0, 4.0, 5.0, 6.0)})


class Bench:
    """A board under test."""

    def __init__(self, board: Board, source: FakeSource, pilot: Pilot[None]) -> None:
        self.board = board
        self.source = source
        self.pilot = pilot

    @property
    def lines(self) -> list[str]:
        """The table: its headings, and its rows."""
        return self.board.query_one(TextLines).lines

    @property
    def seen(self) -> list[str]:
        """The lines of the table that are on the screen."""
        lines = self.board.query_one(TextLines)
        return [lines.render_line(y).text.rstrip() for y in range(lines.size.height)]

    def is_laid_out(self) -> bool:
        """Whether the table knows how far it can scroll."""
        return self.board.query_one(TextLines).max_scroll_y > 0

    def helps(self) -> bool:
        """Whether the keys are explained."""
        return isinstance(self.board.screen, HelpScreen)

    def text(self, selector: str) -> str:
        """What stands there."""
        return str(self.board.screen.query_one(selector, Static).content)

    async def press(self, *keys: str) -> None:
        """Press these, one after the other."""
        await self.pilot.press(*keys)

    async def until(self, holds: Callable[[], object]) -> None:
        """Wait until it holds."""
        async with asyncio.timeout(SECONDS):
            while not holds():
                await self.pilot.pause()


@asynccontextmanager
async def bench(*outcomes: ServerReading | Unreachable, **settings: Any) -> AsyncIterator[Bench]:  # noqa: ANN401 - fields of BoardSettings
    """A board that shows these outcomes, one after the other."""
    source = FakeSource(*(outcomes or (READING,)))
    board = Board(source, BoardSettings(**{"delay": NEVER, **settings}))
    async with board.run_test(size=(120, 30)) as pilot:
        made = Bench(board, source, pilot)
        await made.until(lambda: board.readings or made.text("#status"))
        yield made


async def test_the_first_reading() -> None:
    """The server stands above, the clients below."""
    async with bench() as board:
        assert "NATS server version 0.8.0 (uptime: 5s)" == board.text("#summary").splitlines()[0]
        assert "Connections Polled: 100" == board.text("#summary").splitlines()[-1]
        assert 101 == len(board.lines)
        assert "client-1" in board.seen[1]


async def test_s_shows_subscriptions() -> None:
    """The key s asks for subscriptions, shows them, and hides them again."""
    async with bench() as board:
        await board.press("s")
        await board.until(lambda: board.lines[1].endswith("a, b"))
        assert ReadingQuery(subscriptions=True) in board.source.questions

        await board.press("s")
        await board.until(lambda: "SUBSCRIPTIONS" not in board.lines[0])

        await board.until(lambda: ReadingQuery() == board.source.questions[-1])


async def test_o_sorts() -> None:
    """The key o takes the name of an order, and asks the server for it at once."""
    async with bench() as board:
        await board.press("o", *"msgs_to", "enter")

        assert board.source.wait_for(ReadingQuery(sort="msgs_to"))
        assert "" == board.text("#status")


async def test_an_order_that_there_is_not() -> None:
    """A name that is no order is refused with those that are, and the next try is free."""
    async with bench() as board:
        await board.press("o", *"weight", "enter")
        assert board.text("#status").startswith("Cannot sort by 'weight'; possible are cid, start, subs")

        await board.press("o", *"idle", "enter")

        assert board.source.wait_for(ReadingQuery(sort="idle"))


async def test_n_limits() -> None:
    """The key n takes a number of connections."""
    async with bench() as board:
        await board.press("n", "7", "enter")
        await board.until(lambda: 1 + 7 == len(board.lines))

        assert ReadingQuery(limit=7) == board.source.questions[-1]


@pytest.mark.parametrize("word", ["0", "-1", "many", "100001", "9" * 60, "²"])
async def test_a_limit_that_is_none(word: str) -> None:
    """What is no number of connections is refused, and nothing changes."""
    async with bench() as board:
        await board.press("n", *word, "enter")

        assert f"The limit is a number from 1 to 100000, not {word!r}" == board.text("#status")
        assert [ReadingQuery()] == board.source.questions


async def test_a_change_of_mind() -> None:
    """Escape, or nothing typed, leaves all as it is; keys are commands again afterwards."""
    async with bench() as board:
        await board.press("o", "i", "escape", "n", "enter", "space")

        assert [ReadingQuery()] == board.source.questions
        assert "  3" in board.lines[1]


async def test_an_interrupt_while_one_types() -> None:
    """An interrupt ends the board in the middle of a word as well."""
    async with bench() as board:
        await board.press("o", "i", "ctrl+c")

        assert not board.board.is_running


async def test_keys_are_letters_while_one_types() -> None:
    """In the middle of a word q is a letter."""
    async with bench() as board:
        await board.press("o", "q", "s", "enter")

        assert board.text("#status").startswith("Cannot sort by 'qs'")
        assert board.board.is_running


async def test_b_shows_raw_figures() -> None:
    """The key b shows all digits, above and below."""
    async with bench() as board:
        await board.press("b")

        assert "Msgs: 2000000" in board.text("#summary")
        assert "2000000" in board.lines[1]


async def test_space_shows_rates() -> None:
    """The space bar shows rates in the table, and totals again."""
    async with bench() as board:
        totals = board.lines[1]
        await board.press("space")
        assert ["4", "3", "6", "5"] == board.lines[1].split()[5:9]

        await board.press("space")

        assert totals == board.lines[1]


async def test_d_shows_names() -> None:
    """The key d shows names in place of addresses, and addresses again."""
    async with bench(find_name=lambda _ip: "host.example") as board:
        await board.press("d")
        assert "host.example:4001" in board.lines[1]

        await board.press("d")

        assert "192.0.2.1:4001" in board.lines[1]


@pytest.mark.parametrize("key", ["question_mark", "h"])
async def test_help(key: str) -> None:
    """A query mark shows all keys, and any key leads back."""
    async with bench() as board:
        await board.press(key)
        assert board.helps()
        assert "Show what each connection has subscribed to" in board.text("#help")

        await board.press("q")

        assert not board.helps()
        assert board.board.is_running


@pytest.mark.parametrize("key", ["q", "ctrl+c"])
async def test_quitting(key: str) -> None:
    """The key q ends the board, and so does an interrupt."""
    async with bench() as board:
        await board.press(key)

        assert not board.board.is_running


async def test_the_table_scrolls_under_its_headings() -> None:
    """However far one scrolls, the headings stay on top; to the side they go along."""
    async with bench() as board:
        await board.until(board.is_laid_out)
        await board.press("end")
        await board.until(lambda: "client-100" in board.seen[-2])
        assert "HOST" in board.seen[0]

        await board.press("home", "right", "right", "right")
        await board.until(lambda: "HOST" not in board.seen[0])

        assert 120 >= max(map(len, board.seen))


async def test_names_cannot_drive_the_terminal() -> None:
    """Control characters and markup of a client's name are shown as what they are."""
    hostile = replace(READING, clients=(client(1, "\x1b]0;owned\x07[red]x[/red]"),))

    async with bench(hostile) as board:
        assert "\\x1b]0;owned\\x07[red]x[/red]" in board.seen[1]


async def test_a_server_that_is_away() -> None:
    """While a server is away the board says so, keeps what it knows, and goes on when it is back."""
    away = Unreachable("127.0.0.1:8222: Connection refused")

    async with bench(READING, away, READING) as board:
        await board.press("n", "9", "enter")
        await board.until(lambda: board.text("#status"))
        assert "Trying again (1): 127.0.0.1:8222: Connection refused" == board.text("#status")
        assert 101 == len(board.lines)

        await board.press("n", "8", "enter")

        await board.until(lambda: (1 + 8, "") == (len(board.lines), board.text("#status")))


async def test_a_number_of_refreshes() -> None:
    """A board that is to refresh this many times ends by itself."""
    async with bench(delay=0.001, refreshes=3) as board:
        await board.until(lambda: not board.board.is_running)

        assert 3 <= len(board.source.questions)
