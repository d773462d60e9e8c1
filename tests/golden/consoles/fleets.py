"""The configurations whose dashboards in the other consoles are kept as files, and the command that writes them anew:

    python tests/golden/consoles/fleets.py

Read the difference before it is committed: the files are what people will see. Grafana's are the example of
infra/grafana, as its README shows it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from nephoscope.app.authoring.boards import draw_boards
from nephoscope.app.authoring.compile import compile_file
from nephoscope.catalog.loader import load_catalog
from nephoscope.cli.consoles import files_of
from nephoscope.model.config import Config
from nephoscope.pipeline.board import board_of
from nephoscope.pipeline.consoles.azure import render_workbook

HERE = Path(__file__).parent
EXAMPLE = HERE.parents[2] / "infra" / "grafana" / "example"
CATALOG = load_catalog()


def written(name: str) -> Config:
    """The configuration `name`.yaml beside this file."""
    return compile_file(HERE / f"{name}.yaml", environment={}).config


def kept() -> Mapping[Path, str]:
    """Where -> what must stand there."""
    acme = written("acme")
    files = {HERE / name: text for name, text in draw_boards(acme, CATALOG).items()}
    alone = written("alone")
    workbook = render_workbook(board_of(alone, CATALOG), alone, CATALOG, insights="")
    files[HERE / "azure-workbook-alone.json"] = json.dumps(workbook, indent=1, ensure_ascii=False) + "\n"
    return files | {EXAMPLE / name: text for name, text in files_of("grafana", acme, CATALOG).items()}


if __name__ == "__main__":
    for path, text in kept().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
