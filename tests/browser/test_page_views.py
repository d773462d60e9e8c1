"""The local page of a small fleet in a real browser: what each view says, to eyes, keyboards and screen readers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nephoscope.model.resource import Resource, State
from web_memory import BELGIUM, IRELAND, Page, an_outside, fire, fleet_of, machine, remember, served

TEXT = {"type": "text", "x": 0, "y": 0, "width": 24, "height": 2, "properties": {"markdown": "# From a file"}}
BODY = {"widgets": [TEXT]}
BAD_NAMES = {
    "script": '<script>document.title="taken"</script>',
    "image": '"><img src=x onerror=document.title="taken">',
    "long": "ß水🚀" * 85,
    "arabic": "خادم-الويب-١",
    "override": "web\u202egnp.exe",
    "emoji": "👩‍👩‍👧 prod",
}
VIEWS = ("/", "/machines", "/alerts", "/outbox", "/coverage", "/dashboard?from=file%3Abody.json")


def odd_machines() -> list[Resource]:
    return [
        machine(900 + place, id=f"i-{word}", name=name, state=State.RUNNING, tags={name[:128]: name, "odd": "yes"})
        for place, (word, name) in enumerate(BAD_NAMES.items())
    ]


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """Thirty machines and six with names that no one would choose; one alert fires."""
    folder = tmp_path_factory.mktemp("web")
    outside = an_outside(folder)
    machines = fleet_of(30)
    machines[IRELAND] = [*machines[IRELAND], *odd_machines()]
    remember(outside, machines)
    fire(outside, machines[IRELAND][5])
    (folder / "body.json").write_text(json.dumps(BODY), encoding="utf-8")
    with served(outside, files={"body.json": folder / "body.json"}) as page:
        yield page


def address_of(one: Resource) -> str:
    return f"/machine?scope={one.scope.key.replace('#', '%23')}&id={one.id}"


HOT = fleet_of(30)[IRELAND][5]


def test_the_overview_answers_first_then_says_what_fires_then_the_fleet_then_where_we_are_blind(
    fleet: Page, tab: Callable[..., Any]
) -> None:
    shown = tab(fleet.url).go("/")
    assert shown.text(".sentence") == "1 alert fires: 1 critical; 36 of 36 machines seen."
    headings = shown.page.locator("h1, h2").all_inner_texts()
    assert headings[0] == "acme"
    assert headings[1:] == ["What fires", "The fleet 36: 24 running, 12 stopped", "Where we are blind"]
    assert HOT.name in shown.text("table")
    shown.wait_for("document.title === '(1) acme · nephoscope'")
    assert shown.wrong == []


@pytest.mark.parametrize(("width", "scheme"), [(1280, "dark"), (390, "light")])
def test_no_view_has_a_serious_violation_and_none_is_wider_than_the_screen(
    fleet: Page, tab: Callable[..., Any], width: int, scheme: str
) -> None:
    shown = tab(fleet.url, width, color_scheme=scheme)
    for path in (*VIEWS, address_of(HOT)):
        shown.go(path)
        if path == "/machines":
            shown.wait_for("document.querySelector('.ag-center-cols-container .ag-row a')")
        if path.startswith("/machine?"):
            shown.wait_for("document.body.textContent.includes('Not all could be read')")
        assert {path: shown.violations()} == {path: []}
        assert {path: shown.page.evaluate("document.documentElement.scrollWidth")} == {path: width}
    assert shown.wrong == []


def test_every_name_and_tag_is_text(fleet: Page, tab: Callable[..., Any]) -> None:
    shown = tab(fleet.url).go("/machines?q=odd%3Dyes")
    shown.wait_for("document.getElementById('matches').textContent.startsWith('6 of')")
    assert BAD_NAMES["script"] in shown.names()
    for one in odd_machines():
        shown.go(address_of(one))
        shown.wait_for("document.querySelector('.facts')")
        # what reverses a text is taken out; letters of a script from right to left, and joined emoji, are kept
        assert shown.text("h1") == one.name.replace("\u202e", "")[:119].rstrip() + ("…" if len(one.name) > 120 else "")
        assert shown.page.locator("#content img, #content script").count() == 0
    assert "taken" not in shown.page.title()
    assert shown.wrong == []


def test_foreign_text_is_set_apart_from_what_stands_around_it(fleet: Page, tab: Callable[..., Any]) -> None:
    """A name from right to left would else take the id behind it to its other side."""
    shown = tab(fleet.url).go("/machines?q=i-arabic")
    shown.wait_for("document.querySelector('.ag-center-cols-container .ag-row a bdi')")
    name, own_id = shown.page.locator(".ag-center-cols-container .machine bdi").all()[:2]
    assert (name.inner_text(), own_id.inner_text()) == (BAD_NAMES["arabic"], "i-arabic")
    assert name.bounding_box()["x"] < own_id.bounding_box()["x"]


def test_search_and_choices_narrow_the_table_and_stand_in_the_address(fleet: Page, tab: Callable[..., Any]) -> None:
    shown = tab(fleet.url).go("/machines")
    shown.wait_for("document.getElementById('matches').textContent === '36 machines'")
    shown.page.get_by_label("Search").fill("api -staging")
    shown.wait_for("document.getElementById('matches').textContent === '4 of 36 machines'")
    found = ["api-dev-00011", "api-dev-00026", "api-prod-00006", "api-prod-00021"]
    assert sorted(shown.names()) == found
    shown.page.get_by_label("Region").select_option("europe-west1")
    shown.wait_for("document.getElementById('matches').textContent === '2 of 36 machines'")
    query = shown.page.url.partition("?")[2]
    assert query == "q=api+-staging&region=europe-west1"

    again = tab(fleet.url).go(f"/machines?{query}")
    again.wait_for("document.getElementById('matches').textContent === '2 of 36 machines'")
    assert sorted(again.names()) == ["api-dev-00011", "api-dev-00026"]
    assert again.page.get_by_label("Region").input_value() == "europe-west1"


def test_sorting_stands_in_the_address_too(fleet: Page, tab: Callable[..., Any]) -> None:
    shown = tab(fleet.url).go("/machines?q=role%3Dcache")
    shown.wait_for("document.getElementById('matches').textContent === '6 of 36 machines'")
    shown.page.locator(".ag-header-cell-text", has_text="Name").click()
    shown.wait_for("location.search.includes('sort=name.asc')")
    assert shown.names() == sorted(shown.names())
    again = tab(fleet.url).go("/machines?q=role%3Dcache&sort=name.desc")
    again.wait_for("document.getElementById('matches').textContent === '6 of 36 machines'")
    assert again.names() == sorted(again.names(), reverse=True)


def test_the_way_back_to_all_machines_undoes_the_search(fleet: Page, tab: Callable[..., Any]) -> None:
    shown = tab(fleet.url).go("/machines?q=api&region=europe-west1")
    shown.wait_for("document.getElementById('matches').textContent === '2 of 36 machines'")
    shown.page.locator("#to-machines").click()
    shown.wait_for("document.getElementById('matches').textContent === '36 machines'")
    assert shown.page.get_by_label("Search").input_value() == shown.page.get_by_label("Region").input_value() == ""
    shown.page.go_back()
    shown.wait_for("document.getElementById('matches').textContent === '2 of 36 machines'")
    assert shown.page.get_by_label("Search").input_value() == "api"


def test_a_sum_of_the_fleet_leads_to_its_machines(fleet: Page, tab: Callable[..., Any]) -> None:
    """Ten machines are Belgium's, by number 2, 5, 8, ... 29; those below 12 are stopped."""
    shown = tab(fleet.url).go("/")
    shown.page.locator("table.fleet a[href*='europe-west1'][href*='state=stopped']").click()
    shown.wait_for("document.getElementById('matches')?.textContent === '4 of 36 machines'")
    assert sorted(name[-5:] for name in shown.names()) == ["00002", "00005", "00008", "00011"]


