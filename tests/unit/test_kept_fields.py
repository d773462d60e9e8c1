"""The page of what is kept: every field that a document can have stands there, in the indices' mapping, and in no other
place; each with what it means and whose name it is."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from infra.reference import fields
from infra.reference.fields import MEANINGS, PAGE, fields_of, flat, render_page, sample_documents
from nephoscope.model.history import HistoryKind
from nephoscope.sinks.elasticsearch.indices import PROPERTIES
from tests.kept_day import NOON, alert, bucket, machine, points, state

TEXT = PAGE.read_text(encoding="utf-8")
_ROW = re.compile(r"^\| `([^`]+)` \| (.*?) \| (.*?) \| (.*) \| (.*?) \| `(.*)` \|$", re.MULTILINE)
ROWS = {field: more for field, *more in _ROW.findall(TEXT)}


def written() -> Iterator[tuple[HistoryKind, str]]:
    """(kind, field) of documents as they are made of machines, buckets, states and alerts."""
    made = [
        *points("acme", machine("web-1", env="prod"), [0.1]),
        *points("acme", bucket("logs"), [0.1], "size"),
        state("acme", machine("web-1"), NOON, "seen", "running"),
        alert("acme", machine("web-1"), "cpu-hot", NOON, 1),
    ]
    for document in made:
        for field, _ in flat(json.loads(document.source)):
            yield document.kind, field


def samples() -> set[str]:
    return {field for source in sample_documents() for field, _ in flat(source)}


def test_every_field_that_a_document_has_stands_on_the_page_with_its_kind() -> None:
    for kind, field in written():
        assert field in ROWS
        assert str(kind) in ROWS[field][0].split(", ")


def test_every_field_on_the_page_is_written_by_some_document() -> None:
    assert set(ROWS) == samples()


@pytest.mark.parametrize("kind", HistoryKind)
def test_the_mapping_and_the_page_have_the_same_fields_and_types(kind: HistoryKind) -> None:
    mapped = dict(fields_of(PROPERTIES[kind]))
    shown = {field: row[1] for field, row in ROWS.items() if str(kind) in row[0].split(", ")}
    assert shown == mapped


def test_what_elastic_and_opentelemetry_name_is_said_to_be_theirs() -> None:
    # Elastic Common Schema's field reference; OpenTelemetry's semantic conventions for resources
    assert {field for field, row in ROWS.items() if "OpenTelemetry" in row[3]} == {
        "cloud.provider",
        "cloud.account.id",
        "cloud.region",
        "cloud.availability_zone",
        "cloud.resource_id",
        "host.id",
        "host.name",
        "host.type",
        "attributes.*",
    }
    ecs = {"@timestamp", "labels.*", "event.kind", "event.action", "event.reason", "event.sequence", "rule.name"}
    assert {field for field, row in ROWS.items() if row[3] == "ECS"} == ecs


def test_examples_are_what_a_document_holds() -> None:
    assert ROWS["labels.*"][4] == '"prod"'
    assert ROWS["@timestamp"][4] == '"2026-11-26T12:00:00Z"'
    assert ROWS["alert.told"][4] == '["oncall"]'


def test_a_field_of_which_nobody_has_said_what_it_means_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fields, "MEANINGS", {k: v for k, v in MEANINGS.items() if k != "rule.name"})
    with pytest.raises(KeyError, match=r"rule\.name"):
        render_page()
