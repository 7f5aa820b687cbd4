"""`python -m screenshots`: start a cluster, put load on it, and take pictures of one server's pages."""

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

from app.testing import free_port
from benchmarks.servers import CannotStart, Contender, RunningServer
from screenshots.browser import DESKTOP, MISSING, PHONE, Browser, is_installed
from screenshots.load import Load
from screenshots.slow_reader import SlowReader
from screenshots.streams import BEHIND, Streams

IMAGES = Path(__file__).parents[1] / "docs" / "images"

STREAM_SECONDS = 40.0
"""How long streams are filled until their pictures are taken."""

LOAD_SECONDS = 240.0
"""How long traffic flows until the pictures are taken, so that the charts have something to show."""

SECONDS = 60.0
UNKNOWN = "\u2013"
"""Stands for a rate that is not known yet."""

FEW_ROWS = "rows=10"

_TALL_PHONE = (PHONE[0], 1240)
_WIDE = (DESKTOP[0], 1400)
_TOP = (DESKTOP[0], 960)
_STREAMS_SIZE = (DESKTOP[0], 820)


@dataclass(frozen=True, slots=True)
class Cluster:
    """The servers, the first of which is in the pictures."""

    port: int
    """The first one's, for clients."""
    origin: str
    """Of its pages."""
    others: Sequence[RunningServer]


