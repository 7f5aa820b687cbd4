"""A page of the dashboard in a browser."""

from collections.abc import Callable
from typing import Any

from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

from screenshots.browser import Browser
from tests.support.monitored_server import MonitoredServer
from tests.support.patience import PATIENCE

SECONDS = PATIENCE
"""How long something is waited for."""

CHANGE = """
const ask = window.fetch;
window.fetch = async (...request) => {
  const answer = await (await ask(...request)).json();
  %s
  return new Response(JSON.stringify(answer));
};
"""
"""A script that changes each answer of the feed before the page gets it."""


class Page:
    """One of them, as its reader sees it."""

    path = "dashboard"

    def __init__(self, browser: Browser, server: MonitoredServer) -> None:
        self.browser = browser
        self.driver = browser.driver
        self.server = server

    def open(self, query: str = "") -> None:
        """Go there, and wait for the first figures."""
        self.driver.get(f"{self.server.origin}/{self.path}{query}")
        self.until(lambda: self.state() in {"live", "held"})

    def state(self) -> str:
        """How the page stands with its server."""
        return str(self.find("#state").get_attribute("data-state"))

    def until(self, holds: Callable[[], object]) -> None:
        """Wait until it holds."""
        WebDriverWait(self.driver, SECONDS, 0.05).until(lambda _driver: holds())

    def find(self, selector: str) -> WebElement:
        """The first such element."""
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def text(self, selector: str) -> str:
        """The text there, in one go, however often it is written again; empty where there is nothing."""
        script = "return document.querySelector(arguments[0])?.textContent.trim() ?? ''"
        return str(self.run(script, selector))

    def column(self, number: int, table: str = "connections") -> list[str]:
        """The cells of a column, counted from 1."""
        cells = self.run(
            "return [...document.querySelectorAll(arguments[0])].map((cell) => cell.textContent)",
            f"#{table}-table tbody td:nth-child({number})",
        )
        assert isinstance(cells, list)
        return cells

    def run(self, script: str, *arguments: object) -> Any:  # noqa: ANN401 - what a script returns
        """Run a script in the page."""
        return self.driver.execute_script(script, *arguments)
