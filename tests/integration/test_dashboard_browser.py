"""The dashboard in a real browser: what an operator clicks, sees, and is protected from."""

import json
import re
import socket
from collections.abc import Iterator
from typing import Self

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from app import __version__
from screenshots.browser import DESKTOP, MISSING, PHONE, Browser, is_installed
from tests.support.blocking_client import read_until
from tests.support.dashboard_page import CHANGE, SECONDS, Page
from tests.support.monitored_server import HOST, MonitoredServer

pytestmark = [
    pytest.mark.skipif(not is_installed(), reason=MISSING),
    pytest.mark.timeout(180),
]

HOSTILE = "<img src=x onerror=\"document.title='owned'\">&amp;\u202e\u2066\x1b</td>"
SHOWN = "<img src=x onerror=\"document.title='owned'\">&amp;\\u202e\\u2066\\x1b</td>"
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
UPGRADE = f"""
window.before = true;
{CHANGE % "answer.edition = 'newer';"}
performance.now = () => 3600 * 1000;
"""
HELD = (
    CHANGE
    % """
  answer.totals.held_publishers = 1;
  answer.totals.held_seconds = 3.25;
  for (const row of answer.connections.rows) {
    if (row.name === "producer") row.waits_for = [[7, "laptop"]];
    if (row.name === "laptop") row.holds = 1;
  }
  if (answer.client) answer.client.waits_for = [[7, "laptop"], [8, ""]];
"""
)
CLUSTER = (
    CHANGE
    % """
  answer.server.clustered = true;
  const common = { ip: "192.0.2.7", port: 6222, pending: 0, msgs_to: 1, msgs_from: 1, subs: 1, uptime: 61 };
  answer.routes = [
    { ...common, rid: 3, remote: "PEERPEERPEERPEERPEER01", name: "edge-2", solicited: true, rtt: 0.0012 },
    { ...common, rid: 4, remote: "PEERPEERPEERPEERPEER02", name: "", solicited: false, rtt: null },
  ];
  answer.unreachable = [
    { url: "nats-route://192.0.2.9:6222", attempts: 12, error: "connection refused", seconds: 90 },
  ];
"""
)
LEAVES = (
    CHANGE
    % """
  const common = { ip: "192.0.2.7", port: 7422, pending: 0, msgs_to: 1, msgs_from: 1, subs: 1, uptime: 61 };
  answer.leaves = [
    { ...common, lid: 5, name: "centre", hub: true, solicited: true, rtt: 0.0012 },
    { ...common, lid: 6, name: "", hub: false, solicited: false, rtt: 0 },
  ];
"""
)
EVENTS = (
    CHANGE
    % """
  const fact = { title: "Login refused", tone: "warn", link: "cid:9", address: "192.0.2.1:5", who: "a" };
  answer.events = { now: 5000, revision: 7, latest: { slow_consumer: 0 }, rows: [
    { ...fact, kind: "login_refused", at: 4990, detail: "", pending: null, count: 3 },
    { ...fact, title: "Slow consumer closed", link: "rid:2", who: "", at: 100, detail: "late",
      pending: 2048, count: 1 },
  ] };
  answer.totals.slow_consumers = 1;
"""
)
SLOW = (
    CHANGE
    % """
  const one = { address: "192.0.2.1:5", pending: 4096, counting: false, known: 4000, reason: "late" };
  const subject = (name, messages) => ({ subject: name, messages, bytes: 1024 * messages });
  answer.slow = { total: 40, rows: [
    { ...one, at: answer.now - 5, link: "cid:7", who: "laptop", action: "cut", publishers: 2,
      subjects: [subject("a", 4), subject("b", 3), subject("c", 2), subject("d\u202e", 1)] },
    { ...one, at: answer.now - 9, link: "rid:3", who: "", action: "held", publishers: 1, counting: true,
      subjects: [] },
  ] };
"""
)
TEN_EVENTS = (
    CHANGE
    % """
  const fact = { title: "t", tone: "warn", link: "", address: "", who: "", detail: "", pending: null };
  answer.events.rows = Array.from({ length: 10 }, (_, n) => ({ ...fact, at: n, count: 1 }));
"""
)
WIDE_ROW = """{
  ip: "192.168.100.200", port: 65535, lang: "javascript", version: "2.29.2", pending: 1048000,
  msgs_to: 987654, msgs_from: 987654, bytes_to: 1048000, bytes_from: 1048000,
  to_rate: 123456, from_rate: 123456, subs: 9999, idle: 3599, uptime: 86399,
}"""
CUT_HINTS = """
const pen = document.createElement("canvas").getContext("2d");
return [...document.querySelectorAll("input")].filter((field) => {
  const style = getComputedStyle(field);
  pen.font = style.font;
  const room = field.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
  return pen.measureText(field.placeholder).width > room;
}).map((field) => field.placeholder);
"""
CUT_CELLS = """
const cut = [...document.querySelectorAll(`${arguments[0]} td`)].filter((cell) => cell.offsetParent);
return cut.filter((cell) => cell.scrollWidth > cell.clientWidth).map((cell) => cell.textContent);
"""
POINT = """
const plot = document.querySelector("#chart-msgs .plot");
const box = plot.getBoundingClientRect();
const place = { clientX: box.left + box.width * 0.98, clientY: box.top + 9 };
plot.dispatchEvent(new PointerEvent("pointermove", place));
return [...document.querySelectorAll(".charts .tip")].filter((tip) => !tip.hidden).length;
"""
CUT_HEADINGS = """
const heads = [...document.querySelectorAll("th")].filter((head) => head.offsetParent);
for (const head of document.querySelectorAll("th[data-sort]")) head.setAttribute("aria-sort", "descending");
return heads.filter((head) => head.scrollWidth > head.clientWidth).map((head) => head.textContent);
"""
SHOW_AGAIN = HIDE.replace("true, c", "false, c")


