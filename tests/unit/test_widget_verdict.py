"""Is all well? The sentence at the top of the dashboard, and what an account or a region that was chosen leaves."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from nephoscope.catalog.loader import load_catalog
from nephoscope.model.config import Config, Gather, PublishCloudWatch
from nephoscope.model.memory import Snapshot
from nephoscope.model.resource import Kind, Resource, State
from nephoscope.model.scope import Cloud, Scope
from nephoscope.views.widget import render_widget

NOON = 1_795_435_200
HERE = Scope(Cloud.AWS, "111111111111", "eu-west-1")
THERE = Scope(Cloud.GCP, "acme-web", "europe-west1")
CONFIG = Config("acme", Gather(), PublishCloudWatch("eu-west-1", "acme"))


class Words(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.text = ""
        self.classes: list[str] = []
        self._style = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._style = tag == "style"
        self.classes += str(dict(attrs).get("class") or "").split()

    def handle_endtag(self, tag: str) -> None:
        self._style = False

    def handle_data(self, data: str) -> None:
        self.text += "" if self._style else data


def firing(severity: str = "critical", **more: object) -> dict[str, object]:
    line = {"alert_key": "k", "rule": "cpu-hot", "severity": severity, "resource_id": "i-1", "attributes": {}}
    return line | {"state": "firing", "since": "2026-11-23T11:48:00Z", "value": 0.97} | more


def seen(scope: Scope = HERE, **changes: object) -> Snapshot:
    machine = Resource(scope, Kind.INSTANCE, "i-1", f"web-{scope.region}", "m6i.large", state=State.RUNNING)
    values = {"cpu.utilization": {"i-1": (NOON - 600, 0.5)}}
    whole = Snapshot(scope, NOON - 120, (machine,), values, {"running": 3, "stopped": 1}, coverage=(4, 4))
    return replace(whole, **changes)


def shown(page: str, *snapshots: Snapshot, unseen: tuple[Scope, ...] = (), **event: object) -> Words:
    return Words(render_widget({"page": page, **event}, snapshots, CONFIG, load_catalog(), NOON, unseen))


def verdict(*snapshots: Snapshot, unseen: tuple[Scope, ...] = ()) -> tuple[str, str]:
    """Its look, and its sentence."""
    words = shown("answer", *snapshots, unseen=unseen)
    (look,) = {"well", "critical", "warning", "info", "unknown"} & set(words.classes)
    return look, words.text


def test_all_is_well_where_everything_was_read_and_nothing_fires() -> None:
    assert verdict(seen(), seen(THERE)) == (
        "well",
        "✔ All is wellNothing is firing. Machines: 6 running, 2 stopped. 2 regions read, last 2 min ago.",
    )


def test_the_worst_alert_gives_the_look_and_who_has_not_seen_them_is_said() -> None:
    look, words = verdict(seen(firing=(firing("warning", acknowledged="alice"), firing("info"), firing("critical"))))
    assert look == "critical"
    assert words.startswith("✖ 3 alerts are firing: 1 critical, 1 warning, 1 info; 2 not acknowledged")


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ((firing("warning"),), "▲ 1 alert is firing: 1 warning; none acknowledged"),
        ((firing("info", acknowledged="alice"),), "● 1 alert is firing: 1 info; all acknowledged"),
        ((firing("strange"),), "● 1 alert is firing: 1 info; none acknowledged"),
    ],
)
def test_one_alert(lines: tuple[dict[str, object], ...], said: str) -> None:
    assert verdict(seen(firing=lines))[1].startswith(said)


def test_who_cannot_see_everything_may_not_say_that_all_is_well() -> None:
    look, words = verdict(seen(), seen(THERE, gaps=("gcp acme-web europe-west1: compute: denied",)))
    assert (look, "Nothing is firing, but not everything can be seen: gcp acme-web europe-west1" in words) == (
        "warning",
        True,
    )
    assert verdict(seen(), unseen=(THERE,))[0] == "warning"
    assert verdict(seen(), seen(THERE, slot=NOON - 3_600))[0] == "warning"


def test_blindness_is_said_beside_what_fires() -> None:
    look, words = verdict(seen(firing=(firing(),)), seen(THERE, gaps=("denied",)), unseen=(Scope(Cloud.AWS, "2", "x"),))
    assert look == "critical"
    assert "not everything can be seen: gcp acme-web europe-west1 and 1 more" in words


def test_where_nothing_was_read_for_long_nobody_knows() -> None:
    old = seen(slot=NOON - 3_600, firing=(firing(),))
    look, words = verdict(old)
    assert look == "unknown"
    assert words.startswith("? Not known: nothing was read for 1 h")
    assert "1 alert is firing" in words
    assert verdict() == ("unknown", "? Nobody knows yetno run has written anything")


def test_a_strangers_name_of_a_place_stays_text() -> None:
    strange = Scope(Cloud.AWS, "<script>alert(1)</script>", "<b>x</b>")
    html = render_widget({"page": "answer"}, [seen(strange, gaps=("denied",))], CONFIG, load_catalog(), NOON)
    assert "<script" not in html
    assert "<b>x" not in html


def test_who_has_not_looked_does_not_say_that_it_is_calm() -> None:
    for page in ("alerts", "gaps"):
        assert shown(page).text == "Not known.No run has written anything yet."
        assert "calm" in shown(page, seen()).classes
        assert "calm" not in shown(page, seen(slot=NOON - 3_600)).classes
    assert "Nothing was firing when it was last looked." in shown("alerts", seen(slot=NOON - 3_600)).text


# --- chosen ------------------------------------------------------------------------------------------------------


def test_a_chosen_region_leaves_its_machines_and_says_so() -> None:
    words = shown("worst", seen(), seen(THERE), account="acme", region="eu-west-1").text
    assert "Only region eu-west-1." in words
    assert "web-eu-west-1" in words
    assert "web-europe-west1" not in words


def test_account_and_region_together() -> None:
    words = shown("states", seen(), seen(THERE), account="acme-web", region="eu-west-1").text
    assert words == "Only account acme-web, region eu-west-1.No scope has been seen yet.Nothing is known of it."


@pytest.mark.parametrize("value", ["acme", "ANY_REGION", "", None])
def test_the_fleets_name_stands_for_all_and_so_does_a_pattern_that_nobody_replaced(value: object) -> None:
    words = shown("worst", seen(), seen(THERE), region=value).text
    assert "Only" not in words
    assert "web-eu-west-1" in words
    assert "web-europe-west1" in words


def test_nothing_firing_in_a_part_is_not_said_of_everything() -> None:
    words = shown("alerts", seen(firing=(firing(),)), seen(THERE), region="europe-west1").text
    assert re.search(r"Only region europe-west1\.\s*✔ Nothing is firing\.", words)
