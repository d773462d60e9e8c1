"""`nephoscope test`: stories by which people test their rules, before a night does."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from nephoscope.cli.call import FAILED, WELL, Call, CallError
from nephoscope.cli.table import Cell, Column
from nephoscope.model.errors import ConfigError, Problem
from nephoscope.pipeline.wording import clean

if TYPE_CHECKING:  # the checker and YAML are imported only where the command is called
    from nephoscope.app.authoring.findings import Place
    from nephoscope.app.stories.judging import Lane, Result, Row
    from nephoscope.app.stories.story import Story

HELP = "Test rules with stories: what a machine lives through, and what is to be told of it."
FOLDER = "stories"
EXAMPLES = f"""\
examples:
  nephoscope test                       every story in ./{FOLDER}
  nephoscope test {FOLDER}/cpu.yaml --show   with each verdict, also where all is well
  nephoscope test --starter             the stories of the starter rules: a place to start from
  nephoscope test --json

a story:
  name: Three hot minutes of five are told, and told once
  machines:
    web-1:
      detailed: true                    # EC2: a point each minute
      series:
        cpu.utilization: 10 95 10 95x3 _ 70x8     # _ no point, ? unknown
      state: {{0: running, 40: stopped}}
  expect:                               # all that happens, in order; or: nothing
    - {{fired: cpu-hot, on: web-1, at: 5, told: 7, tell: [oncall]}}
    - {{resolved: cpu-hot, on: web-1, at: 12}}

A value written for minute 4 is that of the minute from 4 to 5. `at` is a minute of data
time, the end of the period that decided; `told` is the minute of the run that tells it,
later by the time that the provider takes to publish a point. Either will do, or both.
What a story does not say is unknown. Within braces, YAML wants quotes around a `?`.
The rules are those of --config, or of `rules:` in the story: a path, `starter`, a list.

