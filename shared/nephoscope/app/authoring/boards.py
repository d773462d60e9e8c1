"""The dashboards that Terraform deploys beside our functions: drawn when the package is built, one file a cloud.

What only the deployment knows stands in them as a word of its own, which Terraform replaces (infra/gcp/functions,
infra/azure/functions).
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from nephoscope.catalog.loader import Catalog
from nephoscope.model.config import Config
from nephoscope.model.scope import Cloud
from nephoscope.pipeline.board import board_of
from nephoscope.pipeline.consoles.azure import render_workbook
from nephoscope.pipeline.consoles.google import render_google

GOOGLE, AZURE = "google-dashboard.json", "azure-workbook.json"


def draw_boards(config: Config, catalog: Catalog) -> Mapping[str, str]:
    """File name -> text, of those clouds whose own functions gather."""
    board = board_of(config, catalog)
    drawn: dict[str, object] = {}
    if Cloud.GCP in config.gather.functions:
        drawn[GOOGLE] = render_google(board, config)
    if Cloud.AZURE in config.gather.functions:
        drawn[AZURE] = render_workbook(board, config, catalog)
    return {name: json.dumps(each, indent=1, ensure_ascii=False) + "\n" for name, each in drawn.items()}
