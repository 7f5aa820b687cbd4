"""The dashboard in a real browser: what an operator clicks, sees, and is protected from."""

import json
import socket
from collections.abc import Callable, Iterator
from typing import Any, Self

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

from screenshots.browser import DESKTOP, MISSING, PHONE, Browser, is_installed
from tests.fakes.blocking_client import read_until
from tests.fakes.monitored_server import HOST, MonitoredServer

pytestmark = [
    pytest.mark.skipif(not is_installed(), reason=MISSING),
    pytest.mark.timeout(180),
]

SECONDS = 30.0
HOSTILE = "<img src=x onerror=\"document.title='owned'\">&amp;\u202e</td>"
WATCH_TIMERS = """
window.waiting = new Set();
const set = window.setTimeout, clear = window.clearTimeout;
window.setTimeout = (call, ...rest) => {
  const timer = set(() => { waiting.delete(timer); call(); }, ...rest);
  waiting.add(timer);
  return timer;
};
window.clearTimeout = (timer) => { waiting.delete(timer); clear(timer); };
"""
HIDE = """
Object.defineProperty(document, "hidden", { get: () => true, configurable: true });
document.dispatchEvent(new Event("visibilitychange"));
"""
UPGRADE = """
window.before = true;
const ask = window.fetch;
window.fetch = async (...request) => {
  const answer = await (await ask(...request)).json();
  return new Response(JSON.stringify({ ...answer, edition: "newer" }));
};
performance.now = () => 3600 * 1000;
"""
CUT_HEADINGS = """
const heads = [...document.querySelectorAll("th")].filter((head) => head.offsetParent);
for (const head of document.querySelectorAll("th[data-sort]")) head.setAttribute("aria-sort", "descending");
return heads.filter((head) => head.scrollWidth > head.clientWidth).map((head) => head.textContent);
"""
SHOW_AGAIN = HIDE.replace("true, c", "false, c")


class Page:
    """The dashboard, as its reader sees it."""

    def __init__(self, browser: Browser, server: MonitoredServer) -> None:
        self.browser = browser
        self.driver = browser.driver
        self.server = server

    def open(self, query: str = "") -> None:
        """Go there, and wait for the first figures."""
        self.driver.get(f"{self.server.origin}/dashboard{query}")
        self.until(lambda: "live" == self.text("#state"))

    def until(self, holds: Callable[[], object]) -> None:
        """Wait until it holds."""
        WebDriverWait(self.driver, SECONDS, 0.05).until(lambda _driver: holds())

    def find(self, selector: str) -> WebElement:
        """The first such element."""
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def text(self, selector: str) -> str:
        """What stands there, in one go, however often it is written anew."""
        return str(self.run("return document.querySelector(arguments[0]).textContent.trim()", selector))

    def column(self, number: int, table: str = "connections") -> list[str]:
        """The cells of a column, counted from 1."""
        cells = self.run(
            "return [...document.querySelectorAll(arguments[0])].map((cell) => cell.textContent)",
            f"#{table}-table tbody td:nth-child({number})",
        )
        assert isinstance(cells, list)
        return cells

    def names(self) -> list[str]:
        """The clients of the table."""
        return self.column(2)

    def run(self, script: str, *arguments: object) -> Any:  # noqa: ANN401 - what a script returns
        """Run a script in the page."""
        return self.driver.execute_script(script, *arguments)


class Guest:
    """A client that is on the page, for as long as the block lasts."""

    def __init__(self, server: MonitoredServer, name: str, *subjects: str) -> None:
        self.link = socket.create_connection((HOST, server.port), SECONDS)
        hello = json.dumps({"verbose": False, "name": name, "lang": "test", "version": "1.0"})
        lines = [f"CONNECT {hello}", *(f"SUB {subject} 1" for subject in subjects), "PING"]
        self.link.sendall("".join(f"{line}\r\n" for line in lines).encode())
        read_until(self.link, b"PONG\r\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.link.close()


@pytest.fixture(name="server", scope="module")
def _server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MonitoredServer]:
    patient = tmp_path_factory.mktemp("server") / "patient.conf"
    patient.write_text("max_pending_size: 64mb, write_deadline: 120s", "utf-8")
    with MonitoredServer("-n", "edge-1", "-c", str(patient)) as server:
        yield server