exit codes: 0 all as expected · 1 not · 2 a story or its configuration is wrong"""

COLUMNS = (
    Column("AT", right=True),
    Column("VALUE", right=True),
    Column("VERDICT"),
    Column("RUN", rank=2, right=True),
    Column("STATE", rank=1),
    Column("TOLD", flows=True, least=20),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="*", type=Path, metavar="FILE", help=f"files or folders; default: {FOLDER}")
    parser.add_argument("--starter", action="store_true", help="the stories of the starter rules")
    parser.add_argument("--show", action="store_true", help="show what was judged, also where all is well")
    parser.add_argument("--json", action="store_true", help="one JSON list, an object a story")


def run(call: Call) -> int:
    from nephoscope.app.stories.judging import judge_story  # noqa: PLC0415 - YAML only where needed

    stories = _read(call, _files(call))
    results = []
    with call.terminal.progress("telling", len(stories)) as steps:
        for story in stories:
            results.append(judge_story(story, watch=call.args.show))
            steps.step()
    if call.args.json:
        call.terminal.json_list(map(_object, results))
    for result in () if call.args.json else results:
        _show(call, result)
    failed = sum(not result.well for result in results)
    _sum_up(call, len(results), failed)
    return FAILED if failed else WELL


def _files(call: Call) -> tuple[Path, ...]:
    from nephoscope.app.stories.files import STARTER_STORIES, story_files  # noqa: PLC0415 - as above

    paths = list(call.args.paths)
    if call.args.starter:
        paths.append(STARTER_STORIES)
    if not paths and not Path(FOLDER).is_dir():
        raise CallError(
            f"there is no folder {FOLDER} here, and no story was named",
            "nephoscope test --help shows what a story looks like; nephoscope test --starter runs some.",
        )
    try:
        found = story_files(paths or [Path(FOLDER)])
    except OSError as error:
        raise CallError(f"{clean(str(error.filename))}: {error.strerror}") from error
    if not found:
        raise CallError(f"no story in {', '.join(map(str, paths or [FOLDER]))}", "Stories are files that end in .yaml.")
    return found


def _read(call: Call, files: Iterable[Path]) -> list[Story]:
    """All stories of all files. Raises ConfigError with the problems of all of them."""
    from nephoscope.app.stories.config import Rulebook  # noqa: PLC0415 - as above
    from nephoscope.app.stories.reading import read_stories  # noqa: PLC0415 - as above

    book = Rulebook(call.config, call.environment)
    stories: list[Story] = []
    problems: list[Problem] = []
    for path in files:
        try:
            stories += read_stories(path, book)
        except ConfigError as error:
            problems += error.problems
    if not problems:
        return stories
    if call.args.json:
        call.terminal.json({"problems": [asdict(each) for each in dict.fromkeys(problems)]})
    raise ConfigError(list(dict.fromkeys(problems)))


def _sum_up(call: Call, number: int, failed: int) -> None:
    stories = "1 story" if number == 1 else f"{number} stories"
    if failed:
        call.terminal.problem(f"{failed} of {stories} went another way")
    else:
        call.terminal.note(f"{stories}, all as expected")


# --- for programs -------------------------------------------------------------------------------------------------


def _object(result: Result) -> dict[str, object]:
    from nephoscope.app.stories.judging import minute  # noqa: PLC0415 - as above

    story = result.story
    return {
        "story": story.name,
        "file": story.place.file,
        "line": story.place.line,
        "passed": result.well,
        "mismatches": [
            {"file": each.place.file, "line": each.place.line, "text": each.text} for each in result.mismatches
        ],
        "events": [
            {
                "at": minute(story, event.at),
                "told": minute(story, event.told),
                "kind": event.kind,
                "why": event.why,
                "rule": event.rule,
                "on": event.on,
                "attributes": dict(event.attributes),
                "tell": list(event.channels),
                "muted": event.muted,
            }
            for event in result.told.events
        ],
        "courses": [{"of": lane.title, "rows": [asdict(row) for row in lane.rows]} for lane in result.lanes],
    }


# --- for people ---------------------------------------------------------------------------------------------------


def _show(call: Call, result: Result) -> None:
    terminal, story = call.terminal, result.story
    word, style = ("ok", "green") if result.well else ("FAILED", "red")
    terminal.line(f"{word}  {clean(story.name)}  ({_where(story.place)})", style)
    for mismatch in result.mismatches:
        terminal.line(f"  {_where(mismatch.place)}: {clean(mismatch.text)}")
    for lane in result.lanes:
        terminal.line()
        _show_lane(call, lane, [rule_words(story, lane)])
    if result.lanes:
        terminal.line()


def _where(place: Place) -> str:
    """File and line; without the package's own folder, which nobody edits."""
    from nephoscope.app.stories.files import STARTER_STORIES  # noqa: PLC0415 - as above

    return f"{place.file.removeprefix(f'{STARTER_STORIES.parent}/')}:{place.line}"


def rule_words(story: Story, lane: Lane) -> str:
    """The rule of a lane in a sentence."""
    from nephoscope.app.authoring.explain import explain_rule  # noqa: PLC0415 - as above
    from nephoscope.catalog.loader import load_catalog  # noqa: PLC0415 - as above

    name = lane.title.split(" on ", 1)[0]
    rule = next(rule for rule in story.config.rules if rule.name == name)
    clouds = list(dict.fromkeys(machine.scope.cloud for machine in story.machines))
    return explain_rule(rule, load_catalog().metrics, clouds)


def _show_lane(call: Call, lane: Lane, words: Sequence[str]) -> None:
    from nephoscope.app.stories.judging import folded  # noqa: PLC0415 - as above

    call.terminal.heading(lane.title)
    for sentence in words:
        call.terminal.line(sentence)
    call.terminal.table(COLUMNS, [_row(row, last) for row, last in folded(lane.rows)])


_STYLES = {"breaching": "red", "partly": "yellow", "nodata": "yellow"}


def _row(row: Row, last: int | None) -> list[Cell | str]:
    at = "" if row.at is None else str(row.at) if last is None else f"{row.at}-{last}"
    return [
        at,
        row.value,
        Cell(row.verdict, _STYLES.get(row.verdict.split(" ")[0], "")),
        "" if row.run is None else str(row.run),
        row.state,
        row.told,
    ]
