"""The dashboard's page in a real browser, on a screen and on a phone, light and dark: nothing is cut off, stands on
anything else, runs or is fetched, and axe finds no fault."""

from __future__ import annotations

import copy
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from infra.pictures.screens import Screen, opened
from nephoscope.catalog.loader import load_catalog
from nephoscope.localcloud.browser import EXECUTABLE, Chromium, Scheme, chromium
from nephoscope.model.memory import Snapshot
from nephoscope.model.publish import Dashboard
from nephoscope.model.resource import Kind, Resource, State
from nephoscope.views.dashboard_alarms import AlarmState
from nephoscope.views.dashboard_data import Drawn, WidgetData, WidgetKey, widgets_of
from nephoscope.views.dashboard_page import draw
from nephoscope.views.widget import render_widget

sys.path.insert(0, str(Path(__file__).parents[1]))  # for what several rooms of the tests use

from dashboard_fleets import FLEETS

pytestmark = pytest.mark.skipif(not EXECUTABLE.exists(), reason="needs /usr/bin/chromium: apt-get install chromium")

ROOT = Path(__file__).parents[2]
AXE = ROOT / "node_modules/axe-core/axe.min.js"
NOON = 1_795_435_200
SCREENS = (Screen("desk", 1280, 900), Screen("phone", 390, 844))
NAMES = (
    "web-1",
    "<script>document.title='run'</script>",
    "<img src=x onerror=\"document.title='run'\">",
    "שרת-ייצור-1",
    "👩\u200d🚀" * 30,
    "x" * 255,
    "ö" * 255,
    "a name of many words " * 12,
)


def series() -> WidgetData:
    """A line of each strange name: whole, with a gap, of one point, of none."""
    times = tuple(range(NOON, NOON + 3_600, 300))
    lines = [Drawn(name, times, tuple(float((n * 7 + at) % 100) for at in range(12))) for n, name in enumerate(NAMES)]
    gap = Drawn("gap", times[:4] + times[8:], (50.0,) * 8)
    return WidgetData((*lines, gap, Drawn("one", times[:1], (20.0,)), Drawn("none", (), ())))


def snapshots(busy: bool) -> list[Snapshot]:
    found = []
    for scope in FLEETS._three_clouds()[1]:
        machines = tuple(
            Resource(scope, Kind.INSTANCE, f"i-{n:017d}", name, "m6i.large", state=State.RUNNING)
            for n, name in enumerate(NAMES)
        )
        values = {
            metric: {one.id: (NOON + 3_000, 0.3 + n / 10) for n, one in enumerate(machines)}
            for metric in ("cpu.utilization", "memory.utilization", "network.receive")
        }
        firing = tuple(
            {"alert_key": one.id, "rule": rule, "severity": severity, "resource_id": one.id, "state": "firing"}
            | {"attributes": {"device": name}, "since": "2026-11-23T11:48:00Z", "value": 0.97, "episode": 1}
            for one, name in [*zip(machines, NAMES, strict=True)][len(found) :: 4]
            for rule, severity in (("cpu-hot", "critical"), ("down", "warning"))
        )
        gaps = tuple(f"{scope}: DescribeInstances: denied ({name})" for name in NAMES[len(found) :: 4])
        counts = {"running": len(machines)}
        whole = Snapshot(scope, NOON + 3_540, machines, values, counts, coverage=(8, 8))
        found.append(Snapshot(scope, NOON + 3_540, machines, values, counts, gaps, firing, (5, 8)) if busy else whole)
    return found


def _strange(dashboard: Dashboard) -> Dashboard:
    """The same with strange titles."""
    body: Any = copy.deepcopy(dashboard.body)
    graphs = [one["properties"] for one in body["widgets"] if one["type"] == "metric"]
    for properties, name in zip(graphs[3:], NAMES, strict=False):
        properties["title"] = name
    return Dashboard(dashboard.name, body)


def written(place: Path, fleet: str, *, busy: bool, data: bool = True) -> Path:
    dashboards: tuple[Dashboard, ...] = tuple(_strange(one) if busy else one for one in FLEETS.fleets()[fleet])
    config = FLEETS._three_clouds()[0]
    shown: dict[WidgetKey, WidgetData] = {}
    custom: dict[WidgetKey, str] = {}
    for dashboard in dashboards:
        for number, one in enumerate(widgets_of(dashboard)):
            if one["type"] == "metric":
                shown[dashboard.name, number] = series() if data else WidgetData()
            if one["type"] == "custom":
                seen = snapshots(busy) if data else []
                event = one["properties"]["params"]
                custom[dashboard.name, number] = render_widget(
                    event, seen, config, load_catalog(), NOON + 3_600, endpoint=FLEETS.WIDGET
                )
    states = {
        arn: AlarmState(word, NOON)
        for arn, word in zip(FLEETS.ALARMS, ("ALARM", "OK", "INSUFFICIENT_DATA"), strict=False)
    }
    path = place / f"{fleet}-{busy}-{data}.html"
    path.write_text(draw(dashboards, shown, custom, "Drawn in a test.", states), encoding="utf-8")
    return path