class ClientsPage(Page):
    """The page about clients."""

    def names(self) -> list[str]:
        """The clients of the table."""
        names = self.run(
            "return [...document.querySelectorAll(arguments[0])].map((link) => link.textContent)",
            "#connections-table td.name a",
        )
        assert isinstance(names, list)
        return names

    def await_only(self, guest: "Guest") -> None:
        """Wait until this client alone is in the table; those of earlier tests leave it late."""
        self.until(lambda: [guest.address] == self.column(3))


class Guest:
    """A client that is on the page, for as long as the block lasts."""

    def __init__(self, server: MonitoredServer, name: str, *subjects: str) -> None:
        self.link = socket.create_connection((HOST, server.port), SECONDS)
        self.address = "{}:{}".format(*self.link.getsockname())
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
def _page(browser: Browser, server: MonitoredServer) -> Iterator[ClientsPage]:
    """The page, open; whatever a test does, nothing is complained of, and nothing is asked elsewhere."""
    page = ClientsPage(browser, server)
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
def test_headings_are_whole(page: ClientsPage, width: int) -> None:
    """No heading of a table is cut off, on whatever screen, and with the arrow that sorting adds."""
    page.browser.resize((width, DESKTOP[1]))

    assert [] == page.run(CUT_HEADINGS)


@pytest.mark.parametrize("width", [1200, DESKTOP[0]])
def test_the_table_of_clients_fits(page: ClientsPage, width: int) -> None:
    """On the screen of a small computer all columns are seen at once."""
    page.browser.resize((width, DESKTOP[1]))

    box = page.find("#connections .scroll")
    assert page.run("return arguments[0].scrollWidth <= arguments[0].clientWidth", box)


def test_what_the_server_is(page: ClientsPage) -> None:
    """The page names the server and its runtime."""
    assert ("edge-1", "edge-1 · pynatsd") == (page.text("#server-name"), page.driver.title)
    assert "Uptime" in page.text("#identity")
    assert __version__ in page.text("#identity")
    assert "max_payload" == page.find("#limits div").get_attribute("title")
    assert "Messages in" in page.text("#totals")


