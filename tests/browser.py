"""A real browser without a window, for pages and notebooks; tests are skipped where there is none."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--hide-scrollbars",
)
_NAMES = ("chromium", "chromium-browser", "google-chrome")


def browser_programs() -> tuple[str, str]:
    """Paths of Chromium and of its driver; skips the test where one is missing."""
    found = next((path for name in _NAMES if (path := shutil.which(name))), None)
    driver = shutil.which("chromedriver")
    if found is None or driver is None:
        pytest.skip("no Chromium with its driver (Debian: apt-get install chromium chromium-driver)")
    return found, driver


@contextmanager
def open_browser(profile: Path, width: int = 1280, height: int = 900) -> Iterator[Chrome]:
    """Chromium with a new profile in a folder; everything that its console is told can be read with `console_errors`."""
    program, driver = browser_programs()
    options = ChromeOptions()
    options.binary_location = program
    for flag in (*FLAGS, f"--user-data-dir={profile}", f"--window-size={width},{height}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    browser = Chrome(options=options, service=Service(executable_path=driver))
    try:
        browser.set_page_load_timeout(60)
        yield browser
    finally:
        browser.quit()


def set_screen(browser: Chrome, width: int, height: int, *, phone: bool) -> None:
    """The size of the page as seen; a phone's reads the viewport that the page asks for."""
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": phone}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)


def console_errors(browser: Chrome) -> list[str]:
    """What the console was told since the last look that is worse than information."""
    return [entry["message"] for entry in browser.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]
