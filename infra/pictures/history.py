"""What history looks like: a simulated fleet's points, kept in a real Elasticsearch and asked back.

The seed's two cases (average CPU of EC2 instances over a day; CPU every five minutes, kept) as `nephoscope history
--plot` draws them, and the tables of `history` and `states` in terminals of two widths.

    python -m infra.pictures.draw --only history
"""

from __future__ import annotations

import html
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import cast

from infra.pictures.lived import Lived
from infra.pictures.plots import MEASURES, thumbnail
from infra.pictures.terminal import _STYLE, CELL, MARGIN, _markup, printed
from nephoscope.catalog.loader import load_catalog
from nephoscope.localcloud.browser import Chromium, chromium
from nephoscope.localcloud.elastic.server import ElasticServer
from nephoscope.localcloud.fleet import Fleet, Power, simulate
from nephoscope.localcloud.incidents import Happening, Incident
from nephoscope.localcloud.machines import Instance
from nephoscope.model.config import PublishElasticsearch
from nephoscope.model.history import Document
from nephoscope.model.resource import Kind, Resource, State
from nephoscope.model.scope import Cloud, Scope
from nephoscope.model.secret import Secret
from nephoscope.model.series import Series, SeriesKey
from nephoscope.model.time import DAY, HOUR, Deadline, floor_to
from nephoscope.pipeline.documents import StateSeen, Telling, point_documents, state_document
from nephoscope.sinks.elasticsearch.client import Client
from nephoscope.sinks.elasticsearch.sink import ElasticsearchSink

TAGS = ("env", "role")
CONFIG = """\
fleet: acme
gather: {{aws: {{regions: [eu-central-1, eu-west-1, us-east-1]}}}}
publish:
  cloudwatch: {{region: eu-central-1, dashboard: acme}}
  elasticsearch: {{url: "{url}", tags: [env, role], metrics: [cpu.utilization]}}
"""
PLOTS = {
    "history-cpu-light.png": "--where cloud=aws",
    "history-cpu-dark.png": "--where cloud=aws --theme dark",
    "history-kept-light.png": "--by tag:role",
    "history-kept-dark.png": "--by tag:role --theme dark",
    "history-p95-by-region.png": "--p95 --by region",
}
SCREENS = (
    "history cpu.utilization --by tag:role",
    "history cpu.utilization --max --where tag:env=prod --hours 12",
    "states HOST",
)
WIDTHS = (80, 160)


def draw(folder: Path) -> list[Path]:
    """Raises UnavailableError where no Elasticsearch can be had."""
    folder.mkdir(parents=True, exist_ok=True)
    end = floor_to(int(time.time()), 300)
    with TemporaryDirectory() as place, ElasticServer() as server, chromium() as browser:
        known, host = Path(place), _fill(server, end)
        (known / "nephoscope.yaml").write_text(CONFIG.format(url=server.url), encoding="utf-8")
        fleet = cast(Lived, SimpleNamespace(folder=known, environment={"TZ": "Europe/Berlin"}))
        drawn = [_plot(fleet, folder / name, words) for name, words in PLOTS.items()]
        screens = [_screen(browser, fleet, width, folder, host) for width in WIDTHS]
    return [*drawn, *screens, *map(thumbnail, drawn)]


def _plot(fleet: Lived, path: Path, words: str) -> Path:
    printed(fleet, f"history cpu.utilization {words} --plot {path.resolve()}", 80)
    return path


def _screen(browser: Chromium, fleet: Lived, width: int, folder: Path, host: str) -> Path:
    commands = [command.replace("HOST", host) for command in SCREENS]
    texts = [_markup(_still(printed(fleet, command, width)), width) for command in commands]
    shown = "".join(
        f"<pre><b>$ nephoscope {html.escape(command)}</b>\n{text}</pre>"
        for command, text in zip(commands, texts, strict=True)
    )
    page = f'<!doctype html><html lang="en"><meta charset="utf-8"><style>{_STYLE}</style>{shown}</html>'
    return browser.picture(page, folder / f"history-terminal-{width}.png", round(width * CELL) + MARGIN)


