"""The page of streams in a real browser: what an operator clicks, sees, and is protected from."""

import asyncio
from collections.abc import Iterator

import nats
import pytest
from nats.js.api import AckPolicy, ConsumerConfig
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from screenshots.browser import DESKTOP, MISSING, PHONE, Browser, is_installed
from tests.support.dashboard_page import CHANGE, Page
from tests.support.monitored_server import MonitoredServer
from tests.support.server_process import CURRENT

pytestmark = [
    pytest.mark.skipif(not is_installed(), reason=MISSING),
    pytest.mark.timeout(180),
]

HOSTILE = "&amp;<img"
"""A name that a client may give, which reads like markup."""

ODD, SHOWN = "odd\u202e", "odd\\u202e"
"""A subject that changes direction, and how it is shown."""

TROUBLE = (
    CHANGE
    % """
  answer.jetstream.problem = "JetStream stream '$G > ORDERS' cannot store: full";
  for (const row of answer.streams.rows) if (row.name === "ORDERS") row.failure = "full";
  for (const row of answer.consumers.rows) { row.redelivered = 3; row.paused = true; }
"""
)
CUT_HEADINGS = """
const heads = [...document.querySelectorAll("th")].filter((head) => head.offsetParent);
for (const head of document.querySelectorAll("th[data-sort]")) head.setAttribute("aria-sort", "descending");
return heads.filter((head) => head.scrollWidth > head.clientWidth).map((head) => head.textContent);
"""


class StreamsPage(Page):
    """The page about streams."""

    path = "dashboard/streams"

    def names(self, table: str = "streams") -> list[str]:
        """Those of the rows."""
        return [name.strip() for name in self.column(1, table)]


@pytest.fixture(name="server", scope="module")
def _server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MonitoredServer]:
    store = str(tmp_path_factory.mktemp("streams"))
    with MonitoredServer(*CURRENT, "-js", "-sd", store, "-n", "edge-1") as server:
        asyncio.run(_fill(server))
        yield server


async def _fill(server: MonitoredServer) -> None:
    """Three streams in memory, one with consumers that are behind, and one with an odd name."""
    client = await nats.connect(server.url)
    streams = client.jetstream()
    for name, subject in (("ORDERS", "orders.>"), ("MAIL", "mail.*"), (HOSTILE, ODD)):
        await streams.add_stream(name=name, subjects=[subject], storage="memory")
    for _ in range(30):
        await streams.publish("orders.new", bytes(100))
    await streams.publish("mail.a", b"x")
    for name in ("billing", "archive"):
        await streams.add_consumer("ORDERS", ConsumerConfig(durable_name=name, ack_policy=AckPolicy.EXPLICIT))
    pull = await streams.pull_subscribe("orders.>", durable="billing", stream="ORDERS")
    for message in await pull.fetch(10):
        if message.metadata.sequence.stream <= 6:
            await message.ack()
    await client.close()


@pytest.fixture(name="browser", scope="module")
def _browser() -> Iterator[Browser]:
    with Browser() as browser:
        yield browser


@pytest.fixture(name="page")
def _page(browser: Browser, server: MonitoredServer) -> Iterator[StreamsPage]:
    """The page, open; whatever a test does, nothing is complained of, and nothing is asked elsewhere."""
    page = StreamsPage(browser, server)
    browser.complaints()
    browser.requests()
    page.open()
    yield page
    assert [] == browser.complaints()
    assert [] == [url for url in browser.requests() if not url.startswith(f"{server.origin}/")]
    browser.resize(DESKTOP)


def test_streams_and_consumers(page: StreamsPage) -> None:
    """What is behind most comes first; messages, lag and unacknowledged ones are there."""
    assert ["ORDERS", "MAIL", HOSTILE] == page.names()
    assert ["orders.>", "mail.*", SHOWN] == page.column(2, "streams")
    assert ("30", "2", "30", "4") == tuple(
        page.column(column, "streams")[0].strip() for column in (3, 7, 8, 9)
    )
    assert ["archive", "billing"] == page.names("consumers")
    assert ["30", "20"] == [text.strip() for text in page.column(3, "consumers")]
    assert "3 streams" == page.text("#streams-sum")


