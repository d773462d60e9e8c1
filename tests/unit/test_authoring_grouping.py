"""What grouping means in nephoscope.yaml, and how it is explained; expected values are worked out by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft7Validator

from nephoscope.app.authoring.compile import compile_file
from nephoscope.app.authoring.explain import explain
from nephoscope.app.authoring.patterns import GROUPED_BY
from nephoscope.app.authoring.schema import SCHEMA_FILE
from nephoscope.app.config import dump_config, load_config
from nephoscope.catalog.loader import load_catalog
from nephoscope.model.config import Channel, Config
from nephoscope.pipeline.grouping import FIELDS

HEAD = "fleet: acme\ngather: {aws: {regions: [eu-west-1]}}\ntell:\n"
CHANNELS = {
    "each": "{webhook: '${ssm:/chat}', format: slack}",
    "chat": "{webhook: '${ssm:/chat}', format: slack, group_by: [rule, cloud_region]}",
    "daily": "{sns: '${stack:AlertTopic}', group_by: [], group_wait: 10 min, group_interval: 1 d}",
    "owner": "{webhook: '${ssm:/chat}', group_by: ['tag:owner', 'label:team', rule, rule], repeat: 4 h}",
    "one": "{webhook: '${ssm:/chat}', group_by: severity}",
}


@pytest.fixture
def config(tmp_path: Path) -> Config:
    path = tmp_path / "nephoscope.yaml"
    path.write_text(HEAD + "\n".join(f"  {name}: {text}" for name, text in CHANNELS.items()), encoding="utf-8")
    return compile_file(path, {}).config


def grouping(channel: Channel) -> tuple[object, int, int]:
    return channel.group_by, channel.group_wait, channel.group_interval


def test_what_is_written_is_understood_and_survives_its_compiled_form(config: Config) -> None:
    understood = {
        "each": (None, 60, 300),
        "chat": (("rule", "cloud_region"), 60, 300),
        "daily": ((), 600, 86_400),
        "owner": (("tag:owner", "label:team", "rule"), 60, 300),
        "one": (("severity",), 60, 300),
    }
    assert {name: grouping(channel) for name, channel in config.channels.items()} == understood
    assert config.grouped_channels == {"chat", "daily", "owner", "one"}
    assert load_config(dump_config(config)) == config


def test_a_channel_s_sentence_says_how_it_groups(config: Config) -> None:
    said = {line.partition(":")[0]: line for line in explain(config, load_catalog())}
    assert said["each"] == "each: webhook, slack, not signed; a message is tried for 1 d."
    assert said["chat"] == (
        "chat: webhook, slack, not signed; a message is tried for 1 d; grouped by rule and cloud_region, in each "
        "account and region for itself: the first wait 1 min for company, then one message in 5 min at most."
    )
    assert said["daily"] == (
        "daily: SNS topic ${stack:AlertTopic}; a message is tried for 1 d; grouped all in one, in each account and "
        "region for itself: the first wait 10 min for company, then one message in 1 d at most."
    )


def test_editors_complete_the_same_words_as_the_check_knows() -> None:
    channel = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))["properties"]["tell"]["additionalProperties"]
    schema = Draft7Validator(channel)
    for good in ([], *([field] for field in FIELDS), ["tag:owner", "label:team"], "rule"):
        assert schema.is_valid({"webhook": "${ssm:/c}", "group_by": good}), good
    for wrong in (["owner"], ["tag:"], [1], "regions"):
        assert not schema.is_valid({"webhook": "${ssm:/c}", "group_by": wrong}), wrong
    assert all(f"|{field}|" in GROUPED_BY.replace("(", "|").replace(")", "|") for field in FIELDS)
