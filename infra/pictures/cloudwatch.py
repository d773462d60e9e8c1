"""Pictures of the CloudWatch dashboard, from the demonstration's fleet after its incidents.

    python -m infra.pictures.cloudwatch FOLDER [dashboard.html]

The page is the one that `nephoscope demo` leaves: the body as it stands in the local CloudWatch, with the data that
CloudWatch gives for it, and the custom widget's own answers.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from infra.pictures.screens import pictures
from nephoscope.cli import demo
from nephoscope.cli.terminal import Terminal

SEED, INSTANCES, MINUTES = 7, 298, 45
"""A story at whose end some alerts are still open."""


def draw(folder: Path, page: Path | None = None) -> list[Path]:
    """cloudwatch-desk-light.png and the like. page: a demonstration's dashboard.html; None: one is lived first, which
    takes a minute or two."""
    folder.mkdir(parents=True, exist_ok=True)
    if page is not None:
        return pictures(page, folder, "cloudwatch")
    with TemporaryDirectory(prefix="nephoscope-") as lived:
        options = argparse.Namespace(seed=SEED, instances=INSTANCES, minutes=MINUTES, out=lived, serve=False)
        if demo.run(options, Terminal(color=False)):
            raise RuntimeError("the demonstration did not come to its end; it has said why")
        return pictures(Path(lived) / "dashboard.html", folder, "cloudwatch")


if __name__ == "__main__":
    for drawn in draw(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None):
        print(drawn)