def test_it_is_used_by_the_keyboard_alone(fleet: Page, tab: Callable[..., Any]) -> None:
    shown = tab(fleet.url).go("/")
    shown.page.keyboard.press("Tab")
    assert shown.page.evaluate("document.activeElement.className") == "skip"
    assert shown.page.locator(".skip").bounding_box()["x"] >= 0
    shown.page.keyboard.press("Enter")
    assert shown.page.evaluate("document.activeElement.id") == "content"
    shown.page.locator("#to-machines").focus()
    outline = shown.page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    shown.page.keyboard.press("Enter")
    shown.wait_for("document.activeElement.tagName === 'H1' && document.activeElement.textContent === 'Machines'")
    shown.wait_for("document.querySelector('.ag-center-cols-container .ag-row a')")
    first = shown.names()[0]
    shown.page.locator(".ag-header-cell").first.focus()
    shown.page.keyboard.press("ArrowDown")
    shown.page.keyboard.press("Enter")
    shown.wait_for("location.pathname === '/machine'")
    shown.wait_for(f"document.querySelector('h1').textContent === {json.dumps(first)}")


def test_landmarks_and_headings_are_where_a_screen_reader_looks(fleet: Page, tab: Callable[..., Any]) -> None:
    shown = tab(fleet.url).go("/")
    roles = ("banner", "main", "contentinfo", "navigation")
    assert {role: shown.page.get_by_role(role).count() for role in roles} == dict.fromkeys(roles, 1)
    assert shown.page.get_by_role("heading", level=1).count() == 1
    assert shown.page.get_by_role("table", name="Alerts that are open, the worst first").count() == 1
    assert shown.page.locator("header a[aria-current='page']").inner_text() == "Overview"


