"""History for the demonstration: a real Elasticsearch on loopback, what the runs have kept in it, a picture of it."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from nephoscope.localcloud.demo.page import CONFIG
from nephoscope.localcloud.demo.stage import StageError
from nephoscope.localcloud.elastic.server import ElasticServer
from nephoscope.model.history import HistoryKind

PICTURE = "history.png"
ASKED = ("history", "cpu.utilization", "--avg", "--by", "region")
SECONDS = 60
_SECTION = "publish:\n"


class History:
    """A context manager. `.config` is the demonstration's configuration with this server in it. Entering raises
    UnavailableError where the server cannot be had."""

    def __init__(self, out: Path) -> None:
        self.config = out / "nephoscope.yaml"
        self._server = ElasticServer()
        self._open = ExitStack()

    def __enter__(self) -> Self:
        self._open.enter_context(self._server)
        self.config.write_text(with_history(CONFIG.read_text(encoding="utf-8"), self.url), encoding="utf-8")
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    @property
    def url(self) -> str:
        return self._server.url

    @property
    def name(self) -> str:
        return self._server.distribution.name

    def kept(self) -> dict[str, int]:
        """Kind -> documents, as the server counts them."""
        self._ask("POST", "/nephoscope-*/_refresh")
        return {str(kind): self._ask("GET", f"/nephoscope-{kind}/_count")["count"] for kind in HistoryKind}

    def commands(self, machine: str) -> Sequence[str]:
        """What a person would ask it with. machine: the name of one that has a story."""
        asked = f"nephoscope --config {self.config}"
        return (f"{asked} {' '.join(ASKED)} --hours 2", f"{asked} states {machine} --days 1")

    def draw(self, path: Path, hours: int) -> None:
        """The picture that such a command draws. Raises StageError with what it said."""
        own = (sys.executable, "-m", "nephoscope.cli.main", "--config", str(self.config))
        asked = (*own, *ASKED, "--hours", str(hours), "--plot", str(path))
        done = subprocess.run(asked, capture_output=True, text=True, timeout=SECONDS, check=False)
        if done.returncode:
            raise StageError(next(iter(done.stderr.splitlines()), "it said nothing"))

    def _ask(self, method: str, path: str) -> Mapping[str, Any]:
        request = urllib.request.Request(self.url + path, method=method)  # noqa: S310 - our own server
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310
            found: Mapping[str, Any] = json.load(answer)
        return found


def with_history(text: str, url: str) -> str:
    """A configuration's text with `publish.elasticsearch` in it. Raises ValueError where it publishes nothing."""
    before, after = text.split(_SECTION, 1)
    return f'{before}{_SECTION}  elasticsearch: {{url: "{url}"}}\n{after}'
