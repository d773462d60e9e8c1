"""What a cold start costs: seconds and modules that each platform's entrance imports, each in a fresh process of its
own built package, and until it is ready for its first call: configuration, memory, sink and its cloud's reader opened.

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

from nephoscope.localcloud.aws.ministack import sdk_environment

ROOT = Path(__file__).parents[2]
CONFIG = """\
fleet: acme
gather:
  aws: {regions: [eu-central-1]}
  gcp: {projects: [acme-web]}
  azure: {subscriptions: [11111111-aaaa-4000-8000-000000000001]}
publish: {cloudwatch: {region: eu-central-1}}
tell:
  oncall: {sns: "${stack:AlertTopic}"}
"""
MODULES = {"aws": "handler", "gcp": "main", "azure": "function_app"}
VENDORS = ("boto3", "google.auth", "grpc", "azure.core", "azure.identity", "flask", "aws_lambda_powertools")
PROGRAM = """
import json, sys, time
sys.path.insert(0, {task!r})
began = time.perf_counter()
import {module}
imported, modules = time.perf_counter(), len(sys.modules)
from nephoscope.app.entrance import outside_of
outside = outside_of({module}.CONFIG)
outside.readers[{cloud!r}]
ready = time.perf_counter()
found = [name for name in {vendors!r} if name in sys.modules]
print(json.dumps([imported - began, modules, ready - began, len(sys.modules), found]))
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
    environment = {
        **sdk_environment("http://127.0.0.1:9", region="eu-central-1"),
        "PATH": os.environ["PATH"],
        "AWS_LAMBDA_FUNCTION_NAME": "bench",
        "NEPHOSCOPE_CLOUDS": cloud,
        "NEPHOSCOPE_STACK_AlertTopic": "arn:aws:sns:eu-central-1:111111111111:alerts",
    }
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
        "import_modules": runs[0][1],
        "ready_seconds": round(min(run[2] for run in runs), 3),
        "ready_modules": runs[0][3],
        "vendors": runs[0][4],
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
    said = [f"{'cold start':22} {'import s':>8} {'modules':>7} {'ready s':>8} {'modules':>7} {'zip kB':>7}  packages"]
    said += [
        f"{row['entrance']:22} {row['import_seconds']:8.2f} {row['import_modules']:7} {row['ready_seconds']:8.2f} "
        f"{row['ready_modules']:7} {row['zip_kb']:7}  {', '.join(row['vendors'])}"
        for row in rows
    ]
    sys.stderr.write("\n".join(said) + "\n")
    sys.stdout.write(json.dumps(rows) + "\n")


if __name__ == "__main__":
    main()