def test_nobody_is_connected(page: ClientsPage) -> None:
    """An empty table says in words why it is empty."""
    page.until(lambda: "No client is connected." == page.text("#connections .empty"))

    assert "There are no subscriptions." == page.text("#subjects .empty")
    assert "This server is not part of a cluster." == page.text("#routes .empty")
    assert "Nothing has gone wrong since the start." == page.text("#events .empty")


def test_names_and_subjects_are_text(page: ClientsPage) -> None:
    """A client's name and subject that look like markup are shown letter by letter, and do nothing.

    What is invisible, or would turn the text round, is spelt out.
    """
    with Guest(page.server, HOSTILE, "<b>bold</b>") as guest:
        page.await_only(guest)
        page.until(lambda: ["<b>bold</b>"] == page.column(1, "subjects"))
        page.find("#connections-table a.open").click()
        page.until(lambda: SHOWN == page.text("#drawer-title"))

        assert "edge-1 · pynatsd" == page.driver.title
        assert 0 == page.run("return document.querySelectorAll('table img, table b').length")


def test_sorting(page: ClientsPage) -> None:
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


def test_filtering(page: ClientsPage) -> None:
    """What is typed narrows the table, wherever it stands in a row; a slash leads to the field."""
    with Guest(page.server, "orders-1"), Guest(page.server, "orders-2"), Guest(page.server, "mailer"):
        page.find("body").send_keys("/")
        page.driver.switch_to.active_element.send_keys("ORDERS")
        page.until(lambda: {"orders-1", "orders-2"} == set(page.names()))
        assert "2 of 3" == page.text("#connections-sum")

        page.find("#filter").send_keys("-9")
        page.until(lambda: "No client matches the filter." == page.text("#connections .empty"))

        assert [] == page.names()


def test_filtering_subjects(page: ClientsPage) -> None:
    """The busiest subjects can be narrowed as well."""
    with Guest(page.server, "", "orders.new"), Guest(page.server, "", "mail.>"):
        page.until(lambda: 2 == len(page.column(1, "subjects")))

        page.find("#subject").send_keys("mail")

        page.until(lambda: 1 == len(page.column(1, "subjects")))
        assert ["mail.>"] == page.column(1, "subjects")


def test_paging(page: ClientsPage) -> None:
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


def test_figures_move(page: ClientsPage) -> None:
    """When messages flow, rates, totals and the line of the chart follow."""
    with Guest(page.server, "busy", "a") as guest:
        line = "#chart-msgs .line.out"
        page.until(lambda: page.run("return document.querySelector(arguments[0]).getAttribute('d')", line))
        assert "0" == page.text("#chart-msgs .out .figure")

        guest.link.sendall(b"PUB a 5\r\nhello\r\n" * 20_000)
        page.until(lambda: ["20.0\u202fk"] == page.column(8))
        page.until(lambda: "0" != page.text("#chart-msgs .out .figure"))

        assert ["20.0\u202fk"] == page.column(3, "subjects")


def test_a_slow_client_is_marked(page: ClientsPage) -> None:
    """A client with much pending stands out, is counted, and can be shown alone."""
    with Guest(page.server, "slow", "bulk"), Guest(page.server, "quick") as quick:
        quick.link.sendall(b"PUB bulk 1000000\r\n%b\r\n" % (b"x" * 1_000_000) * 24)
        page.until(lambda: 1 == page.run("return document.querySelectorAll('tr.slow').length"))
        page.until(lambda: "Slow or held (1)" == page.text("#slow-only"))

        page.find("#slow-only").click()

        page.until(lambda: 1 == len(page.names()))
        assert ["slow"] == page.names()


def background(page: ClientsPage) -> str:
    """The colour behind everything."""
    return str(page.run("return getComputedStyle(document.body).backgroundColor"))


