"""The three entrances at work: what a deployment puts on each platform, run here by the platform's own means.

The Lambda runs in the local AWS (stage.py). gcp.zip runs under functions-framework, which Cloud Functions itself runs
on; azure.zip under the host's part that localcloud/azure/host.py plays. Both are processes of their own: the unpacked
package stands before everything else on their path, so what runs is what would be deployed. Both enter AWS by a token
of their platform's identity.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol, Self

from nephoscope.localcloud.aws.ministack import free_port
from nephoscope.localcloud.azure import host
from nephoscope.localcloud.demo.stage import Stage, StageError
from nephoscope.model.scope import Cloud
from nephoscope.model.time import iso

STARTING = 30.0
"""Seconds that a platform may take until it answers."""


class Platform(Protocol):
    """One cloud's scheduled function."""

    cloud: Cloud

    def collect(self, slot: int) -> Mapping[str, Any]:
        """Run it for `slot` (epoch seconds); what it says of the run. Raises StageError."""
        ...


class Lambda:
    """On the local AWS, which runs the package as Lambda does."""

    cloud = Cloud.AWS

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def collect(self, slot: int) -> Mapping[str, Any]:
        answer: Mapping[str, Any] = self._stage.invoke("collect", {"scheduled_time": iso(slot)})
        return answer


class Process(ABC):
    """A package unpacked into a folder of its own, and a process that runs it. A context manager."""

    cloud: Cloud

    def __init__(self, artifact: Path, environment: Mapping[str, str]) -> None:
        self._open = ExitStack()
        self._place = Path(self._open.enter_context(tempfile.TemporaryDirectory(prefix="nephoscope-")))
        self.task = self._place / "task"
        with zipfile.ZipFile(artifact) as archive:
            archive.extractall(self.task)
        self._environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(self.task),
            "PYTHONDONTWRITEBYTECODE": "1",
            **environment,
            "AWS_WEB_IDENTITY_TOKEN_FILE": str(self._place / "aws-web-identity-token"),
        }
        self._log = self._open.enter_context((self._place / "log").open("w+b"))

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, *self.command],
            cwd=self.task,
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=self._output,
            stderr=self._log,
            start_new_session=True,  # Ctrl-C is the demonstration's to answer
        )
        self._open.callback(self._end)
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    @property
    @abstractmethod
    def command(self) -> tuple[str, ...]:
        """What Python is to run."""

    @property
    def _output(self) -> Any:
        return self._log

    def _end(self) -> None:
        self._process.terminate()
        self._process.communicate()

    def _failed(self, what: str) -> StageError:
        self._log.seek(0)
        last = self._log.read().decode(errors="replace").strip().splitlines()[-5:]
        return StageError(f"{self.cloud}: {what}" + "".join(f"\n  {line}" for line in last))


class CloudFunction(Process):
    """gcp.zip under functions-framework, called as Cloud Scheduler calls it."""

    cloud = Cloud.GCP

    def __init__(self, artifact: Path, environment: Mapping[str, str]) -> None:
        super().__init__(artifact, {"THREADS": "1", **environment})
        self._port = free_port()

    @property
    def command(self) -> tuple[str, ...]:
        place = ("--host", "127.0.0.1", "--port", str(self._port))
        return ("-m", "functions_framework", "--target", "collect", "--source", str(self.task / "main.py"), *place)

    def __enter__(self) -> Self:
        super().__enter__()
        until = time.monotonic() + STARTING
        while not framework_answers(self._port):
            if self._process.poll() is not None or time.monotonic() > until:
                failed = self._failed("functions-framework did not start")
                self._open.close()
                raise failed
            time.sleep(0.05)
        return self

    def collect(self, slot: int) -> Mapping[str, Any]:
        """The header is Cloud Scheduler's."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self._port}/",
            data=b"{}",
            headers={"X-CloudScheduler-ScheduleTime": iso(slot), "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
                said: Mapping[str, Any] = json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                raise self._failed(error.read().decode(errors="replace")) from error
        except OSError as error:
            raise self._failed(str(error)) from error
        return said


def framework_answers(port: int) -> bool:
    """Whether functions-framework listens there: a GET of the favicon is answered by the framework itself."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/favicon.ico", timeout=5):
            return True
    except urllib.error.HTTPError as error:
        error.close()
        return True
    except OSError:
        return False


class FunctionApp(Process):
    """azure.zip, its timer called as the host calls it. What the run was is what the function logged of it."""

    cloud = Cloud.AZURE

    @property
    def command(self) -> tuple[str, ...]:
        """-P: the program's own folder is on no path of the app's."""
        return ("-P", str(Path(host.__file__)), str(self.task))

    @property
    def _output(self) -> Any:
        return subprocess.PIPE

    def collect(self, slot: int) -> Mapping[str, Any]:
        said = json.loads(self._asked({"function": "collect", "at": iso(slot)}))
        if "error" in said:
            raise self._failed(said["error"])
        return ran(said["logged"])

    def _asked(self, question: Mapping[str, str]) -> bytes:
        into, out = self._process.stdin, self._process.stdout
        if into is None or out is None:
            raise StageError("the function app was started without pipes")
        try:
            into.write(json.dumps(question).encode() + b"\n")
            into.flush()
            line = out.readline()
        except OSError as error:
            raise self._failed(str(error)) from error
        if not line:
            raise self._failed("the function app did not answer")
        return bytes(line)


def ran(logged: list[str]) -> Mapping[str, Any]:
    """The run's report among what was logged. Raises StageError."""
    for line in logged:
        if line.startswith("ran "):
            report: Mapping[str, Any] = json.loads(line.removeprefix("ran "))
            return report
    raise StageError(f"the function said nothing of its run: {logged}")
