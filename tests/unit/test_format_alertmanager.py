"""Alertmanager's classic body, written by hand: its fields and no others, its labels and its groups."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from nephoscope.notifiers.formats.alertmanager import render_alertmanager
from tests.unit.test_format_bodies import ENDED, FIRED, HEADLINE, HOSTILE, MACHINE, RESOLVED, everywhere

LABELS = {
    "alertname": "cpu-hot",
    "fleet": "acme",
    "cloud_provider": "aws",
    "cloud_account_id": "111111111111",
    "cloud_region": "eu-west-1",
    "resource_kind": "instance",
    "resource_id": "i-0abc",
}
ALL_LABELS = LABELS | {"severity": "critical", "team_name": "web", "severity_": "shadow"}
NOTES = {
    "summary": HEADLINE,
    "condition": "cpu.utilization > 90 %",
    "value": "93.4 %",
    "why": "threshold_crossed",
    "told": "first told (episode 2, message 3)",
    "resource_name": "web-1",
    "resource_type": "m5.large",
    "availability_zone": "eu-west-1a",
    "runbook_url": "https://wiki.example/cpu?a=1&b=2",
    "instance_url": "https://console.example/i-0abc",
    "dashboard_url": "https://console.example/d",
    "acknowledge": "nephoscope ack 0123456789",
    "silence": "nephoscope silence add --rule cpu-hot --resource i-0abc --for 2h",
    "timeline": "nephoscope timeline 0123456789",
}


def test_alertmanager_gets_its_classic_fields_and_no_others() -> None:
    assert render_alertmanager(FIRED) == {
        "receiver": "chat",
        "status": "firing",
        "alerts": [
            {
                "status": "firing",
                "labels": ALL_LABELS,
                "annotations": NOTES,
                "startsAt": "2026-11-23T20:05:00Z",
                "endsAt": "0001-01-01T00:00:00Z",
                "generatorURL": "https://console.example/i-0abc",
                "fingerprint": "0123456789abcdef",
            }
        ],
        "groupLabels": LABELS,
        "commonLabels": ALL_LABELS,
        "commonAnnotations": NOTES,
        "externalURL": "https://console.example/d",
        "version": "4",
        "groupKey": '{}:{alertname="cpu-hot", fleet="acme", cloud_provider="aws", cloud_account_id="111111111111", '
        'cloud_region="eu-west-1", resource_kind="instance", resource_id="i-0abc"}',
        "truncatedAlerts": 0,
    }


def test_alertmanagers_end_is_of_the_same_alert_and_group() -> None:
    fired, resolved = render_alertmanager(FIRED), render_alertmanager(RESOLVED)
    (alert,) = resolved["alerts"]
    assert (resolved["status"], alert["status"]) == ("resolved", "resolved")
    assert (alert["startsAt"], alert["endsAt"]) == ("2026-11-23T20:05:00Z", "2026-11-23T21:17:00Z")
    assert alert["annotations"]["summary"] == ENDED
    said = {name: alert["annotations"].get(name) for name in ("value", "worst", "lasted", "told", "acknowledge")}
    assert said == {
        "value": "71 %",
        "worst": "97.1 %",
        "lasted": "1 h 12 min",
        "told": "the end (episode 2, message 4)",
        "acknowledge": None,
    }
    for same in ("labels", "fingerprint"):
        assert alert[same] == fired["alerts"][0][same]
    assert resolved["groupKey"] == fired["groupKey"]


def test_two_machines_are_two_groups_so_that_one_recovering_does_not_close_the_other() -> None:
    other = replace(FIRED, subject=replace(MACHINE, id="i-0def"))
    assert render_alertmanager(FIRED)["groupKey"] != render_alertmanager(other)["groupKey"]


def test_label_names_are_those_prometheus_allows_and_none_is_lost() -> None:
    odd = {
        "a.b": "1",
        "a-b": "2",
        "9lives": "3",
        "__reserved__": "4",
        "ünïcode": "5",
        "": "6",
        "empty": " ",
        "fleet": "7",
    }
    labels = render_alertmanager(replace(FIRED, labels=odd))["commonLabels"]
    own = {name: value for name, value in labels.items() if name not in LABELS and name != "severity"}
    assert own == {
        "a_b": "1",
        "a_b_": "2",
        "label_9lives": "3",
        "reserved__": "4",
        "n_code": "5",
        "label_": "6",
        "fleet_": "7",
    }
    assert labels["fleet"] == "acme"


@pytest.mark.parametrize("text", HOSTILE)
def test_alertmanager_texts_are_single_lines(text: str) -> None:
    (alert,) = render_alertmanager(everywhere(text))["alerts"]
    for name, value in [*alert["labels"].items(), *alert["annotations"].items()]:
        assert re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_]*", name)
        assert value
        assert not set(value) & set("\r\n\x00\x1b\u202e\u2066")
