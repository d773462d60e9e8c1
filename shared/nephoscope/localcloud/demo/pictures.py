"""Pictures of what the demonstration leaves: the dashboard, the page, a message; for those who have no browser open."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from nephoscope.localcloud.browser import Chromium, chromium
from nephoscope.localcloud.demo.message_page import render_message
from nephoscope.localcloud.receivers import Delivery

WIDE, NARROW = 1280, 420


def first_firing(deliveries: tuple[Delivery, ...]) -> Mapping[str, Any] | None:
    """The first message of format `slack` that says that something critical fires."""
    bodies = (each.json() for each in deliveries if each.received)
    return next((body for body in bodies if "CRITICAL" in str(body.get("text", ""))), None)


def draw_pictures(out: Path, page: str, message: Mapping[str, Any] | None, channel: str) -> Iterator[Path]:
    """dashboard.png of dashboard.html, page.png and page-narrow.png of the address, message.png; all in `out`.
    Raises BrowserError where there is no browser."""
    with chromium() as browser:
        yield _visited(browser, (out / "dashboard.html").resolve().as_uri(), out / "dashboard.png", WIDE)
        yield _visited(browser, page, out / "page.png", WIDE)
        yield _visited(browser, page, out / "page-narrow.png", NARROW)
        if message is not None:
            yield browser.picture(render_message(message, channel), out / "message.png", WIDE // 2)


def _visited(browser: Chromium, address: str, path: Path, width: int) -> Path:
    """Once its first heading is there, and what comes with it has come to rest."""
    with browser.page(width, 1180) as page:
        page.goto(address, wait_until="load")
        page.locator("h1").first.wait_for(timeout=_PATIENCE)
        page.wait_for_timeout(_REST)
        page.screenshot(path=path, full_page=width == NARROW)
    return path


_PATIENCE, _REST = 60_000, 1_000
"""Milliseconds."""