def test_theme(page: ClientsPage) -> None:
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


def test_a_longer_window(page: ClientsPage) -> None:
    """The window is chosen by a click, and kept in the address."""
    page.find("[data-window='2h']").click()
    page.until(lambda: "?window=2h" in page.driver.current_url)

    page.driver.refresh()

    page.until(lambda: "true" == page.find("[data-window='2h']").get_attribute("aria-pressed"))
    assert "?window=2h" in page.driver.current_url


def test_a_window_that_is_longer_than_the_server_is_old(page: ClientsPage) -> None:
    """A chart begins with the server, so that no window is empty; the page says so."""
    page.open("?window=24h")
    line = "return document.querySelector('#chart-msgs .line.out').getAttribute('d')"
    page.until(lambda: page.run(line).count("L") > 1)

    assert page.text("#young").startswith("since the start ")
    assert page.text("#chart-msgs .times .edge").count(":") >= 1


def test_a_point_of_a_chart(page: ClientsPage) -> None:
    """A chart shows the figures of the time that is pointed at, next to the point, and so do all others."""
    page.until(lambda: page.run("return document.querySelector('#chart-mem .line').getAttribute('d')"))

    assert 5 == page.run(POINT)

    assert ":" in page.text("#chart-msgs .tip .time")
    assert "/s" in page.text("#chart-msgs .tip .in .value")
    assert "B" in page.text("#chart-mem .tip .value")
    assert "now" == page.text("#chart-msgs .edge.right")


def test_a_chart_by_keys(page: ClientsPage) -> None:
    """Arrow keys move through time, and what they find is read aloud."""
    plot = page.find("#chart-mem .plot")
    page.until(lambda: page.run("return document.querySelector('#chart-mem .line').getAttribute('d')"))

    plot.send_keys(Keys.ARROW_LEFT)

    assert page.find("#chart-mem .tip").is_displayed()
    assert "Resident memory: " in str(plot.get_attribute("aria-label"))
    assert "now" not in str(plot.get_attribute("aria-label"))


def test_the_processor_is_a_share_of_one_core(page: ClientsPage) -> None:
    """The axis ends at one whole core, which is all that the server can use."""
    assert "100\u202f%" == page.text("#chart-cpu .tick.top")
    assert "of one core" in page.text("#chart-cpu h2")


def test_a_limit_is_drawn_when_it_is_near(page: ClientsPage) -> None:
    """Half way to its limit, a chart shows where that is."""
    assert not page.text("#chart-connections .tick.limit")

    with Guest(page.server, "a"):
        page.run(CHANGE % "answer.limits.connections = 1;")

        page.until(lambda: "limit 1" == page.text("#chart-connections .tick.limit"))


# --- rows that open -----------------------------------------------------------------------


def test_a_client_opens(page: ClientsPage) -> None:
    """A click on a row shows what the client listens to; Escape closes it, and the focus returns."""
    with Guest(page.server, "billing", "orders.*") as guest:
        page.await_only(guest)
        page.find("#connections-table tbody td:nth-child(3)").click()
        page.until(lambda: ["orders.*"] == page.column(1, "listed"))
        assert "billing" == page.text("#drawer-title")
        assert "test 1.0" in page.text("#drawer-facts")
        assert "?client=" in page.driver.current_url
        page.until(lambda: page.find("#chart-pending .plot").is_displayed())

        page.driver.switch_to.active_element.send_keys(Keys.ESCAPE)

        assert not page.find("#drawer").is_displayed()
        assert "billing" == page.driver.switch_to.active_element.text
        assert "client" not in page.driver.current_url


def test_from_a_subject_to_its_subscriber(page: ClientsPage) -> None:
    """A subject opens by keys and shows who listens to it, and each of those opens in turn."""
    with Guest(page.server, "billing", "orders.*"):
        page.until(lambda: ["orders.*"] == page.column(1, "subjects"))
        page.find("#subjects-table a").send_keys(Keys.ENTER)
        page.until(lambda: ["billing"] == page.column(1, "listed"))
        assert ("orders.*", "Subscribers") == (page.text("#drawer-title"), page.text("#listed-title"))

        page.find("#listed-table a").click()

        page.until(lambda: "billing" == page.text("#drawer-title"))


