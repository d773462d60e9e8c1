"""A dashboard drawn for the local page: from a file, as a run would draw it, as it stands; over a local CloudWatch."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))  # for what several rooms of the tests use

from nephoscope.app.looking.dashboard import Bodies, BodyError
from nephoscope.app.outside import Outside
from nephoscope.localcloud.aws.local import LocalAws
from nephoscope.model.scope import Cloud, fleet_scope
from web_memory import IRELAND, an_outside, fire, fleet_of, remember

CLICK = {"page": "alerts", "action": "acknowledge", "episode": 1}


def a_body(**params: Any) -> dict[str, Any]:
    properties = {"endpoint": "arn:aws:lambda:eu-west-1:111111111111:function:x", "title": "ours", "params": params}
    return {"widgets": [{"type": "custom", "x": 0, "y": 0, "width": 24, "height": 6, "properties": properties}]}


@pytest.fixture
def outside(tmp_path: Path) -> Outside:
    made = an_outside(tmp_path)
    remember(made, fleet_of(6))
    return made


def bodies(outside: Outside, folder: Path, body: object) -> Bodies:
    path = folder / "body.json"
    path.write_text(json.dumps(body), encoding="utf-8")
    return Bodies(outside, {"body.json": path})


def test_our_own_widget_is_filled_from_the_memory(outside: Outside, tmp_path: Path) -> None:
    fire(outside, fleet_of(6)[IRELAND][1])
    page = bodies(outside, tmp_path, a_body(page="alerts")).page("file:body.json", "3h")
    assert "cpu-hot" in page
    assert fleet_of(6)[IRELAND][1].name in page


def test_a_body_that_wants_something_done_gets_nothing_done(outside: Outside, tmp_path: Path) -> None:
    """The same parameters acknowledge, where a person clicks in the console."""
    key = fire(outside, fleet_of(6)[IRELAND][1])
    page = bodies(outside, tmp_path, a_body(**CLICK, alert=key)).page("file:body.json", "3h")
    assert "cpu-hot" in page
    assert outside.memory.read_acknowledged(IRELAND) == {}


@pytest.mark.parametrize("body", [[], {}, {"widgets": {}}, {"widgets": [{"type": "text"}]}, {"widgets": [3]}])
def test_what_is_no_body_is_said_to_be_none(outside: Outside, tmp_path: Path, body: object) -> None:
    with pytest.raises(BodyError, match="body"):
        bodies(outside, tmp_path, body).page("file:body.json", "3h")


def test_a_file_that_cannot_be_read_and_a_name_that_nobody_gave(outside: Outside, tmp_path: Path) -> None:
    known = bodies(outside, tmp_path, a_body())
    (tmp_path / "body.json").write_bytes(b"\xff")
    with pytest.raises(BodyError, match=r"body\.json: cannot be read"):
        known.page("file:body.json", "3h")
    with pytest.raises(BodyError, match="there is no file:/etc/passwd"):
        known.page("file:/etc/passwd", "3h")


def test_before_any_scope_is_known_there_is_nothing_to_draw(tmp_path: Path) -> None:
    with pytest.raises(BodyError, match="no scope is remembered yet"):
        Bodies(an_outside(tmp_path), {}).page("rendered", "3h")


def test_it_is_drawn_from_what_cloudwatch_answers(outside: Outside, fleet_aws: LocalAws) -> None:
    """Where alerts on groups live is no place that has metrics."""
    outside.memory.register(fleet_scope(Cloud.AWS))
    page = Bodies(outside, {}).page("rendered", "3h")
    assert "Machines by state" in page
    assert "in eu-west-1" in page
    assert "in groups" not in page


def test_what_stands_in_cloudwatch_is_what_was_written_there(outside: Outside, fleet_aws: LocalAws) -> None:
    with pytest.raises(BodyError, match="there is no dashboard acme in eu-west-1"):
        Bodies(outside, {}).page("cloudwatch", "3h")
    text = {"type": "text", "x": 0, "y": 0, "width": 24, "height": 2, "properties": {"markdown": "# Standing"}}
    client = fleet_aws.client("cloudwatch", "eu-west-1")
    for name in ("acme", "acme-2"):
        client.put_dashboard(DashboardName=name, DashboardBody=json.dumps({"widgets": [text]}))
    assert Bodies(outside, {}).page("cloudwatch", "3h").count("<h1>Standing</h1>") == 2


def test_when_cloudwatch_is_not_reached_it_says_so(outside: Outside) -> None:
    """From tests no cloud is."""
    with pytest.raises(BodyError, match="CloudWatch in eu-west-1 does not tell"):
        Bodies(outside, {}).page("cloudwatch", "3h")
