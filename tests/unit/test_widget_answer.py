"""The custom widget's answer: what is firing, the worst, the states, the gaps; escaped, bounded, honest about age."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from nephoscope.catalog.loader import load_catalog
from nephoscope.model.config import Config, Gather, PublishCloudWatch
from nephoscope.model.memory import Snapshot
from nephoscope.model.resource import Kind, Resource, State
from nephoscope.model.rule import Comparison, Observation, Rule, Severity, Threshold, Window
from nephoscope.model.scope import Cloud, Scope
from nephoscope.views.widget import render_widget

NOON = 1_795_435_200
SCOPE = Scope(Cloud.AWS, "111111111111", "eu-west-1")
OTHER = Scope(Cloud.AWS, "222222222222", "us-east-1")
CONFIG = Config(
    "acme",
    Gather(),
    PublishCloudWatch("eu-west-1", "acme"),
    (
        Rule("cpu-hot", Kind.INSTANCE, Threshold("cpu.utilization", Comparison.GREATER, 0.9)),
        Rule(
            "down", Kind.INSTANCE, Observation("state", ("stopped",)), Window(600, 600), runbook="https://wiki.example"
        ),
        Rule("credits-low", Kind.INSTANCE, Threshold("network.receive", Comparison.LESS, 20.0), severity=Severity.INFO),
    ),
)


def machine(number: int, name: str = "", scope: Scope = SCOPE) -> Resource:
    return Resource(scope, Kind.INSTANCE, f"i-{number:04d}", name or f"web-{number}", "m6i.large", state=State.RUNNING)


def firing(
    resource_id: str, severity: str = "critical", since: str = "2026-11-23T11:48:00Z", **more: object
) -> dict[str, object]:
    line = {"alert_key": "k", "rule": "cpu-hot", "severity": severity, "resource_id": resource_id, "attributes": {}}
    return line | {"state": "firing", "since": since, "value": 0.973} | more


def snapshot(machines: int = 3, **changes: object) -> Snapshot:
    resources = tuple(machine(number) for number in range(machines))
    values = {"cpu.utilization": {one.id: (NOON - 600, number / machines) for number, one in enumerate(resources)}}
    whole = Snapshot(
        SCOPE, NOON - 60, resources, values, {"running": machines, "stopped": 2}, coverage=(machines, machines)
    )
    return replace(whole, **changes)


def answer(page: str, *snapshots: Snapshot, unseen: tuple[Scope, ...] = (), **event: object) -> str:
    return render_widget({"page": page, **event}, snapshots, CONFIG, load_catalog(), NOON, unseen)


class Text(HTMLParser):
    """Cells of the tables, row by row; every tag must close."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.tags: set[str] = set()
        self.links: list[str] = []
        self.titles: list[str] = []
        self.heads: list[str | None] = []
        self._stack: list[str] = []
        self.feed(html)
        self.close()
        assert self._stack == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._stack.append(tag)
        self.tags.add(tag)
        self.titles += [str(value) for key, value in attrs if key == "title"]
        self.heads += [dict(attrs).get("scope") for _ in "1" if tag == "th"]
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        self.links += [str(value) for key, value in attrs if key == "href"]

    def handle_endtag(self, tag: str) -> None:
        assert self._stack.pop() == tag

    def handle_data(self, data: str) -> None:
        if {"td", "th"} & set(self._stack):
            self.rows[-1][-1] += data


def test_firing_alerts_stand_by_severity_and_then_the_newest_first() -> None:
    lines = (
        firing("i-0000", "warning", "2026-11-23T11:00:00Z"),
        firing("i-0001", "critical", "2026-11-23T10:00:00Z"),
        firing("i-0002", "critical", "2026-11-23T11:30:00Z", acknowledged="alice"),
    )
    parsed = Text(answer("alerts", snapshot(firing=lines)))
    assert parsed.rows[0] == ["Severity", "What", "Machine", "For", "Acknowledged", "Where"]
    assert parsed.rows[1] == [
        "✖ critical",
        "CPU utilization 97.3 %, above 90 %cpu-hot",
        "web-2 graphi-0002",
        "30 min",
        "✓ alice",
        "AWS eu-west-1111111111111",
    ]
    assert [row[2] for row in parsed.rows[2:]] == ["web-1 graphi-0001", "web-0 graphi-0000"]
    assert [row[0] for row in parsed.rows[2:]] == ["✖ critical", "▲ warning"]
    assert "since 2026-11-23 11:30:00 UTC" in parsed.titles


