"""Debian's Chromium, driven by Playwright: pages as pictures."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--no-first-run",
)
"""A browser that calls nobody but who is asked for."""

EXECUTABLE = Path("/usr/bin/chromium")
"""Where Debian's package puts it."""
Scheme = Literal["light", "dark"]


class BrowserError(RuntimeError):
    """There is no browser on this machine; says what to install."""


class Chromium:
    def __init__(self, browser: Browser) -> None:
        self.browser = browser

    @contextmanager
    def page(self, width: int, height: int = 900, scheme: Scheme = "light", dense: float = 1) -> Iterator[Page]:
        """width, height: pixels of CSS; dense: device pixels for each."""
        size: ViewportSize = {"width": width, "height": height}
        context = self.browser.new_context(viewport=size, device_scale_factor=dense, color_scheme=scheme)
        try:
            yield context.new_page()
        finally:
            context.close()

    def picture(self, content: str, path: Path, width: int, *, scheme: Scheme = "light") -> Path:
        """The whole of an HTML text. Its scripts run; it may load nothing."""
        with self.page(width, 100, scheme) as page:  # as high as it is
            page.set_content(content, wait_until="load")
            page.screenshot(path=path, full_page=True)
        return path


@contextmanager
def chromium() -> Iterator[Chromium]:
    """Raises BrowserError."""
    if not EXECUTABLE.exists():
        raise BrowserError("chromium is not installed; on Debian: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=EXECUTABLE, args=list(ARGUMENTS))
        try:
            yield Chromium(browser)
        finally:
            browser.close()
