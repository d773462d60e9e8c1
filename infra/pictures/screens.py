"""A page as people see it on a screen and on a phone, light and dark, as PNG files. Chromium is Debian's own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Page

from nephoscope.localcloud.browser import Chromium, Scheme, chromium

SCHEMES: tuple[Scheme, ...] = ("light", "dark")


@dataclass(frozen=True, slots=True)
class Screen:
    """name: of the files. width, height: pixels of CSS; dense: device pixels for each."""

    name: str
    width: int
    height: int
    dense: float = 1


DESK = Screen("desk", 1280, 1180)
PHONE = Screen("phone", 390, 1690, 2)
"""Two screens of a phone, one below the other."""


@contextmanager
def opened(browser: Chromium, file: Path, screen: Screen, scheme: Scheme = "light") -> Iterator[Page]:
    """The file as it stands on that screen."""
    with browser.page(screen.width, screen.height, scheme, screen.dense) as page:
        page.goto(file.resolve().as_uri())
        yield page


def pictures(file: Path, folder: Path, name: str, screens: Sequence[Screen] = (DESK, PHONE)) -> list[Path]:
    """`name-desk-light.png`, `name-phone-dark.png`, ...: what each screen shows at first."""
    drawn: list[Path] = []
    with chromium() as browser:
        for screen in screens:
            for scheme in SCHEMES:
                path = folder / f"{name}-{screen.name}-{scheme}.png"
                with opened(browser, file, screen, scheme) as page:
                    page.screenshot(path=path)
                drawn.append(path)
    return drawn