def test_an_opened_client_leaves(page: ClientsPage) -> None:
    """Who leaves while it is looked at does not vanish without a word, and a bookmark of it works."""
    with Guest(page.server, "billing") as guest:
        page.await_only(guest)
        page.find("#connections-table a").click()
        page.until(lambda: "billing" == page.text("#drawer-title"))
        bookmark = page.driver.current_url
    page.until(lambda: "is not connected any more" == page.text("#drawer-sum"))

    page.driver.get(bookmark)

    page.until(lambda: "is not connected any more" == page.text("#drawer-sum"))
    assert page.text("#drawer-title").startswith("Client ")


# --- what happened ------------------------------------------------------------------------


def test_an_event(page: ClientsPage) -> None:
    """Who was refused is listed with its time, its address and the reason."""
    with socket.create_connection((HOST, page.server.port), SECONDS) as link:
        link.sendall(b"PUB a 2000000\r\n")
        read_until(link, b"Violation'\r\n")
        address = "{}:{}".format(*link.getsockname())
        page.until(lambda: "Message too large" in page.column(2, "events"))

    assert "2000000 bytes, 1048576 are allowed" == page.text("#events-table .why")
    assert address in page.text("#events-table .who")


def test_only_recent_events_have_a_colour(page: ClientsPage) -> None:
    """After a quarter of an hour an event is history, and so is the counter of its kind."""
    page.run(EVENTS)
    page.until(lambda: ["Login refused\u00d73", "Slow consumer closed"] == page.column(2, "events"))

    tones = page.run(
        "return [...document.querySelectorAll('#events-table tbody tr')].map((row) => row.dataset.tone)"
    )
    assert ["warn", ""] == tones
    assert ["", "late, 2.00 KiB pending"] == page.column(4, "events")
    assert "" == page.find("#trouble div:nth-child(4) dd").get_attribute("data-tone")


def test_many_events_are_folded(page: ClientsPage) -> None:
    """Some of the newest events are shown, and the rest when it is asked for."""
    page.run(TEN_EVENTS)
    page.until(lambda: 6 == len(page.column(1, "events")))

    page.find("#more-events").click()
    assert 10 == len(page.column(1, "events"))
    page.find("#more-events").click()

    assert 6 == len(page.column(1, "events"))


def test_a_held_publisher(page: ClientsPage) -> None:
    """While somebody waits the page is not green: it says how many, who for whom, and for how long."""
    with Guest(page.server, "producer"), Guest(page.server, "laptop"):
        page.until(lambda: {"producer", "laptop"} == set(page.names()))
        page.run(HELD)
        page.until(lambda: "held" == page.state())

        assert "1 publisher waits" == page.text("#state .word")
        assert "waits for laptop" == page.text("tr.held .plight")
        assert "slow, holds 1 publisher" == page.text("tr.slow .plight")
        assert ["1", "3.3s"] == [page.text(f"#trouble div:nth-child({row}) dd") for row in (1, 2)]
        page.find("tr.held a").click()
        page.until(lambda: "waits for laptop and 1 more" == page.text("#drawer-facts dd"))
        assert str(page.find("#drawer-facts dd a").get_attribute("href")).endswith("?client=7")


def test_who_has_gone(page: ClientsPage) -> None:
    """The client that has left last is the first one, with the reason."""
    with Guest(page.server, "visitor"):
        page.until(lambda: "visitor" in page.names())
    page.until(lambda: page.column(2, "closed")[:1] == ["visitor"])

    assert "Client Closed" == page.column(3, "closed")[0]


