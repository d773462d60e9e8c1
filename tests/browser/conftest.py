"""A real browser on the local page. One for each file of tests; each test has a context of its own."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from nephoscope.localcloud.browser import ARGUMENTS, EXECUTABLE

sys.path.insert(0, str(Path(__file__).parents[1]))  # for what several rooms of the tests use

AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
PATIENCE = 20_000
"""Milliseconds: a machine that does other things as well."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if not EXECUTABLE.exists():
        pytest.skip("Debian's chromium is not installed: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=EXECUTABLE, args=list(ARGUMENTS))
        yield launched
        launched.close()


@dataclass
class Tab:
    """A page with what it asked for, and what went wrong in it. foreign: requests to other hosts than its own."""

    page: Any
    base: str
    requests: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @property
    def foreign(self) -> list[str]:
        asked = [urlsplit(one) for one in self.requests]
        own = urlsplit(self.base).netloc
        return [one.geturl() for one in asked if one.scheme not in ("data", "blob", "about") and one.netloc != own]

    def go(self, path: str) -> Tab:
        self.page.goto(self.base + path)
        self.page.wait_for_selector("#content h1")
        return self

    def text(self, selector: str = "#content") -> str:
        return str(self.page.locator(selector).first.inner_text())

    def wait_for(self, script: str) -> None:
        """script: a JavaScript expression that becomes true. It is asked by the debugger: the page itself evaluates no
        text, by its policy."""
        until = time.monotonic() + PATIENCE / 1000
        while not self.page.evaluate(f"Boolean({script})"):
            assert time.monotonic() < until, f"not within {PATIENCE} ms: {script}\n{self.text('body')[:800]}"
            self.page.wait_for_timeout(40)

    def names(self) -> list[str]:
        """Of the machines whose rows are drawn, from the top."""
        rows = self.page.locator(".ag-center-cols-container .ag-row")
        found = rows.evaluate_all(
            "rows => rows.map(row => [Number(row.getAttribute('row-index')), row.querySelector('a').textContent])"
        )
        return [name for _, name in sorted(found)]

    def violations(self) -> list[str]:
        """What axe-core calls serious or critical, each with the first element that it is about."""
        self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found = self.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        return [
            f"{one['id']}: {one['nodes'][0]['html'][:160]} {one['nodes'][0].get('failureSummary', '')[:200]}"
            for one in found["violations"]
            if one["impact"] in ("serious", "critical")
        ]


@pytest.fixture
def tab(browser: Any) -> Iterator[Callable[..., Tab]]:
    """Opens a tab: base address, and what a context takes (width, color_scheme, timezone_id, ...)."""
    contexts: list[Any] = []
    tabs: list[Tab] = []

    def opened(base: str, width: int = 1280, **more: Any) -> Tab:
        context = browser.new_context(viewport={"width": width, "height": 900}, **more)
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        made = Tab(context.new_page(), base)
        made.page.on("request", lambda request: made.requests.append(request.url))
        made.page.on("pageerror", lambda error: made.wrong.append(str(error)))
        made.page.on("console", lambda said: made.wrong.append(said.text) if said.type == "error" else None)
        tabs.append(made)
        return made

    yield opened
    for each in contexts:
        each.close()
    assert [one for each in tabs for one in each.foreign] == []
