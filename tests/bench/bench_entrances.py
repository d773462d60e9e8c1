"""What a cold start costs: seconds and modules that each platform's entrance imports, each in a fresh process of its
own built package, with its reader opened.

    python tests/bench/bench_entrances.py [--rounds 5]

The packages are what would be deployed; boto3 and the vendors' SDKs come from this machine's environment, as they come
from the runtime or the platform's own install. The fewest seconds of the rounds are given: everything above is noise.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
CONFIG = """\
fleet: acme
gather:
  aws: {regions: [eu-central-1]}
  gcp: {projects: [acme-web]}
  azure: {subscriptions: [11111111-aaaa-4000-8000-000000000001]}
publish: {cloudwatch: {region: eu-central-1}}
"""
MODULES = {"aws": "handler", "gcp": "main", "azure": "function_app"}
VENDORS = ("boto3", "google.auth", "grpc", "azure.core", "requests", "flask", "aws_lambda_powertools")
PROGRAM = """
import json, os, sys, time
sys.path.insert(0, {task!r})
began = time.perf_counter()
import {module}
imported = time.perf_counter()
from nephoscope.app.entrance import read_config
from nephoscope.app.outside import SystemClock, open_outside
from nephoscope.app.settings import Settings
from pathlib import Path
config = read_config(Path({task!r}, "config.json"))
settings = Settings(store="sqlite", table=":memory:", clouds=({cloud!r},), home_region="eu-central-1")
open_outside(config, settings, SystemClock())
ready = time.perf_counter()
found = [name for name in {vendors!r} if name in sys.modules]
print(json.dumps([imported - began, ready - began, len(sys.modules), found]))
"""


def build(place: Path) -> None:
    config = place / "nephoscope.yaml"
    config.write_text(CONFIG, encoding="utf-8")
    builder = [sys.executable, "infra/build.py", "--config", str(config), "--out", str(place)]
    subprocess.run(builder, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def measure(cloud: str, place: Path, rounds: int) -> dict[str, Any]:
    task = place / cloud
    with zipfile.ZipFile(place / f"{cloud}.zip") as archive:
        archive.extractall(task)
    program = PROGRAM.format(task=str(task), module=MODULES[cloud], cloud=cloud, vendors=VENDORS)
    environment = {"PATH": os.environ["PATH"], "AWS_REGION": "eu-central-1", "AWS_LAMBDA_FUNCTION_NAME": "bench"}
    runs = [
        json.loads(
            subprocess.run(
                [sys.executable, "-P", "-c", program], env=environment, cwd=place, check=True, stdout=subprocess.PIPE
            ).stdout.splitlines()[-1]
        )
        for _ in range(rounds + 1)
    ][1:]  # the first writes the byte code
    return {
        "entrance": f"{cloud}/{MODULES[cloud]}.py",
        "import_seconds": round(min(run[0] for run in runs), 3),
        "ready_seconds": round(min(run[1] for run in runs), 3),
        "modules": runs[0][2],
        "vendors": runs[0][3],
        "zip_kb": (place / f"{cloud}.zip").stat().st_size // 1024,
    }


def main() -> None:
    arguments = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    arguments.add_argument("--rounds", type=int, default=5)
    rounds = arguments.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        build(place)
        rows = [measure(cloud, place, rounds) for cloud in MODULES]
    head = f"{'entrance':24} {'import s':>9} {'ready s':>9} {'modules':>8} {'zip kB':>7}  vendors' packages"
    said = [head]
    said += [
        f"{row['entrance']:24} {row['import_seconds']:9.2f} {row['ready_seconds']:9.2f} {row['modules']:8} "
        f"{row['zip_kb']:7}  {', '.join(row['vendors'])}"
        for row in rows
    ]
    sys.stderr.write("\n".join(said) + "\n")
    sys.stdout.write(json.dumps(rows) + "\n")


if __name__ == "__main__":
    main()
