"""Pictures of what `nephoscope history` draws: a day of a simulated fleet, kept in a real Elasticsearch and asked back
by the commands that stand in the README. Needs Java and Maven; says so where they are not.

python infra/pictures/history.py [folder]
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from infra.pictures.plots import BEGIN, END, fleet, tracks
from nephoscope.app.clock import SystemClock
from nephoscope.catalog.loader import load_catalog
from nephoscope.localcloud.elastic.server import ElasticServer
from nephoscope.model.config import PublishElasticsearch
from nephoscope.model.history import Document
from nephoscope.model.secret import Secret
from nephoscope.model.series import Series, SeriesKey
from nephoscope.model.time import Deadline, iso
from nephoscope.pipeline.documents import Telling, point_documents
from nephoscope.sinks.elasticsearch.client import Client
from nephoscope.sinks.elasticsearch.sink import ElasticsearchSink

CPU = "cpu.utilization"
ASKED: Mapping[str, tuple[str, ...]] = {
    "history-regions.png": (CPU, "--where", "cloud=aws", "--by", "region"),
    "history-hosts.png": (CPU, "--where", "tag:env=prod", "--step", "5m"),
}
CONFIG = """\
fleet: acme
gather: {{aws: {{regions: [eu-central-1]}}}}
publish: {{elasticsearch: {{url: "{url}", keep: forever, tags: [env]}}}}
"""
SECONDS = 120


class _NoSecrets:
    def read_secret(self, reference: str) -> Secret:
        return Secret(reference)


def draw(folder: Path) -> list[Path]:
    """Writes them into the folder, and returns their paths. Raises UnavailableError."""
    folder.mkdir(parents=True, exist_ok=True)
    with ElasticServer() as server, tempfile.TemporaryDirectory() as place:
        config = Path(place, "nephoscope.yaml")
        config.write_text(CONFIG.format(url=server.url), encoding="utf-8")
        _keep(server.url)
        return [_asked(config, folder / name, arguments) for name, arguments in ASKED.items()]


def _asked(config: Path, path: Path, arguments: tuple[str, ...]) -> Path:
    own = (sys.executable, "-m", "nephoscope.cli.main", "--config", str(config), "history", *arguments)
    when = ("--hours", "24", "--until", iso(END)[:16], "--zone", "UTC")
    subprocess.run([*own, *when, "--plot", str(path)], check=True, stdout=subprocess.DEVNULL)
    return path


def _keep(url: str) -> None:
    where = PublishElasticsearch(url, keep=0, tags=("env",))
    client = Client(where, _NoSecrets())
    sink = ElasticsearchSink(client, where, "acme", SystemClock())
    deadline = Deadline(time.monotonic() + SECONDS, time.monotonic)
    sink.prepare(END, deadline)
    if (taken := sink.write_documents(_documents(), deadline)).owed or taken.dead:
        raise RuntimeError(f"not everything was kept: {taken}")
    client.ask("POST", "/nephoscope-*/_refresh", deadline=deadline)
    sink.close()


def _documents() -> Iterator[Document]:
    """Of sixty machines, a point in five minutes each."""
    telling = Telling("acme", ("env",), load_catalog())
    for track in tracks(fleet(60, fine=False), CPU):
        key = SeriesKey(track.resource.id, CPU)
        series = Series(key, track.period, BEGIN, END, True, track.times, track.values)
        yield from point_documents(series, track.resource, 0, "", telling)


if __name__ == "__main__":
    for written in draw(Path(sys.argv[1] if len(sys.argv) > 1 else "build/pictures")):
        print(written)
