"""The fleets of the dashboards' golden files, for tests in several rooms; golden/dashboard/fleets.py is a program."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType


def _loaded(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


FLEETS = _loaded(Path(__file__).parent / "golden/dashboard/fleets.py")
