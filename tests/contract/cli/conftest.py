"""The console script in a folder of its own, against a local AWS: real processes, real HTTP."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from nephoscope.localcloud.aws.local import LocalAws
from nephoscope.localcloud.fleet import Fleet, simulate
from nephoscope.localcloud.incidents import Happening, Incident
from nephoscope.localcloud.machines import Instance

REGIONS = ("eu-central-1", "eu-west-1")


def wednesday_noon() -> int:
    """The last one, epoch seconds, UTC: in the past, where runs may be for, and young enough to be published. At night
    and on Sundays some of the fleet's machines are stopped."""
    days = int(time.time()) // 86_400
    return (days - (days - WEDNESDAY) % 7 - (7 if days % 7 == WEDNESDAY else 0)) * 86_400 + 43_200


WEDNESDAY = 6  # 1970-01-07, in days since the epoch, modulo 7


def story(start: int) -> Fleet:
    """Forty machines, one of which has been stopped from the beginning; the cloud itself behaves."""
    plain = simulate(3, 40, REGIONS, start=start, script=())
    stopped = Incident(Happening.STOPPED, 0, 10**9, (first_named(plain).id,))
    return simulate(3, 40, REGIONS, start=start, script=(stopped,))


def first_named(fleet: Fleet) -> Instance:
    return next(instance for instance in fleet.instances if instance.name)


@pytest.fixture(scope="session")
def _running_aws() -> Iterator[LocalAws]:
    """Without ministack: nothing that it answers is asked here."""
    with LocalAws(story(wednesday_noon() - 7200), with_ministack=False) as aws:
        yield aws


@pytest.fixture
def victim(aws: LocalAws) -> Instance:
    """The machine that the story stops."""
    return first_named(aws.fleet)


@pytest.fixture
def noon() -> int:
    return wednesday_noon()


@pytest.fixture
def aws(_running_aws: LocalAws, noon: int) -> LocalAws:
    """As new, and its time stands at noon; `.set_time(None)` gives the wall's."""
    _running_aws.reset()
    _running_aws.set_time(noon)
    return _running_aws


@dataclass
class Shell:
    """folder: where the commands are called. environment: what they see, and nothing else of this machine's."""

    folder: Path
    environment: dict[str, str]

    def write(self, text: str, name: str = "nephoscope.yaml") -> None:
        (self.folder / name).write_text(text, encoding="utf-8")

    @property
    def files(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir())

    def start(self, *arguments: str, more: dict[str, str] | None = None, **pipes: Any) -> subprocess.Popen[str]:
        script = Path(sys.executable).with_name("nephoscope")
        environment = self.environment | (more or {})
        return subprocess.Popen([script, *arguments], cwd=self.folder, env=environment, text=True, **pipes)

    def __call__(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        process = self.start(*arguments, more=more, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        out, err = process.communicate(timeout=60)
        assert "Traceback" not in err
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)


@pytest.fixture
def shell(aws: LocalAws, tmp_path: Path) -> Shell:
    """With the smallest configuration that is useful."""
    made = Shell(tmp_path, {"PATH": os.environ["PATH"], "HOME": str(tmp_path), **aws.environment()})
    made.write(f"fleet: acme\ngather: {{aws: {{regions: [{', '.join(REGIONS)}]}}}}\n")
    return made
