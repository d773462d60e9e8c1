"""`nephoscope web` as a person would start it, on what the demonstration has left in its alert memory."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from nephoscope.localcloud.demo.stage import TABLE, StageError

CONFIG = Path(__file__).with_name("nephoscope.yaml")


class Page:
    """A context manager; `.address` is where the page is. environment: leads to the local clouds. Raises StageError."""

    def __init__(self, environment: Mapping[str, str], log: Path, config: Path = CONFIG) -> None:
        self._command = (sys.executable, "-m", "nephoscope.cli.main", "--config", str(config), "--table", TABLE)
        self._environment = {**os.environ, **environment}
        self._log = log
        self.address = ""

    def __enter__(self) -> Self:
        with self._log.open("w", encoding="utf-8") as log:
            self._process = subprocess.Popen(
                (*self._command, "web", "--port", "0"),
                env=self._environment,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self.address = self._process.stdout.readline().strip() if self._process.stdout else ""
        if not self.address:
            self.__exit__()
            raise StageError(f"the page did not start: {self._log.read_text(encoding='utf-8').strip()}")
        return self

    def wait(self) -> None:
        """Until it ends, or the person has had enough: KeyboardInterrupt."""
        self._process.wait()

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()
