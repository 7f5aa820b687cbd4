"""A headless Chromium, for pictures and for tests of the dashboard.

Nothing is downloaded: browser and driver are those that the system has.
"""

import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

BROWSER, DRIVER = "chromium", "chromedriver"

MISSING = "chromium is not installed: apt install chromium chromium-driver"

DESKTOP = (1440, 1000)
PHONE = (390, 844)

_PHONE_SCALE = 2.0

_FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--disable-dev-shm-usage", "--hide-scrollbars"),
)


def is_installed() -> bool:
    """Whether there is a browser to drive."""
    return all(map(shutil.which, (BROWSER, DRIVER)))


class Browser:
    """A browser with a fresh profile, within a ``with`` block. `driver` is selenium's."""

    def __init__(self, size: tuple[int, int] = DESKTOP, *, dark: bool = False) -> None:
        """A `size` is that of the page, in its own pixels; `dark` is what the system prefers."""
        self._size = size
        self._dark = dark

    def __enter__(self) -> Self:
        self._profile = tempfile.mkdtemp(prefix="pynatsd-browser-")
        options = webdriver.ChromeOptions()
        options.binary_location = str(shutil.which(BROWSER))
        for flag in (*_FLAGS, f"--user-data-dir={self._profile}", "--window-size={},{}".format(*self._size)):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service(shutil.which(DRIVER)))
        self.resize(self._size)
        self.prefer(dark=self._dark)
        return self

    def __exit__(self, *_: object) -> None:
        self.driver.quit()
        shutil.rmtree(self._profile, ignore_errors=True)

    def resize(self, size: tuple[int, int]) -> None:
        """Show the page at another size; narrow ones are those of phones."""
        width, height = size
        mobile = width <= PHONE[0]
        self._command(
            "Emulation.setDeviceMetricsOverride",
            {
                "width": width,
                "height": height,
                "deviceScaleFactor": _PHONE_SCALE if mobile else 1.0,
                "mobile": mobile,
            },
        )

    def prefer(self, *, dark: bool) -> None:
        """Prefer dark colours, or light ones, as a system does."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._command("Emulation.setEmulatedMedia", {"features": [scheme]})

    def save(self, path: Path) -> None:
        """A picture of what is seen now."""
        if not self.driver.save_screenshot(str(path)):
            raise OSError(f"cannot write {path}")

    def complaints(self) -> list[str]:
        """What the console has said since the last call."""
        return [entry["message"] for entry in self._log("browser")]

    def requests(self) -> list[str]:
        """The addresses that were asked for since the last call."""
        events = (json.loads(entry["message"])["message"] for entry in self._log("performance"))
        return [
            event["params"]["request"]["url"]
            for event in events
            if event["method"] == "Network.requestWillBeSent"
        ]

    def _log(self, kind: str) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = self.driver.get_log(kind)  # type: ignore[no-untyped-call] # selenium has no type here
        return entries

    def _command(self, name: str, parameters: Mapping[str, Any]) -> None:
        self.driver.execute_cdp_cmd(name, dict(parameters))
