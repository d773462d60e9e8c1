"""Servers of history that want to know who asks, and sinks that enter them: what tests of both products use."""

from __future__ import annotations

import shutil
import subprocess
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from history_server import standing
from history_world import MIDNIGHT, Plain, ask, open_sink, points, seconds, stored
from nephoscope.app.history import read_history
from nephoscope.localcloud.elastic.server import ElasticServer
from nephoscope.model.errors import DeliveryError
from nephoscope.model.history import HistoryKind
from nephoscope.model.time import DAY, HOUR
from nephoscope.pipeline.asking.question import ask as question
from nephoscope.sinks.elasticsearch.asking import ElasticsearchAsking
from nephoscope.sinks.elasticsearch.life import read_machines
from nephoscope.sinks.elasticsearch.sink import ElasticsearchSink

WORDS = {"KEEPER": "CANARY-keeper", "CLERK": "CANARY-clerk", "BOSS": "CANARY-boss", "WRONG": "CANARY-wrong"}
"""Passwords, by the name of their secret."""
KEY = "CANARYid:CANARYkey"
EMAIL_WORDS = Path(__file__).parent / "faults" / "email_words" / "EmailWords.java"


def find_compiler() -> Path | None:
    """javac, wherever it is: JAVA_HOME or the path may name a Java without one."""
    found = shutil.which("javac")
    return Path(found) if found else next(iter(sorted(Path("/usr/lib/jvm").glob("*/bin/javac"))), None)


def add_email_words(home: Path) -> None:
    """Build the plugin of email_words/ with the server's own libraries, and put it in. Without it no API key can be
    made."""
    compiler = find_compiler()
    assert compiler is not None
    own, version = home / "plugins" / "email-words", home.name.rpartition("-")[2]
    own.mkdir(parents=True)
    classes = home / "email-words"
    words = [str(compiler), "--release", "17", "-cp", f"{home}/lib/*", "-d", str(classes), str(EMAIL_WORDS)]
    subprocess.run(words, check=True, capture_output=True, text=True)
    with zipfile.ZipFile(own / "email-words.jar", "w") as jar:
        for each in classes.rglob("*.class"):
            jar.write(each, each.relative_to(classes))
    descriptor = {
        "description": "words of analysis-common",
        "version": version,
        "name": "email-words",
        "classname": "EmailWords",
        "java.version": "17",
        "elasticsearch.version": version,
    }
    text = "".join(f"{name}={value}\n" for name, value in descriptor.items())
    (own / "plugin-descriptor.properties").write_text(text, encoding="utf-8")


@dataclass(frozen=True)
class Secured:
    server: ElasticServer
    ca: str


@contextmanager
def running(server: ElasticServer, ca: str) -> Iterator[Secured]:
    """Skips where the server cannot be had, with the reason."""
    with standing(server):
        yield Secured(server, ca)


Entering = Callable[..., ElasticsearchSink]


@contextmanager
def entrances(secured: Secured) -> Iterator[Entering]:
    """Opens sinks with what the configuration says beside the address and its CA; lets go of them at the end."""
    opened: list[ElasticsearchSink] = []

    def enter(secrets: Mapping[str, str] | None = None, **more: Any) -> ElasticsearchSink:
        known = {"url": secured.server.url, "ca": secured.ca} | more
        opened.append(open_sink(secrets=Plain(**(WORDS | {"KEY": KEY} | dict(secrets or {}))), **known))
        return opened[-1]

    yield enter
    for each in opened:
        each.close()


def why(sink: ElasticsearchSink) -> str:
    """What stands in the way of keeping, without the server's name."""
    with pytest.raises(DeliveryError) as caught:
        sink.prepare(MIDNIGHT, seconds(20))
    said = str(caught.value)
    assert "\n" not in said and "://" not in said
    return said.removeprefix(f"{sink.client.name}: ")


def reading(sink: ElasticsearchSink, index: str = "nephoscope") -> ElasticsearchAsking:
    """Who asks, as the same user over the same connection."""
    return ElasticsearchAsking(sink.client, index)


def asked_as(sink: ElasticsearchSink, machines: int, each: int, index: str = "nephoscope") -> None:
    """Every way of asking, as this user: `each` points a minute of each machine from midnight on are there."""
    reader = reading(sink, index)
    begin, end = MIDNIGHT, MIDNIGHT + HOUR
    wanted = question("acme", "cpu.utilization", "avg", "host", (), begin, end, 0)
    assert [course.total.points for course in read_history(reader, wanted, seconds(10)).courses] == [each] * machines
    whole = {"size": 7, "query": {"range": {"@timestamp": {"gte": begin * 1_000, "lt": end * 1_000}}}}
    pages = list(reader.read_pages(HistoryKind.METRICS, whole, seconds(10)))
    assert sum(map(len, pages)) == machines * each and len(pages) > 1
    assert [kept.metric for kept in reader.read_metrics("acme", seconds(10))] == ["cpu.utilization"]
    assert read_machines(reader, "acme", seconds(10)) == ()


def keeps_with_few_rights(entering: Entering) -> None:
    """The keeper writes, writes again, lays aside what is refused for good, and deletes days that are over."""
    sink = entering(user="keeper", password="${env:KEEPER}")
    sink.prepare(MIDNIGHT, seconds(20))
    taken = sink.write_documents(points(2, 10, start=MIDNIGHT - 300), seconds(20))
    assert (taken.taken, taken.owed, taken.problem) == (20, {}, "")
    assert sink.write_documents(points(2, 10, start=MIDNIGHT - 300), seconds(20)).again == 20
    boss = entering(user="boss", password="${env:BOSS}")
    assert len(stored(boss, "nephoscope-metrics")) == 20
    odd = next(iter(points(1, 1)))._replace(id="odd", source='{"@timestamp": "never"}')
    assert sink.write_documents([odd], seconds(20)).dead == 1
    ask(boss, "POST", "/nephoscope-dead/_refresh")
    assert ask(boss, "GET", "/nephoscope-dead/_count")["count"] == 1
    short = entering(user="keeper", password="${env:KEEPER}", keep=DAY)
    short.prepare(MIDNIGHT + 40 * DAY, seconds(20))
    assert [name for name in ask(boss, "GET", "/_mapping") if name.startswith("nephoscope-metrics")] == []


def asks_as_the_clerk(entering: Entering) -> None:
    """What the keeper has written, in every way of asking."""
    sink = entering(user="keeper", password="${env:KEEPER}")
    sink.prepare(MIDNIGHT, seconds(20))
    sink.write_documents(points(2, 10), seconds(20))
    ask(entering(user="boss", password="${env:BOSS}"), "POST", "/nephoscope-metrics/_refresh")
    asked_as(entering(user="clerk", password="${env:CLERK}"), machines=2, each=10)