def main(words: Sequence[str] | None = None) -> int:
    """Take all pictures; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m screenshots", description=__doc__)
    parser.add_argument("--seconds", type=float, default=LOAD_SECONDS, help="of traffic before the pictures")
    parser.add_argument("--into", type=Path, default=IMAGES, help="folder of the pictures")
    parser.add_argument("--only-streams", action="store_true", help="take the pictures of streams alone")
    given = parser.parse_args(words)
    if not is_installed():
        sys.stderr.write(f"{MISSING}\n")
        return 1
    given.into.mkdir(parents=True, exist_ok=True)
    try:
        with ExitStack() as stack:
            cluster = _start(stack)
            take_streams(cluster, given.into, min(given.seconds, STREAM_SECONDS))
            if not given.only_streams:
                take(cluster, given.into, given.seconds)
    except CannotStart as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _start(stack: ExitStack) -> Cluster:
    """Three servers, each of which knows the others. Raises `CannotStart`."""
    pages, ports = free_port(), [free_port() for _ in range(3)]
    urls = [f"nats://127.0.0.1:{port}" for port in ports]
    routes = [",".join(url for url in urls if url != own) for own in urls]
    store = Path(tempfile.gettempdir()) / "pynatsd"  # it is in the pictures
    shutil.rmtree(store, ignore_errors=True)
    stack.callback(shutil.rmtree, store, ignore_errors=True)
    first, *others = [
        stack.enter_context(_server(number, *_own_flags(number, pages, str(store)), *flags))
        for number, flags in enumerate(
            (("-cluster", own, "-routes", known) for own, known in zip(urls, routes, strict=True)), 1
        )
    ]
    return Cluster(first.port, f"http://127.0.0.1:{pages}", others)


def _own_flags(number: int, pages: int, store: str) -> tuple[str, ...]:
    """Only the first one is in the pictures, and has streams."""
    return ("-m", str(pages), "-js", "-sd", store) if number == 1 else ("-m", "-1")


def _server(number: int, *flags: str) -> RunningServer:
    """One of the cluster. Raises `CannotStart`."""
    command = (sys.executable, "-m", "app.entrypoints.server", "-n", f"edge-{number}.example")
    return RunningServer(Contender(f"server {number}", command), *flags)


def take(cluster: Cluster, folder: Path, seconds: float) -> None:
    """Pictures of a server that has much to do, then of one that has trouble."""
    dashboard = f"{cluster.origin}/dashboard"
    with Browser(_WIDE) as browser:
        _open(browser, f"{cluster.origin}/docs", lambda page: page.find(".opblock"))
        browser.save(folder / "docs.png")
        with Load(cluster.port, [server.port for server in cluster.others]):
            time.sleep(seconds)
            _take_work(browser, dashboard, folder)
            _take_slow_reader(browser, cluster, folder)
            _take_lost_route(browser, cluster, folder)


def take_streams(cluster: Cluster, folder: Path, seconds: float) -> None:
    """Pictures of the page of streams, then of a consumer that is behind."""
    page = f"{cluster.origin}/dashboard/streams"
    with Browser(_STREAMS_SIZE) as browser, Streams(cluster.port):
        time.sleep(seconds)
        _open(browser, page, _Page.knows_stream_rates)
        browser.save(folder / "dashboard-streams.png")
        _open(browser, f"{page}?stream=ORDERS&consumer={BEHIND}", _Page.knows_stream_rates)
        _wait(browser, lambda seen: seen.says("#drawer-facts", "Last ack"))
        time.sleep(min(seconds, STREAM_SECONDS) / 2)  # so that its chart has something to show
        browser.save(folder / "dashboard-consumer.png")


def _take_work(browser: Browser, dashboard: str, folder: Path) -> None:
    browser.resize(_WIDE)
    _open(browser, dashboard, _Page.knows_rates)
    browser.save(folder / "dashboard.png")
    browser.prefer(dark=True)
    _open(browser, f"{dashboard}?topic=orders.created", _Page.knows_rates)
    _wait(browser, lambda page: page.point_at("#chart-msgs", 0.3) and page.find("#listed-table tbody tr"))
    browser.save(folder / "dashboard-dark.png")
    browser.prefer(dark=False)


def _take_slow_reader(browser: Browser, cluster: Cluster, folder: Path) -> None:
    """Held first, where nobody else suffers; then closed, where somebody does."""
    dashboard = f"{cluster.origin}/dashboard"
    browser.resize(_TOP)
    with SlowReader(cluster.port):
        _open(browser, f"{dashboard}?{FEW_ROWS}", _Page.knows_rates)
        _wait(browser, lambda page: page.find("tr.held") and page.find("tr.slow"))
        browser.save(folder / "dashboard-held.png")
        browser.resize(_TALL_PHONE)
        _open(browser, dashboard, _Page.knows_rates)
        _wait(browser, lambda page: page.find("tr.held") and page.find("tr.slow"))
        browser.save(folder / "dashboard-phone.png")
    browser.resize(_TOP)
    with SlowReader(cluster.port, companion=True):
        _open(browser, f"{dashboard}?{FEW_ROWS}", _Page.knows_rates)
        _wait(browser, lambda page: page.says("#events-table", "Slow consumer closed"))
        _wait(browser, lambda page: page.find("#state[data-state=live]"))
        browser.save(folder / "dashboard-cut.png")
        _wait(browser, lambda page: page.says("#slow-table", "reports.nightly"))
        _scroll_to(browser, "#slow")
        browser.save(folder / "dashboard-slow.png")


def _take_lost_route(browser: Browser, cluster: Cluster, folder: Path) -> None:
    browser.resize((DESKTOP[0], 1180))
    _open(browser, f"{cluster.origin}/dashboard?{FEW_ROWS}", _Page.knows_rates)
    cluster.others[-1].stop()
    _wait(browser, lambda page: page.find("#unreachable-table tbody tr"))
    _wait(browser, lambda page: page.says("#events-table", "Server not reached"))
    _scroll_to(browser, "#errors")
    browser.save(folder / "dashboard-route.png")


def _scroll_to(browser: Browser, selector: str) -> None:
    """Have this part below the bar."""
    browser.driver.execute_script("document.querySelector(arguments[0]).scrollIntoView()", selector)
    browser.driver.execute_script("scrollBy(0, -70)")
    time.sleep(1.0)  # until it has scrolled


class _Page:
    """The page that is open."""

    def __init__(self, browser: Browser) -> None:
        self._driver = browser.driver

    def find(self, selector: str) -> bool:
        """Whether there is such an element."""
        return bool(self._driver.find_elements(By.CSS_SELECTOR, selector))

    def says(self, selector: str, text: str) -> bool:
        """Whether this is somewhere in an element."""
        return any(text in found.text for found in self._driver.find_elements(By.CSS_SELECTOR, selector))

    def knows_rates(self) -> bool:
        """Whether it has had two answers, so that the rates of clients are there."""
        cell = self._driver.find_elements(By.CSS_SELECTOR, "#connections-table td:nth-child(6) .figure")
        return bool(cell) and cell[0].text not in ("", UNKNOWN)

    def knows_stream_rates(self) -> bool:
        """The same of the page of streams."""
        cell = self._driver.find_elements(By.CSS_SELECTOR, "#streams-table td:nth-child(6) .figure")
        return bool(cell) and cell[0].text not in ("", UNKNOWN)

    def point_at(self, chart: str, share: float) -> bool:
        """Move the pointer to a place of a chart; whether its tooltip is seen."""
        return bool(self._driver.execute_script(_POINT, f"{chart} .plot", share))


_POINT = """
const plot = document.querySelector(arguments[0]);
const box = plot.getBoundingClientRect();
const place = { clientX: box.left + box.width * arguments[1], clientY: box.top + 20 };
plot.dispatchEvent(new PointerEvent("pointermove", place));
return !plot.querySelector(".tip").hidden;
"""


def _open(browser: Browser, address: str, is_there: Callable[[_Page], bool]) -> None:
    browser.driver.get(address)
    _wait(browser, is_there)


def _wait(browser: Browser, is_there: Callable[[_Page], bool]) -> None:
    WebDriverWait(browser.driver, SECONDS, 0.1).until(lambda _driver: is_there(_Page(browser)))


if __name__ == "__main__":
    sys.exit(main())
