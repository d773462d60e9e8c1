"""The packages that would be deployed, built from this checkout's sources."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from nephoscope.localcloud.demo.stage import StageError
from nephoscope.model.scope import Cloud

ROOT = Path(__file__).resolve().parents[4]
"""The checkout."""


def build_artifacts(config: Path, out: Path) -> dict[Cloud, Path]:
    """One for each cloud, for this configuration. Raises StageError."""
    builder = [sys.executable, str(ROOT / "infra/build.py"), "--config", str(config), "--out", str(out)]
    done = subprocess.run(builder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise StageError(f"the packages could not be built:\n{done.stderr}")
    return {cloud: out / f"{cloud}.zip" for cloud in Cloud}