@pytest.fixture(name="browser", scope="module")
def _browser() -> Iterator[Browser]:
    with Browser() as browser:
        yield browser


@pytest.fixture(name="page")
def _page(browser: Browser, server: MonitoredServer) -> Iterator[Page]:
    """The page, open; whatever a test does, nothing is complained of, and nothing is asked elsewhere."""
    page = Page(browser, server)
    browser.driver.get(f"{server.origin}/dashboard")
    page.run("localStorage.clear()")
    browser.complaints()
    browser.requests()
    page.open()
    yield page
    assert [] == browser.complaints()
    assert [] == [url for url in browser.requests() if not url.startswith(f"{server.origin}/")]
    browser.resize(DESKTOP)
    browser.prefer(dark=False)


@pytest.mark.parametrize("width", [PHONE[0], 640, 1100, 1200, 1300, DESKTOP[0], 1600])
def test_headings_are_whole(page: Page, width: int) -> None:
    """No heading of a table is cut off, on whatever screen, and with the arrow that sorting adds."""
    page.browser.resize((width, DESKTOP[1]))

    assert [] == page.run(CUT_HEADINGS)


@pytest.mark.parametrize("width", [1200, DESKTOP[0]])
def test_the_table_of_clients_fits(page: Page, width: int) -> None:
    """On the screen of a small computer all columns are seen at once."""
    page.browser.resize((width, DESKTOP[1]))

    box = page.find("#connections .scroll")
    assert page.run("return arguments[0].scrollWidth <= arguments[0].clientWidth", box)


def test_what_the_server_is(page: Page) -> None:
    """The page names the server, and tells what it runs on."""
    assert ("edge-1", "edge-1 · pynatsd") == (page.text("#server-name"), page.driver.title)
    assert "Uptime" in page.text("#server")


def test_nobody_is_connected(page: Page) -> None:
    """An empty table says in words why it is empty."""
    page.until(lambda: "No client is connected." == page.text("#connections .empty"))

    assert "Nobody subscribes to anything." == page.text("#subjects .empty")
    assert "No other server is connected." == page.text("#routes .empty")


def test_names_and_subjects_are_text(page: Page) -> None:
    """A client's name and subject that look like markup are shown letter by letter, and do nothing."""
    with Guest(page.server, HOSTILE, "<b>bold</b>"):
        page.until(lambda: [HOSTILE] == page.names())
        page.until(lambda: ["<b>bold</b>"] == page.column(1, "subjects"))

        assert "edge-1 · pynatsd" == page.driver.title
        assert 0 == page.run("return document.querySelectorAll('table img, table b').length")


def test_sorting(page: Page) -> None:
    """A click on a heading sorts by it, a second one turns the order round, and so do keys."""
    with Guest(page.server, "b"), Guest(page.server, "c"), Guest(page.server, "a"):
        head = page.find("#connections-table th[data-sort=name]")
        head.find_element(By.TAG_NAME, "button").click()
        page.until(lambda: ["a", "b", "c"] == page.names())
        assert "ascending" == head.get_attribute("aria-sort")

        head.find_element(By.TAG_NAME, "button").send_keys(Keys.ENTER)
        page.until(lambda: ["c", "b", "a"] == page.names())

        assert "descending" == head.get_attribute("aria-sort")
        assert "?sort=name" in page.driver.current_url


def test_filtering(page: Page) -> None:
    """What is typed narrows the table, wherever it stands in a row; a slash leads to the field."""
    with Guest(page.server, "orders-1"), Guest(page.server, "orders-2"), Guest(page.server, "mailer"):
        page.find("body").send_keys("/")
        page.driver.switch_to.active_element.send_keys("ORDERS")
        page.until(lambda: {"orders-1", "orders-2"} == set(page.names()))
        assert "2 of 3" == page.text("#connections-sum")

        page.find("#filter").send_keys("-9")
        page.until(lambda: "No client matches the filter." == page.text("#connections .empty"))

        assert [] == page.names()


