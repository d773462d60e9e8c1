"""What a thousand machines cost a month on each cloud, with the starter rules: the forecast that `validate` prints,
from the catalog's prices.

    python tests/bench/bench_bill.py [--instances 1000]
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from nephoscope.app.authoring.compile import compile_file
from nephoscope.catalog.loader import load_catalog
from nephoscope.model.scope import Cloud, Scope
from nephoscope.pipeline.cost.forecast import assumed_fleet, forecast

GATHER = {
    Cloud.AWS: "aws: {regions: [eu-central-1]}",
    Cloud.GCP: "gcp: {projects: [acme-web]}",
    Cloud.AZURE: "azure: {subscriptions: [11111111-aaaa-4000-8000-000000000001]}",
}
SCOPES = {
    Cloud.AWS: Scope(Cloud.AWS, "111111111111", "eu-central-1"),
    Cloud.GCP: Scope(Cloud.GCP, "acme-web", "europe-west1"),
    Cloud.AZURE: Scope(Cloud.AZURE, "11111111-aaaa-4000-8000-000000000001", "westeurope"),
}


def bill_of(cloud: Cloud, instances: int) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "nephoscope.yaml")
        text = f"fleet: acme\ngather: {{{GATHER[cloud]}}}\npublish: {{cloudwatch: {{region: eu-central-1}}}}\n"
        path.write_text(text, encoding="utf-8")
        config = compile_file(path, {}).config
    bill = forecast(config, assumed_fleet([SCOPES[cloud]], instances, {}), load_catalog(), 1)
    return {
        "cloud": cloud,
        "instances": instances,
        "usd_a_month": round(sum(line.usd for line in bill.lines), 2),
        "custom_series": bill.series,
        "largest": bill.lines[0].what,
    }


def main() -> None:
    arguments = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    arguments.add_argument("--instances", type=int, default=1_000)
    count = arguments.parse_args().instances
    rows = [bill_of(cloud, count) for cloud in Cloud]
    said = [f"{'starter rules':14} {'machines':>9} {'$ a month':>10} {'custom series':>14}  largest part"]
    said += [
        f"{row['cloud']:14} {row['instances']:9,} {row['usd_a_month']:10,.2f} {row['custom_series']:14}  "
        f"{row['largest']}"
        for row in rows
    ]
    sys.stderr.write("\n".join(said) + "\n")
    sys.stdout.write(json.dumps(rows) + "\n")


if __name__ == "__main__":
    main()
