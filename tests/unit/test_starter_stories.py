"""Every starter rule has a story in which it fires, and one in which it does not; and all of them go as they say."""

from __future__ import annotations

import pytest

from nephoscope.app.stories.config import Rulebook, starter_config
from nephoscope.app.stories.files import STARTER_STORIES, story_files
from nephoscope.app.stories.judging import judge_story
from nephoscope.app.stories.reading import read_stories
from nephoscope.app.stories.story import Story
from nephoscope.model.config import Config
from nephoscope.model.rule import Observation


def no_config() -> Config:
    raise AssertionError("every story here names its rules")


STORIES = [story for path in story_files([STARTER_STORIES]) for story in read_stories(path, Rulebook(no_config))]


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_it_goes_as_it_says(story: Story) -> None:
    assert [each.text for each in judge_story(story).mismatches] == []


def fires_in(story: Story) -> set[str]:
    return {expected.rule for expected in story.expected if expected.kind == "fired"}


def could_fire_in(story: Story) -> set[str]:
    """Rules that look at something the story tells of."""
    said = {course.metric for machine in story.machines for course in machine.courses}
    said |= {attribute for machine in story.machines for attribute in machine.seen}
    return {
        rule.name
        for rule in story.config.rules
        if (rule.when.attribute if isinstance(rule.when, Observation) else rule.when.metric) in said
    }


@pytest.mark.parametrize("rule", [rule.name for rule in starter_config().rules])
def test_each_rule_has_a_story_that_makes_it_fire_and_one_that_does_not(rule: str) -> None:
    assert [story.name for story in STORIES if rule in fires_in(story)]
    assert [story.name for story in STORIES if rule in could_fire_in(story) and not story.expected]