def test_who_was_slow(page: ClientsPage) -> None:
    """A receiver has its pending bytes by subject, and what became of it; a client opens."""
    page.run(SLOW)
    page.until(lambda: 2 == len(page.column(1, "slow")))

    assert "the latest 2 of 40" == page.text("#slow-sum")
    assert "laptopclosed: late, 2 publishers waited" == page.text("#slow-table td.name")
    cut, held = page.column(4, "slow")
    assert cut.startswith("a: 4 msgs, 4.00\u202fKiBb: 3 msgs")
    assert cut.endswith("and 1 more")
    assert "counting" == held
    page.find("#slow-table a.open").click()
    page.until(lambda: "Client 7" == page.text("#drawer-title"))


def test_the_cluster(page: ClientsPage) -> None:
    """Servers have names, directions and round trips; configured ones that do not answer are listed."""
    page.run(CLUSTER)
    page.until(lambda: 2 == len(page.column(1, "routes")))

    first, second = page.column(1, "routes")
    assert "edge-2192.0.2.7:6222 \u00b7 dialled by this server" == first
    assert "PEERPEERPEERPEERPEER02192.0.2.7:6222 \u00b7 dialled by that server" == second
    assert ["1.2\u202fms", "\u2013"] == page.column(5, "routes")
    assert ["nats-route://192.0.2.9:6222"] == page.column(1, "unreachable")
    assert ["connection refused"] == page.column(2, "unreachable")
    assert page.column(3, "unreachable")[0].startswith("12 attempts since ")
    assert "2 connected, 1 not reached" == page.text("#routes-sum")
    assert "bad" == page.find("#trouble div:nth-child(5) dd").get_attribute("data-tone")


def test_leaf_links(page: Page) -> None:
    """Servers outside the cluster have a table of their own, which says which end is the hub."""
    page.run(LEAVES)
    page.until(lambda: 2 == len(page.column(1, "leaves")))

    assert ["centre192.0.2.7:7422 \u00b7 our hub", "\u2013192.0.2.7:7422 \u00b7 our leaf"] == page.column(
        1, "leaves"
    )
    assert "1.2\u202fms" == page.column(5, "leaves")[0]
    assert "2 leaf links" == page.text("#routes-sum")


@pytest.mark.parametrize("width", [1200, DESKTOP[0], 1920])
def test_cells_are_whole(page: ClientsPage, width: int) -> None:
    """What clients are called, what they run and where they are is read without a pointer."""
    page.browser.resize((width, DESKTOP[1]))
    with Guest(page.server, "report-writer-01"):
        page.until(lambda: ["report-writer-01"] == page.names())
        page.run(CHANGE % f"for (const row of answer.connections.rows) Object.assign(row, {WIDE_ROW});")
        page.until(lambda: "javascript 2.29.2" in page.column(4))

        assert [] == page.run(CUT_CELLS, "#connections-table")


@pytest.mark.parametrize("width", [PHONE[0], 640, 1100, DESKTOP[0]])
def test_hints_are_whole(page: ClientsPage, width: int) -> None:
    """What a field is for is not cut off."""
    page.browser.resize((width, DESKTOP[1]))

    assert [] == page.run(CUT_HINTS)


def test_a_phone(page: ClientsPage) -> None:
    """On a phone nothing sticks out: tables scroll for themselves, the page does not."""
    page.browser.resize(PHONE)

    with Guest(page.server, "a-client-with-quite-a-long-name-for-a-phone", "a.long.subject.of.many.tokens"):
        page.until(page.names)

        assert PHONE[0] == page.run("return document.documentElement.scrollWidth")


def test_the_order_on_a_phone(page: ClientsPage) -> None:
    """On a phone trouble comes first, then what happened, and a row that is opened fills the screen."""
    page.browser.resize(PHONE)
    with Guest(page.server, "billing") as guest:
        page.open()
        page.await_only(guest)
        tops = [page.find(f"#{card}").rect["y"] for card in ("errors", "events", "chart-msgs", "connections")]
        assert sorted(tops) == tops
        assert "true" == page.find("#connections .scroll").get_attribute("data-more")

        page.find("#connections-table a").click()
        page.until(lambda: "billing" == page.text("#drawer-title"))

        assert PHONE[0] == page.find("#drawer").rect["width"]
        assert PHONE[0] == page.run("return document.documentElement.scrollWidth")