def test_every_head_is_a_columns_and_every_cell_knows_it() -> None:
    """For those who hear a table, and for a page that is too narrow for columns."""
    html = answer("alerts", snapshot(firing=(firing("i-0001"),)))
    assert Text(html).heads == ["col"] * 6
    assert re.findall(r'data-label="(\w+)"', html) == ["Severity", "What", "Machine", "For", "Acknowledged", "Where"]


def test_what_is_seen_rather_than_measured_is_told_in_the_rules_words() -> None:
    line = firing("i-0001", rule="down", value=None)
    assert Text(answer("alerts", snapshot(firing=(line,)))).rows[1][1] == "state is stopped for 10 mindown · runbook"


def test_an_alert_whose_rule_is_gone_is_shown_by_its_name() -> None:
    line = firing("i-0001", rule="removed")
    assert Text(answer("alerts", snapshot(firing=(line,)))).rows[1][1] == "removed"


@pytest.mark.parametrize(
    ("state", "said"), [("firing", ""), ("lost", " · no data any more"), ("recovering", " · recovering")]
)
def test_an_open_alert_that_does_not_simply_fire_says_so(state: str, said: str) -> None:
    line = firing("i-0001", state=state)
    row = Text(answer("alerts", snapshot(firing=(line,)))).rows[1]
    assert row[1] == f"CPU utilization 97.3 %, above 90 %cpu-hot{said}"


def test_a_long_account_is_shortened_in_the_middle_and_whole_when_pointed_at() -> None:
    account = "5ca1ab1e-0000-4000-8000-000000000001"
    scope = Scope(Cloud.AZURE, account, "northeurope")
    parsed = Text(answer("alerts", snapshot(scope=scope, firing=(firing("i-0001"),))))
    assert parsed.rows[1][5] == "Azure northeurope5ca1ab1e…0001"
    assert account in parsed.titles


def test_machines_lead_to_their_page_in_the_console() -> None:
    links = Text(answer("alerts", snapshot(firing=(firing("i-0001"),)))).links
    assert links[0].startswith("https://eu-west-1.console.aws.amazon.com/ec2/home?region=eu-west-1#InstanceDetails")
    assert links[0].endswith("i-0001")


def test_an_alert_on_a_machine_that_is_gone_is_shown_by_its_id() -> None:
    rows = Text(answer("alerts", snapshot(firing=(firing("i-gone"),)))).rows
    assert rows[1][2] == "i-gone"


def test_calm_is_said() -> None:
    assert "Nothing is firing." in answer("alerts", snapshot())
    assert "Every read of every scope succeeded." in answer("gaps", snapshot())


def test_the_worst_are_highest_first_and_lowest_first_where_less_is_worse() -> None:
    values = {
        "cpu.utilization": {f"i-{n:04d}": (NOON - 600, n / 20) for n in range(20)},
        "network.receive": {f"i-{n:04d}": (NOON - 600, float(n)) for n in range(20)},
    }
    html = answer("worst", snapshot(20, values=values))
    rows = Text(html).rows
    assert [row[0].split()[0] for row in rows[1:11]] == [f"web-{n}" for n in range(19, 9, -1)]
    assert rows[1][1].strip() == "95 %"
    assert [row[0].split()[0] for row in rows[12:22]] == [f"web-{n}" for n in range(10)]
    assert len(rows) == 22
    only = Text(answer("worst", snapshot(20, values=values), metric="network.receive")).rows
    assert len(only) == 11
    assert "Measured 10 min ago; cpu-hot fires &gt; 90 %" in html
    assert html.count("fires cpu-hot") == 1  # 95 % alone is over 90 %


def test_many_metrics_have_shorter_tables_so_that_all_are_seen() -> None:
    names = ("cpu.utilization", "network.receive", "network.transmit")
    values = {name: {f"i-{n:04d}": (NOON - 600, n / 20) for n in range(20)} for name in names}
    assert len(Text(answer("worst", snapshot(20, values=values))).rows) == 3 * (1 + 5)


def test_a_machine_that_does_not_run_says_so_among_the_worst() -> None:
    stopped = replace(machine(0), state=State.STOPPED)
    rows = Text(answer("worst", snapshot(resources=(stopped, machine(1))))).rows
    assert [row[0] for row in rows[1:]] == ["web-1 graphi-0001 · m6i.large", "web-0 graphi-0000 · m6i.large · stopped"]