PAGES = {
    "busy": ("clouds", True, True),
    "calm": ("2000", False, True),
    "one machine's": ("20", False, True),
    "without data": ("clouds", False, False),
    "new": ("new", False, False),
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Chromium]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    place = tmp_path_factory.mktemp("pages")
    return {name: written(place, fleet, busy=busy, data=data) for name, (fleet, busy, data) in PAGES.items()}


WIDER = "document.documentElement.scrollWidth - window.innerWidth"
CUT = """() => [...document.querySelectorAll('section.widget')].filter(one => {
  const box = one.getBoundingClientRect();
  return [...one.querySelectorAll('td, th, li, p, h1, h2, h3, h4, .tile, .answer, svg')].some(part => {
    const own = part.getBoundingClientRect();
    const out = own.right > box.right + 1 || own.bottom > box.bottom + 1 || own.left < box.left - 1;
    return own.width && own.left > -9000 && out;
  });
}).map(one => one.innerText.slice(0, 80))"""
BOXES = """() => [...document.querySelectorAll('section.widget')].map(one => {
  const box = one.getBoundingClientRect();
  return [box.left, box.top, box.right, box.bottom];
})"""


@pytest.mark.parametrize("screen", SCREENS, ids=lambda screen: screen.name)
@pytest.mark.parametrize("name", PAGES)
def test_nothing_is_cut_off_or_stands_on_anything(
    browser: Chromium, files: dict[str, Path], name: str, screen: Screen
) -> None:
    with opened(browser, files[name], screen) as page:
        assert page.evaluate(WIDER) <= 0
        assert page.evaluate(CUT) == []
        boxes = page.evaluate(BOXES)
    for number, (left, top, right, bottom) in enumerate(boxes):
        for other in boxes[number + 1 :]:
            assert other[0] >= right - 1 or other[2] <= left + 1 or other[1] >= bottom - 1 or other[3] <= top + 1
    if screen.width < 400:  # one column, in the order of reading
        assert boxes == sorted(boxes, key=lambda box: box[1])
        assert {round(left) for left, *_ in boxes} == {8}


def test_nothing_is_run_and_nothing_is_fetched(browser: Chromium, files: dict[str, Path]) -> None:
    asked: list[str] = []
    with opened(browser, files["busy"], SCREENS[0]) as page:
        page.on("request", lambda request: asked.append(request.url))
        page.reload()
        assert page.title() == "acme"
        assert page.get_by_text("<script>document.title='run'</script>").count() > 3
    assert [url for url in asked if not url.startswith("file:")] == []


LOOKS: tuple[tuple[str, Screen, Scheme], ...] = (
    ("busy", SCREENS[0], "light"),
    ("busy", SCREENS[1], "dark"),
    ("calm", SCREENS[1], "light"),
    ("new", SCREENS[0], "dark"),
)


@pytest.mark.parametrize(("name", "screen", "scheme"), LOOKS, ids=lambda one: getattr(one, "name", one))
def test_axe_finds_nothing(
    browser: Chromium, files: dict[str, Path], name: str, screen: Screen, scheme: Scheme
) -> None:
    if not AXE.exists():
        pytest.skip("needs axe-core: make node_modules/.ready")
    with opened(browser, files[name], screen, scheme) as page:
        assert _faults(page) == []


def _faults(page: Page) -> list[str]:
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run().then(one => one.violations)")
    return [
        f"{one['id']}: {node['html'][:200]} {node['failureSummary'][:200]}"
        for one in found
        for node in one["nodes"][:3]
    ]


def test_the_check_itself_finds_what_is_planted(browser: Chromium, tmp_path: Path) -> None:
    if not AXE.exists():
        pytest.skip("needs axe-core: make node_modules/.ready")
    path = tmp_path / "bad.html"
    path.write_text(
        "<!doctype html><html><title>x</title><main><section class=widget style='width:50px;height:20px'>"
        "<table><tr><td>muchtoolongtofitin</td></tr></table></section>"
        "<p style='color:#ccc;background:#fff'>pale</p><div role=img></div></main></html>",
        encoding="utf-8",
    )
    with opened(browser, path, SCREENS[0]) as page:
        assert page.evaluate(CUT) != []
        found = " ".join(_faults(page))
    assert all(word in found for word in ("html-has-lang", "role-img-alt", "color-contrast"))