def _still(text: str) -> str:
    """Without the line that moves while the server is asked, and is wiped away afterwards."""
    return "\n".join(line for line in text.split("\n") if " asking " not in line)


# --- what is kept -------------------------------------------------------------------------------------------------


def _fill(server: ElasticServer, end: int) -> str:
    """A day of 48 machines, a point in five minutes; the name of the one whose life is shown."""
    begin = end - DAY
    plain = simulate(5, 48, ("eu-central-1", "eu-west-1", "us-east-1"), start=begin, script=())
    named = [each for each in plain.instances if each.name and plain.power(each, begin) is Power.RUNNING]
    hot = [each for each in named if each.tags.get("env") == "prod"]
    fleet = plain.with_script(
        (
            Incident(Happening.CPU_SATURATED, 9 * HOUR, 13 * HOUR, (hot[0].id,)),
            Incident(Happening.CPU_SATURATED, 18 * HOUR, 20 * HOUR, (hot[3].id,)),
            Incident(Happening.STOPPED, 14 * HOUR, 16 * HOUR, (hot[0].id,)),
        )
    )
    where = PublishElasticsearch(url=server.url, tags=TAGS)
    client = Client(where, _Plain())
    sink = ElasticsearchSink(client, where, "acme", _Clock(end))
    deadline = Deadline(time.monotonic() + 120, time.monotonic)
    sink.prepare(end, deadline)
    telling = Telling("acme", TAGS, load_catalog())
    sink.write_documents(_points(fleet, begin, end, telling), deadline)
    sink.write_documents(_life(_resource(hot[0]), end, telling), deadline)
    client.ask("POST", "/nephoscope-*/_refresh", deadline=deadline)
    client.close()
    return hot[0].name


class _Plain:
    def read_secret(self, reference: str) -> Secret:
        return Secret(reference)


class _Clock:
    def __init__(self, at: int) -> None:
        self._at = at

    def wall(self) -> float:
        return float(self._at)

    def monotonic(self) -> float:
        return time.monotonic()


def _points(fleet: Fleet, begin: int, end: int, telling: Telling) -> Iterator[Document]:
    measure = MEASURES["cpu.utilization"]
    for machine in fleet.instances:
        series = Series(SeriesKey(machine.id, "cpu.utilization"), 300, begin, end)
        for at in range(begin, end, 300):
            value = fleet.value(machine.id, measure, at)
            if value is not None:
                series.times.append(at)
                series.values.append(value)
        yield from point_documents(series, _resource(machine), 0, "lot", telling)


def _life(machine: Resource, end: int, telling: Telling) -> Iterator[Document]:
    """A week with an evening off, a stop of two hours yesterday, and a restart."""
    story = (
        (6 * DAY + 9 * HOUR, State.RUNNING, "first_seen", ""),
        (4 * DAY + 6 * HOUR, State.STOPPING, "state_changed", "running"),
        (4 * DAY + 6 * HOUR - 120, State.STOPPED, "state_changed", "stopping"),
        (3 * DAY + 18 * HOUR, State.RUNNING, "state_changed", "stopped"),
        (2 * DAY, State.RUNNING, "restarted", "running"),
        (10 * HOUR, State.STOPPED, "state_changed", "running"),
        (8 * HOUR, State.RUNNING, "state_changed", "stopped"),
    )
    for ago, state, action, before in story:
        yield state_document(StateSeen(replace(machine, state=state), end - ago, action, before), "lot", telling)


def _resource(machine: Instance) -> Resource:
    scope = Scope(Cloud.AWS, machine.account, machine.region)
    return Resource(
        scope, Kind.INSTANCE, machine.id, machine.name, machine.type, machine.zone, State.RUNNING, tags=machine.tags
    )
