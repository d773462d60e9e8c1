"""Where the servers come from: their makers' own builds on Maven Central, stripped to few modules; and which Java.

What they lack: GET / (Elasticsearch's), scripts, ingest pipelines, index lifecycles, data streams. What is used of them
is all there.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FETCH_SECONDS = 240


class UnavailableError(RuntimeError):
    """The server cannot be had here; the text says what is missing, for a test that skips and a person who asks."""


class NotStartedError(UnavailableError):
    """It is here, and did not come up: a fault of its settings, or a machine that is too small."""


@dataclass(frozen=True, slots=True)
class Artifact:
    """A zip on Maven Central."""

    product: str
    version: str
    group: str

    @property
    def name(self) -> str:
        return f"{self.product}-{self.version}"


@dataclass(frozen=True, slots=True)
class Distribution(Artifact):
    """java: the oldest release that runs it; newest: the newest that does, 0 = any. plugin: unpacked into it."""

    java: int
    newest: int = 0
    plugin: Artifact | None = None


_ELASTIC, _OPEN = "org.elasticsearch.distribution.integ-test-zip", "org.opensearch.distribution.integ-test-zip"
ELASTICSEARCH_8 = Distribution("elasticsearch", "8.19.20", _ELASTIC, 17)
ELASTICSEARCH_9 = Distribution("elasticsearch", "9.2.0", _ELASTIC, 21)
OPENSEARCH_2 = Distribution("opensearch", "2.19.6", _OPEN, 11, 21)
OPENSEARCH_SECURED = Distribution(
    "opensearch",
    "2.19.4",
    _OPEN,
    11,
    21,
    plugin=Artifact("opensearch-security", "2.19.4.0", "org.opensearch.plugin"),
)
"""A plugin runs in the release that it was built for only; the security of 2.19.6 is not there."""


def fetch(artifact: Artifact) -> Path:
    """The zip, out of Maven's own cache; fetched into it the first time. Raises UnavailableError."""
    path = _cached(artifact)
    if path.is_file():
        return path
    maven = shutil.which("mvn")
    if maven is None:
        raise UnavailableError(f"{artifact.name} is fetched by Maven, which is not installed: apt-get install maven")
    wanted = f"{artifact.group}:{artifact.product}:{artifact.version}:zip"
    goal = ["dependency:get", f"-Dartifact={wanted}", "-Dtransitive=false"]
    try:
        done = subprocess.run(
            [maven, "-q", "-B", *goal], capture_output=True, text=True, timeout=FETCH_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise UnavailableError(f"{artifact.name} was not fetched within {FETCH_SECONDS} s") from error
    if done.returncode or not path.is_file():
        raise UnavailableError(f"Maven could not fetch {artifact.name}: {_first_error(done.stdout)}")
    return path


def _cached(artifact: Artifact) -> Path:
    folder = Path.home() / ".m2" / "repository" / artifact.group.replace(".", "/") / artifact.product
    return folder / artifact.version / f"{artifact.name}.zip"


def _first_error(output: str) -> str:
    """Without addresses: what a mirror is called concerns nobody."""
    lines = [line for line in output.splitlines() if "ERROR" in line]
    return re.sub(r"\S+://\S+", "...", lines[0])[:200] if lines else "no reason given"


def find_java(distribution: Distribution) -> Path:
    """The home of a Java that runs it. Raises UnavailableError."""
    for home in _homes():
        major = _major(home)
        if major >= distribution.java and not (distribution.newest and major > distribution.newest):
            return home
    wanted = f"{distribution.java}" + (f" to {distribution.newest}" if distribution.newest else " or newer")
    raise UnavailableError(f"{distribution.name} needs Java {wanted}: apt-get install openjdk-17-jre-headless")


def _homes() -> Iterator[Path]:
    if os.environ.get("JAVA_HOME"):
        yield Path(os.environ["JAVA_HOME"])
    found = shutil.which("java")
    if found:
        yield Path(found).resolve().parents[1]
    yield from sorted(Path("/usr/lib/jvm").glob("*"))


def _major(home: Path) -> int:
    """0 where there is no Java."""
    try:
        text = (home / "release").read_text(encoding="utf-8")
    except OSError:
        return 0
    found = re.search(r'JAVA_VERSION="(\d+)', text)
    return int(found[1]) if found and (home / "bin" / "java").exists() else 0