@pytest.mark.parametrize("width", [PHONE[0], 640, 1100, DESKTOP[0]])
def test_headings_are_whole(page: StreamsPage, width: int) -> None:
    """No heading of a table is cut off, on whatever screen, and with the arrow that sorting adds."""
    page.browser.resize((width, DESKTOP[1]))

    assert [] == page.run(CUT_HEADINGS)


def test_sorting_and_filtering(page: StreamsPage) -> None:
    """A heading sorts by its column, and again the other way; the filter finds subjects too."""
    page.find("#streams-table th[data-sort=name] button").click()
    page.until(lambda: page.names() == [HOSTILE, "MAIL", "ORDERS"])
    page.find("#streams-table th[data-sort=name] button").click()
    page.until(lambda: page.names() == ["ORDERS", "MAIL", HOSTILE])
    page.find("#filter").send_keys("MAIL.*")
    page.until(lambda: page.names() == ["MAIL"])
    page.until(lambda: page.text("#consumers .empty") == "No consumer matches the filter.")
    assert "filter=MAIL" in page.driver.current_url


def test_a_stream_opens(page: StreamsPage) -> None:
    """With its figures and its consumers, of which one opens; what is open is part of the address."""
    page.find("#streams-table tbody tr:first-child").click()
    page.until(lambda: "archive" in page.text("#drawer"))
    assert ("ORDERS", "stream") == (page.text("#drawer-title"), page.text("#drawer-sum"))
    assert "stores" in page.text("#drawer-facts")
    page.find("#listed-table a.open").click()
    page.until(lambda: page.text("#drawer-sum") == "consumer of ORDERS")
    page.until(lambda: "Waiting pulls" in page.text("#drawer-facts"))
    assert "consumer=" in page.driver.current_url
    page.find("body").send_keys(Keys.ESCAPE)
    page.until(lambda: not page.find("#drawer").is_displayed())
    assert "stream=" not in page.driver.current_url


def test_what_is_not_there_any_more(page: StreamsPage) -> None:
    """A bookmark of a stream that was deleted says so."""
    page.open("?stream=GONE")
    page.until(lambda: page.text("#drawer-sum") == "stream, not there any more")
    page.open("?stream=ORDERS&consumer=GONE")
    page.until(lambda: page.text("#drawer-sum").startswith("consumer"))
    assert "consumer of ORDERS, not there any more" == page.text("#drawer-sum")


def test_trouble(page: StreamsPage) -> None:
    """A stream that stores nothing, and messages that come again, are marked; the problem is at the top."""
    page.run(TROUBLE)
    page.until(lambda: page.find("#problem").is_displayed())
    page.until(lambda: "stores nothing: full" in page.text("#streams-table tr.failed"))
    assert "cannot store: full" in page.text("#problem")
    assert 2 == len(page.driver.find_elements(By.CSS_SELECTOR, "#consumers-table tr.again"))
    page.find("#streams-table tr.failed").click()
    page.until(lambda: "ORDERS" == page.text("#drawer-title"))


def test_from_page_to_page(page: StreamsPage) -> None:
    """Both pages lead to each other."""
    page.find("nav a").click()
    page.until(lambda: page.text("#connections-title") == "Clients")
    page.find("nav a[href='dashboard/streams']").click()
    page.until(lambda: page.text("#streams-title") == "Streams")
    page.until(lambda: page.state() == "live")
    assert page.driver.current_url.endswith("/dashboard/streams")


def test_without_jetstream(browser: Browser) -> None:
    """The page says that it is off, and how to switch it on."""
    with MonitoredServer() as server:
        page = StreamsPage(browser, server)
        page.open()

        assert "JetStream is off" in page.text("#off")
        assert not page.find("#streams").is_displayed()