def test_filtering_subjects(page: Page) -> None:
    """The busiest subjects can be narrowed as well."""
    with Guest(page.server, "", "orders.new"), Guest(page.server, "", "mail.>"):
        page.until(lambda: 2 == len(page.column(1, "subjects")))

        page.find("#subject").send_keys("mail")

        page.until(lambda: ["mail.>"] == page.column(1, "subjects"))


def test_paging(page: Page) -> None:
    """More clients than fit are a page away."""
    guests = [Guest(page.server, f"g{number:02}") for number in range(20)]
    page.until(lambda: "1\u201315 of 20" == page.text("#page-range"))

    page.find("#next").click()
    page.until(lambda: "16\u201320 of 20" == page.text("#page-range"))
    assert [f"g{number}" for number in range(15, 20)] == page.names()
    assert not page.find("#next").is_enabled()
    for guest in guests:
        guest.link.close()

    page.until(lambda: [] == page.names())


def test_figures_move(page: Page) -> None:
    """When messages flow, rates, totals and the line of the chart follow."""
    with Guest(page.server, "busy", "a") as guest:
        line = "#chart-msgs .line.out"
        page.until(lambda: page.run("return document.querySelector(arguments[0]).getAttribute('d')", line))
        assert "0" == page.text("#chart-msgs .out .figure")

        guest.link.sendall(b"PUB a 5\r\nhello\r\n" * 20_000)
        page.until(lambda: ["20.0\u202fk"] == page.column(8))
        page.until(lambda: "0" != page.text("#chart-msgs .out .figure"))

        assert ["20.0\u202fk"] == page.column(3, "subjects")


def test_a_slow_client_is_marked(page: Page) -> None:
    """A client with much pending stands out, is counted, and can be shown alone."""
    with Guest(page.server, "slow", "bulk"), Guest(page.server, "quick") as quick:
        quick.link.sendall(b"PUB bulk 1000000\r\n%b\r\n" % (b"x" * 1_000_000) * 24)
        page.until(lambda: 1 == page.run("return document.querySelectorAll('tr.slow').length"))
        page.until(lambda: "Slow only (1)" == page.text("#slow-only"))

        page.find("#slow-only").click()

        page.until(lambda: ["slow"] == page.names())


def background(page: Page) -> str:
    """The colour behind everything."""
    return str(page.run("return getComputedStyle(document.body).backgroundColor"))


def test_theme(page: Page) -> None:
    """The colours are those of the system until the reader chooses others, which a reload keeps."""
    light = background(page)
    page.browser.prefer(dark=True)
    page.until(lambda: background(page) != light)
    dark = background(page)

    page.find("#theme").click()
    page.until(lambda: "Theme: light" == page.text("#theme"))
    assert light == background(page)
    page.find("#theme").click()
    page.browser.prefer(dark=False)
    page.open()

    assert ("Theme: dark", dark) == (page.text("#theme"), background(page))


def test_a_longer_window(page: Page) -> None:
    """The window is chosen by a click, shown by the axis, and kept in the address."""
    page.find("[data-window='2h']").click()
    page.until(lambda: "2 h ago" == page.text("#chart-msgs .edge.left"))

    page.driver.refresh()
    page.until(lambda: "2 h ago" == page.text("#chart-msgs .edge.left"))

    assert "true" == page.find("[data-window='2h']").get_attribute("aria-pressed")


def test_a_point_of_a_chart(page: Page) -> None:
    """A chart tells the figures of the time that is pointed at, with arrow keys as well."""
    plot = page.find("#chart-mem .plot")
    assert "now" == page.text("#chart-mem .edge.right")

    plot.send_keys(Keys.ARROW_LEFT)

    assert ":" in page.text("#chart-mem .edge.right")
    assert "Resident memory: now" in str(plot.get_attribute("aria-label"))


def test_a_phone(page: Page) -> None:
    """On a phone nothing sticks out: tables scroll for themselves, the page does not."""
    page.browser.resize(PHONE)

    with Guest(page.server, "a-client-with-quite-a-long-name-for-a-phone", "a.long.subject.of.many.tokens"):
        page.until(page.names)

        assert PHONE[0] == page.run("return document.documentElement.scrollWidth")