def test_states_are_counted_by_cloud_and_region_with_alerts_and_a_total() -> None:
    other = replace(snapshot(5), scope=OTHER, coverage=(4, 5))
    azure = replace(snapshot(1, firing=(firing("i-0000"),)), scope=Scope(Cloud.AZURE, "s", "northeurope"))
    rows = Text(answer("states", snapshot(3), other, azure)).rows
    assert rows[0] == ["Region", "Account", "Alerts", "running", "stopped", "changing", "gone", "Data"]
    assert rows[1] == ["all", "", "1", "9", "6", "0", "0", "8 of 9 fresh"]
    assert rows[2] == ["AWS", "", "0", "8", "4", "0", "0", "7 of 8 fresh"]
    assert rows[3] == ["AWS us-east-1", "222222222222", "0", "5", "2", "0", "0", "4 of 5 fresh"]
    assert rows[4] == ["AWS eu-west-1", "111111111111", "0", "3", "2", "0", "0", "all 3 fresh"]
    assert rows[5] == ["Azure", "", "1", "1", "2", "0", "0", "all 1 fresh"]
    assert rows[6] == ["Azure northeurope", "s", "1", "1", "2", "0", "0", "all 1 fresh"]
    alone = Text(answer("states", snapshot(3), other)).rows
    assert [row[0] for row in alone] == ["Region", "all", "AWS us-east-1", "AWS eu-west-1"]  # one cloud has no sum


def test_gaps_name_what_is_missing_old_scopes_and_scopes_never_seen() -> None:
    old = replace(snapshot(), scope=OTHER, slot=NOON - 3_600)
    text = answer("gaps", snapshot(gaps=("GetMetricData: throttled",)), old, unseen=(Scope(Cloud.AWS, "3", "x"),))
    assert [row[1] for row in Text(text).rows[1:]] == [
        "GetMetricData: throttled",
        "nothing new for 1 h",
        "registered, and never read yet",
    ]


def test_a_page_that_is_not_of_now_says_so() -> None:
    assert "⚠" not in answer("alerts", snapshot())
    assert "⚠ As of 2026-11-23 11:00 UTC, 1 h ago." in answer("alerts", snapshot(slot=NOON - 3_600))
    assert "No run has written anything yet." in answer("alerts")


@pytest.mark.parametrize("page", ["answer", "alerts", "worst", "states", "gaps"])
def test_other_peoples_text_stays_text(page: str) -> None:
    nasty = '"><script>alert(1)</script><img src=x onerror=y>'
    resource = replace(machine(1, nasty), type=nasty, vendor_state=nasty)
    line = firing(resource.id, nasty, nasty, rule=nasty, attributes={nasty: nasty}, state=nasty, value=None)
    shown = snapshot(
        resources=(resource,),
        values={"cpu.utilization": {resource.id: (NOON, 0.5)}, nasty: {resource.id: (NOON, 1.0)}},
        gaps=(nasty,),
        firing=(line, firing(nasty)),
    )
    parsed = Text(answer(page, shown, metric=""))
    assert not parsed.tags & {"script", "img", "iframe", "use"}
    assert all(link.startswith("https://") for link in parsed.links)


def test_an_unknown_page_is_said_to_be_one() -> None:
    assert "There is no page &#x27;&lt;b&gt;&#x27;" in answer("<b>", snapshot())


@pytest.mark.parametrize("event", [{}, {"page": None}, {"widgetContext": None}, {"widgetContext": {"width": "wide"}}])
def test_a_strange_event_gives_a_page(event: dict[str, object]) -> None:
    assert "Nothing is firing." in render_widget(event, [snapshot()], CONFIG, load_catalog(), NOON)


@pytest.mark.parametrize("width", [100, 400, 1200, None, "wide"])
def test_nothing_is_left_out_of_a_narrow_widget(width: object) -> None:
    html = answer("alerts", snapshot(firing=(firing("i-0001"),)), widgetContext={"width": width})
    assert {len(row) for row in Text(html).rows} == {6}


def test_describe_answers_with_markdown() -> None:
    text = render_widget({"describe": True}, [], CONFIG, load_catalog(), NOON)
    assert text.startswith("## nephoscope")
    assert "``` yaml" in text


def test_a_dark_console_is_told_by_a_class() -> None:
    dark = answer("alerts", snapshot(), widgetContext={"theme": "dark"})
    assert 'class="nephoscope dark"' in dark
    assert 'class="nephoscope"' in answer("alerts", snapshot(), widgetContext={"theme": "light"})


def test_a_storm_of_alerts_stays_far_below_what_a_function_may_answer() -> None:
    name = "x" * 5_000
    storm = snapshot(
        5_000,
        resources=tuple(machine(number, name) for number in range(5_000)),
        firing=tuple(firing(f"i-{number:04d}") for number in range(5_000)),
        gaps=(name,) * 5_000,
    )
    for page in ("answer", "alerts", "worst", "states", "gaps"):
        assert len(answer(page, *[storm] * 3).encode()) < 500_000
    assert "and 14,900 more" in answer("alerts", *[storm] * 3)
    assert re.search(r"and 14,900 more", answer("gaps", *[storm] * 3))
