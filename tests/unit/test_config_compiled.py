"""The compiled configuration: nothing is lost on the way through JSON, and nothing else is taken for one."""

from __future__ import annotations

import json
import math
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nephoscope.app.config import dump_config, load_config
from nephoscope.model.config import (
    AwsAccount,
    Channel,
    Config,
    Gather,
    GatherAws,
    GatherAzure,
    GatherGcp,
    PublishCloudWatch,
)
from nephoscope.model.errors import ConfigError
from nephoscope.model.resource import Kind
from nephoscope.model.rule import Comparison, MissingData, Observation, Rule, Selector, Severity, Threshold, Window

words = st.text(max_size=12)
some_words = st.lists(words, max_size=3).map(tuple)
figures = st.floats(allow_nan=False, allow_infinity=False)
thresholds = st.builds(Threshold, words, st.sampled_from(Comparison), figures)
observations = st.builds(Observation, words, some_words, st.booleans())
conditions = thresholds | observations
windows = st.builds(Window, st.integers(0, 10**6), st.integers(0, 10**6))
tags = st.dictionaries(words, some_words, max_size=2)
selectors = st.builds(Selector, tags, tags)
rules = st.builds(
    Rule,
    name=words,
    on=st.sampled_from(Kind),
    when=conditions,
    window=windows,
    clear=st.none() | conditions,
    clear_window=windows,
    missing=st.sampled_from(MissingData),
    tell_missing=st.booleans(),
    severity=st.sampled_from(Severity),
    tell=some_words,
    where=selectors,
    labels=st.dictionaries(words, words, max_size=2),
    runbook=words,
    summary=words,
    origin=words,
)
gathers = st.builds(
    GatherAws,
    some_words,
    st.lists(st.builds(AwsAccount, words, words), max_size=2).map(tuple),
    st.lists(st.sampled_from(Kind), max_size=3).map(tuple),
    selectors,
)
google = st.builds(GatherGcp, some_words, words, st.lists(st.sampled_from(Kind), max_size=3).map(tuple), selectors)
microsoft = st.builds(
    GatherAzure, some_words, words, some_words, st.lists(st.sampled_from(Kind), max_size=3).map(tuple), selectors
)
channels = st.builds(
    Channel, words, words, words, words, words, st.booleans(), st.booleans(), st.booleans(), st.integers(0)
)
configs = st.builds(
    Config,
    fleet=words,
    gather=st.builds(Gather, st.integers(0), st.none() | gathers, st.none() | google, st.none() | microsoft),
    publish=st.builds(PublishCloudWatch, words, words, words, some_words, words),
    rules=st.lists(rules, max_size=3).map(tuple),
    channels=st.dictionaries(words, channels, max_size=2),
    blind_after=st.integers(0),
    grace=st.integers(0),
    limits=st.dictionaries(words, st.dictionaries(words, st.integers(), max_size=2), max_size=2),
    prices=st.dictionaries(words, st.dictionaries(words, figures, max_size=2), max_size=2),
)


@settings(max_examples=60, deadline=None)
@given(configs)
def test_there_and_back(config: Config) -> None:
    text = dump_config(config)
    back = load_config(text)
    assert back == config
    assert dump_config(back) == text
    assert [type(rule.when) for rule in back.rules] == [type(rule.when) for rule in config.rules]


SMALL = Config("acme", Gather(), PublishCloudWatch("eu-west-1", "acme"))
HOT = Rule("hot", Kind.INSTANCE, Threshold("cpu.utilization", Comparison.GREATER, 1))
DOWN = Rule("down", Kind.INSTANCE, Observation("state", ("stopped",)))


def with_rules(*rules: Rule) -> Config:
    return Config("acme", Gather(), PublishCloudWatch("eu-west-1", "acme"), rules)


def test_conditions_are_named_in_the_json() -> None:
    hot, down = json.loads(dump_config(with_rules(HOT, DOWN)))["rules"]
    assert hot["when"] == {"threshold": {"metric": "cpu.utilization", "comparison": ">", "value": 1, "over": 0}}
    assert down["when"] == {"observation": {"attribute": "state", "words": ["stopped"], "negated": False}}
    assert hot["clear"] is None


def test_a_whole_number_comes_back_as_the_float_it_is() -> None:
    (rule,) = load_config(dump_config(with_rules(HOT))).rules
    assert isinstance(rule.when, Threshold)
    assert type(rule.when.value) is float


def test_equal_configurations_give_equal_texts() -> None:
    one, two = Channel("one", sns="a"), Channel("two", sns="b")
    here = Config("acme", Gather(), SMALL.publish, channels={"one": one, "two": two})
    there = Config("acme", Gather(), SMALL.publish, channels={"two": two, "one": one})
    assert dump_config(here) == dump_config(there)


def test_what_is_no_number_is_not_written() -> None:
    rule = Rule("hot", Kind.INSTANCE, Threshold("cpu.utilization", Comparison.GREATER, math.nan))
    with pytest.raises(ValueError, match="not JSON compliant"):
        dump_config(with_rules(rule))


def changed(**keys: object) -> str:
    return json.dumps(json.loads(dump_config(with_rules(HOT))) | keys)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '"text"',
        "{}",
        "[" * 100_000,
        changed(fleet=7),
        changed(colour="red"),
        changed(rules=None),
        changed(rules=[7]),
        changed(rules=[{}]),
        changed(rules=[{"name": "hot", "on": "instance", "when": {"guess": {}}, "clear": None}]),
        changed(
            rules=[
                {"name": "hot", "on": "server", "when": {"observation": {"attribute": "a", "words": []}}, "clear": None}
            ]
        ),
        changed(gather={"every": "often", "aws": None}),
        changed(blind_after=None),
        dump_config(with_rules(HOT)).replace('"value": 1', '"value": NaN'),
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(text, "config.json")
    assert str(caught.value).startswith("config.json:1:1: not a compiled configuration of this version: ")


def test_a_function_imports_no_yaml_and_no_checker() -> None:
    code = (
        "import sys, nephoscope.app.config;"
        "print(*sorted(name for name in sys.modules if name.split('.')[0] in ('yaml', 'pydantic', 'jsonschema') "
        "or name.startswith('nephoscope.app.authoring')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
