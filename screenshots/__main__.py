"""`python -m screenshots`: start a cluster, put load on it, and take pictures of one server's pages."""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

from benchmarks.servers import CannotStart, Contender, RunningServer, free_port
from screenshots.browser import DESKTOP, MISSING, PHONE, Browser, is_installed
from screenshots.load import Load

IMAGES = Path(__file__).parents[1] / "docs" / "images"

LOAD_SECONDS = 240.0
"""How long traffic flows until the pictures are taken, so that the charts have something to show."""

SECONDS = 30.0
UNKNOWN = "\u2013"
"""Stands for a rate that is not known yet."""

_TALL_PHONE = (PHONE[0], 1180)
_WIDE = (DESKTOP[0], 1400)


def main(words: Sequence[str] | None = None) -> int:
    """Take all pictures; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m screenshots", description=__doc__)
    parser.add_argument("--seconds", type=float, default=LOAD_SECONDS, help="of traffic before the pictures")
    parser.add_argument("--into", type=Path, default=IMAGES, help="folder of the pictures")
    given = parser.parse_args(words)
    if not is_installed():
        sys.stderr.write(f"{MISSING}\n")
        return 1
    given.into.mkdir(parents=True, exist_ok=True)
    port, seed = free_port(), f"nats://127.0.0.1:{free_port()}"
    try:
        with ExitStack() as stack:
            first = stack.enter_context(_server(1, "-m", str(port), "-cluster", seed))
            others = [stack.enter_context(_follower(number, seed)).port for number in (2, 3)]
            take(f"http://127.0.0.1:{port}", Load(first.port, others), given.into, given.seconds)
    except CannotStart as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _follower(number: int, seed: str) -> RunningServer:
    return _server(number, "-cluster", f"nats://127.0.0.1:{free_port()}", "-routes", seed)


def _server(number: int, *flags: str) -> RunningServer:
    """One of the cluster. Raises `CannotStart`."""
    command = (sys.executable, "-m", "app.entrypoints.server", "-n", f"edge-{number}.example", *flags)
    return Contender(f"server {number}", command).start()


def take(origin: str, load: Load, folder: Path, seconds: float) -> None:
    """Pictures of the pages at `origin`, of a server that is idle first and then under `load`."""
    with Browser() as browser:
        _open(browser, f"{origin}/dashboard", _is_live)
        browser.save(folder / "dashboard-idle.png")
        _open(browser, f"{origin}/docs", lambda page: page.find(".opblock"))
        browser.save(folder / "docs.png")
        with load:
            time.sleep(seconds)
            browser.resize(_WIDE)
            _open(browser, f"{origin}/dashboard", _is_live)
            _wait(browser, lambda page: page.knows_rates() and page.find("tr.slow"))
            browser.save(folder / "dashboard.png")
            browser.prefer(dark=True)
            _wait(browser, lambda page: page.find("tr.slow"))
            browser.save(folder / "dashboard-dark.png")
            browser.resize(_TALL_PHONE)
            _open(browser, f"{origin}/dashboard?sort=to_rate", _Page.knows_rates)
            browser.save(folder / "dashboard-phone.png")


class _Page:
    """The page that is open."""

    def __init__(self, browser: Browser) -> None:
        self._driver = browser.driver

    def find(self, selector: str) -> bool:
        """Whether there is such an element."""
        return bool(self._driver.find_elements(By.CSS_SELECTOR, selector))

    def knows_rates(self) -> bool:
        """Whether it has had two answers, so that the rates of clients are there."""
        cell = self._driver.find_elements(By.CSS_SELECTOR, "#connections-table td:nth-child(6) .figure")
        return bool(cell) and cell[0].text not in ("", UNKNOWN)


def _is_live(page: _Page) -> bool:
    """Whether figures, and rates among them, have come."""
    return page.find("[data-state=live]") and page.find("#chart-msgs .line.out[d^=M]")


def _open(browser: Browser, address: str, is_there: Callable[[_Page], bool]) -> None:
    browser.driver.get(address)
    _wait(browser, is_there)


def _wait(browser: Browser, is_there: Callable[[_Page], bool]) -> None:
    WebDriverWait(browser.driver, SECONDS, 0.1).until(lambda _driver: is_there(_Page(browser)))


if __name__ == "__main__":
    sys.exit(main())
