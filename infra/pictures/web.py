"""Pictures of the local page: a simulated fleet on three local clouds, `nephoscope web` over its memory, a browser.

python -m infra.pictures.web FOLDER
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from infra.pictures.lived import Lived, lived
from nephoscope.localcloud.browser import Scheme, chromium

WIDE, NARROW = (1280, 860), (390, 844)
ROWS = ".ag-center-cols-container .ag-row a"


@dataclass(frozen=True, slots=True)
class View:
    """ready: a selector that is there when there is something to see. within: of a frame."""

    name: str
    path: str
    ready: str
    within: str = ""


VIEWS = (
    View("overview", "/", "table.fleet"),
    View("machines", "/machines?sort=value%3Acpu.utilization.desc", ROWS),
    View("alerts", "/alerts", "table.searched"),
    View("outbox", "/outbox", "#content section"),
    View("coverage", "/coverage", "#content table"),
    View("dashboard", "/dashboard", "main svg", "iframe.drawn"),
)


def draw(folder: Path) -> list[Path]:
    """The pictures, written into the folder: each view at two widths, two also in the dark. Takes a minute."""
    with tempfile.TemporaryDirectory() as place, lived(Path(place)) as fleet, served(fleet) as base:
        views = (*VIEWS, View("machine", firing_machine(base), ".course .js-line"))
        return list(_draw(folder, base, views))


@contextmanager
def served(fleet: Lived) -> Iterator[str]:
    """`nephoscope web` as a person starts it; its address, without the last stroke."""
    script = Path(sys.executable).with_name("nephoscope")
    environment = {**os.environ, **fleet.environment}
    command = [str(script), "web", "--port", "0"]
    process = subprocess.Popen(command, cwd=fleet.folder, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        yield (process.stdout or sys.stdin).readline().strip().rstrip("/")
    finally:
        process.terminate()
        process.communicate(timeout=20)


def firing_machine(base: str) -> str:
    """The page of a machine on which an alert is open."""
    with urllib.request.urlopen(f"{base}/rows") as answer:  # noqa: S310 - our own server's
        rows = json.load(answer)
    columns = rows["columns"]
    place = max(range(rows["count"]), key=lambda at: (columns["alerts"][at], "aws" in columns["id"][at]))
    scope = rows["words"]["scope"][columns["scope"][place]]
    return f"/machine?{urlencode({'scope': scope, 'id': columns['id'][place]})}"


def _draw(folder: Path, base: str, views: tuple[View, ...]) -> Iterator[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    with chromium() as browser:
        for view in views:
            schemes: tuple[Scheme, ...] = ("light", "dark") if view.name in ("overview", "machine") else ("light",)
            for scheme in schemes:
                for width, height in (WIDE, NARROW):
                    with browser.page(width, height, scheme) as page:
                        page.goto(base + view.path)
                        where = page.frame_locator(view.within) if view.within else page
                        where.locator(view.ready).first.wait_for()
                        page.wait_for_timeout(600)  # what is still being placed
                        path = folder / f"web-{view.name}-{width}-{scheme}.png"
                        page.screenshot(path=path, full_page=view.name not in ("machines", "dashboard"))
                    yield path


if __name__ == "__main__":
    for drawn in draw(Path(sys.argv[1] if len(sys.argv) > 1 else "build/pictures")):
        print(re.sub(r"^.*/(?=[^/]+/[^/]+$)", "", str(drawn)))