def test_a_hidden_page_asks_nothing(page: Page) -> None:
    """A tab in the background costs the server nothing, and is up to date soon after it is shown again."""
    script = page.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": WATCH_TIMERS})
    page.open()
    page.driver.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", script)
    page.until(lambda: 1 == page.run("return waiting.size"))

    page.run(HIDE)
    assert 0 == page.run("return waiting.size")
    with Guest(page.server, "late"):
        assert "late" not in page.names()
        page.run(SHOW_AGAIN)

        page.until(lambda: ["late"] == page.names())


def test_an_upgraded_server(page: Page) -> None:
    """A page that has been open for a while reloads itself when the server brings a newer one."""
    page.run(UPGRADE)
    page.until(lambda: page.run("return window.before === undefined"))

    page.until(lambda: "live" == page.text("#state"))


def test_nothing_piles_up(page: Page) -> None:
    """However long the page is open, it holds no more elements and no more samples."""
    count = "return document.getElementsByTagName('*').length"
    with Guest(page.server, "a"):
        page.until(lambda: ["a"] == page.names())
        before = page.run(count)
        uptime = page.column(14)
        page.until(lambda: uptime != page.column(14))

        assert before == page.run(count)
    kept = page.driver.execute_async_script(
        """
        const done = arguments[0];
        import("/dashboard/history.js").then(({ History }) => {
          const history = new History();
          for (let first = 0; first < 5000; first++) {
            const samples = [[2 * first, 0, 0, 0, 0, 0, 0, 0]];
            history.take({ first, step: 2, length: 300, samples, latest: samples });
          }
          done(history.rows.length);
        });
        """
    )
    assert 301 == kept


FIGURES = {
    "count(0)": "0",
    "count(999)": "999",
    "count(999.6)": "1.00 k",
    "count(1000)": "1.00 k",
    "count(12345)": "12.3 k",
    "count(999499)": "999 k",
    "count(999500)": "1.00 M",
    "bytes(999)": "999 B",
    "bytes(1023)": "1.00 KiB",
    "bytes(3 * 1024 ** 3)": "3.00 GiB",
    "pace(null)": "\u2013",
    "rate(0.4)": "0.4 /s",
    "rate(1500)": "1.50 k/s",
    "byteRate(2048)": "2.00 KiB/s",
    "percent(3.14)": "3.1 %",
    "percent(140)": "140 %",
    "duration(59.9)": "59 s",
    "duration(61)": "1m 1 s",
    "duration(7260)": "2h 1 m",
    "duration(200000)": "2d 7 h",
    "whole(65536)": "65,536",
    "[ceiling(0)]": "1",
    "[ceiling(101)]": "120",
    "[ceiling(0.35)]": "0.4",
    "[ceiling(700 * 1024, 1024) / 1024]": "800",
}


def test_how_figures_are_written(page: Page) -> None:
    """A figure has three digits that count, and its unit stands apart."""
    names = "byteRate, bytes, ceiling, count, duration, pace, percent, rate, whole"
    script = f"""
        import("/dashboard/format.js").then(({{ {names} }}) => {{
          const texts = [{", ".join(FIGURES)}];
          arguments[0](texts.map((text) => text.filter((part) => part !== "").join(" ")));
        }});
    """

    written = page.driver.execute_async_script(script)

    assert FIGURES == dict(zip(FIGURES, written, strict=True))


def test_a_server_that_comes_back(browser: Browser) -> None:
    """While the server is away the page says so and keeps trying; then it goes on with the new one."""
    with MonitoredServer("-n", "before") as server:
        page = Page(browser, server)
        page.open()
        with Guest(server, "a"):
            page.until(lambda: ["a"] == page.names())
        server.stop()
        page.until(lambda: "reconnecting" == page.text("#state"))
        page.until(lambda: "true" == page.find("#main").get_attribute("data-stale"))

        ports = "-p", str(server.port), "-m", str(server.http_port)
        with MonitoredServer("-n", "after", *ports):
            page.until(lambda: "live" == page.text("#state"))

            assert "after" == page.text("#server-name")
            assert "false" == page.find("#main").get_attribute("data-stale")
