"""The page for receivers, notifiers/formats/messages.md: its tables hold every field of real bodies and no other, its
recipe believes what we sign, its bodies are those that are sent."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from infra.pictures.samples import ended, fired, samples, together
from infra.reference.messages import PAGE, insert_bodies, main
from nephoscope.model.alert import TransitionKind, Why
from nephoscope.model.secret import Secret
from nephoscope.notifiers.formats import FORMATS
from nephoscope.notifiers.formats.cloudevent import render_cloudevent, render_group_cloudevent
from nephoscope.notifiers.formats.sns import render_sns
from nephoscope.notifiers.formats.sns_group import render_sns_group
from nephoscope.notifiers.signing import headers, parse_keys

TEXT = PAGE.read_text(encoding="utf-8")
FREE = {"attributes", "tags", "labels", "links", "commands", "group", "alerts"}
"""What has names of other people's, or members that have rows of their own."""


def rows_after(sentence: str) -> list[str]:
    """The first column of the table that follows."""
    table = TEXT.split(sentence, 1)[1].split("\n\n|", 1)[1].split("\n\n", 1)[0]
    return re.findall(r"^\| `([^`]+)` \|", table, re.MULTILINE)


def fields_of(body: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for name, value in body.items():
        if isinstance(value, dict) and name not in FREE:
            yield from fields_of(value, f"{prefix}{name}.")
        else:
            yield prefix + name


@pytest.mark.parametrize("message", [fired(), ended()], ids=["fires", "ends"])
def test_every_field_of_an_event_has_a_row_and_every_row_a_field(message: Any) -> None:
    assert rows_after("## Fields of a CloudEvent") == list(fields_of(render_cloudevent(message)))


def test_a_groups_event_has_the_rows_of_single_ones_and_a_few_more() -> None:
    single, more = rows_after("## Fields of a CloudEvent"), rows_after("A group's event")
    fields = list(fields_of(render_group_cloudevent(together())))
    assert more == [field for field in fields if field not in single]
    named = re.findall(r"`(\w+)`", TEXT.split("A group's event", 1)[1].split("of the worst")[0].split("(", 1)[1])
    assert {f"data.{name}" for name in named} == {each for each in fields if each in single and "data." in each}


def test_a_member_of_a_group_is_its_id_and_the_data_of_its_own_event() -> None:
    (first, *_) = render_group_cloudevent(together())["data"]["alerts"]
    alone = render_cloudevent(together().members[0])
    assert first == {"id": alone["id"], **alone["data"]}


def test_every_word_of_transitions_and_reasons_is_explained() -> None:
    assert rows_after("Words of `data.transition`") == list(TransitionKind)
    assert set(rows_after("Words of `data.why`")) == set(Why)


def test_every_attribute_on_sns_has_a_row_and_every_row_an_attribute() -> None:
    rows = rows_after("## Message attributes on SNS")
    assert rows == list(render_sns(fired()).attributes)
    assert set(render_sns_group(together()).attributes) < set(rows)


def test_what_sns_cannot_hold_is_left_out_and_said() -> None:
    many = {f"tag-{number}": "x" * 200 for number in range(400)}
    message = fired()
    told = render_sns(replace(message, subject=replace(message.subject, tags=many)))
    assert json.loads(json.loads(told.message)["https"])["data"]["left_out"] == ["labels", "tags"]


def recipe() -> Callable[[str, dict[str, str], bytes], bool]:
    """What stands on the page, run."""
    (code,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102 - our own page
    verified: Callable[[str, dict[str, str], bytes], bool] = names["verified"]
    return verified


OLD = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # of the specification's own test vector
NEW = "whsec_" + "bmVwaG9zY29wZS1uZXdlci1rZXktb2YtMzI"


def test_the_recipe_believes_what_we_sign_and_nothing_else() -> None:
    body, now = FORMATS["json"].body(fired()), int(time.time())
    sent = headers(parse_keys(Secret(OLD)), fired().id, now, body)
    assert recipe()(OLD, sent, body)
    assert not recipe()(OLD, sent, body + b" ")
    assert not recipe()(NEW, sent, body)
    assert not recipe()(OLD, headers(parse_keys(Secret(OLD)), fired().id, now - 301, body), body)


def test_while_a_key_is_replaced_receivers_with_either_believe() -> None:
    body, now = FORMATS["json"].body(fired()), int(time.time())
    sent = headers(parse_keys(Secret(f"{NEW} {OLD}")), fired().id, now, body)
    assert recipe()(OLD, sent, body)
    assert recipe()(NEW, sent, body)


def test_the_bodies_are_what_is_sent() -> None:
    assert insert_bodies(TEXT) == TEXT, "make generated"
    assert main(["--check"]) == 0
    shown = [json.loads(text) for text in re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL)]
    for name in ("json", "slack", "teams", "alertmanager"):
        for message in samples().values():
            assert json.loads(FORMATS[name].body(message)) in shown
    assert "THE-INTEGRATION-KEY" in next(body for body in shown if "routing_key" in body)["routing_key"]