def test_times_are_utc_and_say_so_wherever_the_viewer_is(fleet: Page, tab: Callable[..., Any]) -> None:
    seen = {
        zone: tab(fleet.url, timezone_id=zone).go("/alerts").text("td time")
        for zone in ("Asia/Kolkata", "America/St_Johns")
    }
    assert len(set(seen.values())) == 1
    assert all(text.endswith(" UTC") for text in seen.values())


def test_a_machine_whose_provider_cannot_be_read_shows_what_is_remembered(fleet: Page, tab: Callable[..., Any]) -> None:
    """No cloud is reached from tests: the reader says why, and the rest stands."""
    shown = tab(fleet.url).go(address_of(HOT))
    shown.wait_for("document.body.textContent.includes('Not all could be read: aws 111111111111 eu-west-1: ')")
    said = shown.text()
    assert "No data in this window." in said
    assert "cpu-hot" in said
    assert "owner = shop" in said
    link = shown.page.get_by_role("link", name="The machine in its console").get_attribute("href")
    assert (
        link
        == f"https://eu-west-1.console.aws.amazon.com/ec2/home?region=eu-west-1#InstanceDetails:instanceId={HOT.id}"
    )


def test_a_machine_that_is_not_there_is_said_not_to_be(fleet: Page, tab: Callable[..., Any]) -> None:
    shown = tab(fleet.url).go("/machine?scope=aws%23111111111111%23eu-west-1&id=i-gone")
    assert "it is gone, or was never here" in shown.text()
    shown.go("/machine?scope=nonsense&id=x")
    assert "it is gone, or was never here" in shown.text()
    shown.go("/nowhere")
    assert shown.text("h1") == "There is no such page"


def test_alerts_are_searched_and_the_words_stand_in_the_address(fleet: Page, tab: Callable[..., Any]) -> None:
    shown = tab(fleet.url).go("/alerts")
    visible = "[...document.querySelectorAll('table.searched tbody tr')].filter((row) => !row.hidden).length"
    assert shown.page.evaluate(visible) == 2  # it is open, and it fired
    shown.page.get_by_label("Search in alerts").fill("no such word")
    shown.wait_for(f"{visible} === 0")
    assert shown.page.url.endswith("?q=no+such+word")
    shown.go(f"/alerts?q={HOT.name}")
    shown.wait_for(f"{visible} === 2")


def test_a_body_from_a_file_is_drawn_and_one_that_is_none_is_said_to_be(
    fleet: Page, tab: Callable[..., Any], tmp_path: Path
) -> None:
    shown = tab(fleet.url).go("/dashboard?from=file%3Abody.json")
    frame = shown.page.frame_locator("iframe.drawn")
    assert frame.locator("h1").inner_text() == "From a file"
    body = Path(fleet.doors.files["body.json"])
    before = body.read_text(encoding="utf-8")
    body.write_text('{"widgets": 3}', encoding="utf-8")
    shown.go("/dashboard?from=file%3Abody.json&span=1h")
    assert 'an object with a list "widgets"' in frame.locator("main").inner_text()
    body.write_text(before, encoding="utf-8")


def test_nothing_is_asked_while_nobody_sees_the_tab(fleet: Page, tab: Callable[..., Any]) -> None:
    shown = tab(fleet.url).go("/")
    asked = lambda: sum(one.endswith("/state") for one in shown.requests)  # noqa: E731
    shown.wait_for("nephoscope.last.number > 0")
    shown.page.evaluate("Object.defineProperty(document, 'hidden', {configurable: true, get: () => true})")
    shown.page.wait_for_timeout(300)
    before = asked()
    shown.page.wait_for_timeout(2500)
    assert asked() == before
    shown.page.evaluate("delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))")
    shown.page.wait_for_timeout(500)
    assert asked() > before


def test_only_what_changed_travels(fleet: Page, tab: Callable[..., Any]) -> None:
    """A machine in Belgium stops: the table gets one row, and its reader keeps place and search."""
    shown = tab(fleet.url).go("/machines?q=dev-00017")
    shown.wait_for("document.getElementById('matches').textContent === '1 of 36 machines'")
    answers: list[Any] = []
    shown.page.on("response", lambda one: answers.append(one) if "/rows?since=" in one.url else None)
    outside, machines = fleet.doors.opened, fleet_of(30)
    machines[BELGIUM] = [
        replace(one, state=State.STOPPED) if one.name.endswith("00017") else one for one in machines[BELGIUM]
    ]
    values = outside.memory.read_snapshot(BELGIUM).values
    remember(outside, {BELGIUM: machines[BELGIUM]}, values=values)
    shown.wait_for("document.querySelector('.ag-center-cols-container .badge')?.textContent === 'stopped'")
    (told,) = [one for one in (answer.json() for answer in answers) if not one.get("same")]
    assert (told["whole"], told["columns"]["name"]) == (False, ["batch-dev-00017"])
    assert shown.page.get_by_label("Search").input_value() == "dev-00017"