def test_a_hidden_page_asks_nothing(page: ClientsPage) -> None:
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


def test_an_upgraded_server(page: ClientsPage) -> None:
    """A page that has been open for a while reloads itself when the server brings a newer one."""
    page.run(UPGRADE)
    page.until(lambda: page.run("return window.before === undefined"))

    page.until(lambda: "live" == page.state())
    assert page.run("return window.before === undefined")


def test_nothing_piles_up(page: ClientsPage) -> None:
    """However long the page is open, it holds no more elements and no more samples."""
    # The labels of axes come and go as time passes.
    count = "return document.querySelectorAll('*:not([id^=chart-] span)').length"
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
            history.take({ ring: "10m", first, span: 600, length: 300, samples, latest: samples }, 2 * first);
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
    "duration(59.9)": "59s",
    "duration(61)": "1m 1s",
    "duration(7260)": "2h 1m",
    "duration(200000)": "2d 7h",
    "wait(3.25)": "3.3s",
    "roundTrip(0.00123)": "1.2 ms",
    "roundTrip(0.25)": "250 ms",
    "roundTrip(null)": "\u2013",
    "round(rate(16000))": "16 k/s",
    "round(bytes(1024))": "1 KiB",
    "round(percent(6))": "6 %",
    "round(count(100000))": "100 k",
    "[visible('a\\u202eb\\u{e0001}')]": "a\\u202eb\\u{e0001}",
    "whole(65536)": "65,536",
    "[ceiling(0)]": "1",
    "[ceiling(101)]": "120",
    "[ceiling(0.35)]": "0.4",
    "[ceiling(22)]": "30",
    "[ceiling(700 * 1024, 1024) / 1024]": "800",
}


def test_how_figures_are_written(page: ClientsPage) -> None:
    """A figure has three digits that count, and its unit stands apart."""
    names = ", ".join(sorted(set(re.findall(r"[a-z][A-Za-z]*(?=\()", " ".join(FIGURES)))))
    script = f"""
        import("/dashboard/format.js").then(({{ {names} }}) => {{
          const texts = [{", ".join(FIGURES)}];
          arguments[0](texts.map((text) => text.filter((part) => part !== "").join(" ")));
        }});
    """

    written = page.driver.execute_async_script(script)

    assert FIGURES == dict(zip(FIGURES, written, strict=True))


def test_a_server_that_comes_back(browser: Browser) -> None:
    """While the server is away a bar says since when, and so does the tab; then the page goes on."""
    with MonitoredServer("-n", "before") as server:
        page = ClientsPage(browser, server)
        page.open()
        assert page.text("#state").startswith("updated ")
        with Guest(server, "a"):
            page.until(lambda: ["a"] == page.names())
        server.stop()
        page.until(lambda: "lost" == page.state())
        page.until(lambda: "true" == page.find("#main").get_attribute("data-stale"))
        bar = page.text("#lost .text")
        assert re.fullmatch(r"No answer since \d\d:\d\d:\d\d; the figures are from then\.", bar)
        assert page.find("#lost").is_displayed()
        assert "No answer · before" == page.driver.title
        assert "icon-lost" in str(page.find("#icon").get_attribute("href"))

        ports = "-p", str(server.port), "-m", str(server.http_port)
        with MonitoredServer("-n", "after", *ports):
            page.run("document.querySelector('#retry').click()")  # unless the page was faster
            page.until(lambda: "live" == page.state())

            assert ("after", "after · pynatsd") == (page.text("#server-name"), page.driver.title)
            assert "false" == page.find("#main").get_attribute("data-stale")
            assert not page.find("#lost").is_displayed()
