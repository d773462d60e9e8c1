"""The dashboards of the other consoles, as files: they follow from the configuration alone, so nothing is asked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from nephoscope.catalog.loader import Catalog, load_catalog
from nephoscope.cli.call import WELL, Call, CallError
from nephoscope.model.config import Config
from nephoscope.model.scope import Cloud
from nephoscope.pipeline.board import Board, board_of, history_board
from nephoscope.pipeline.consoles.azure import render_template
from nephoscope.pipeline.consoles.google import render_google
from nephoscope.pipeline.consoles.grafana import render_grafana, uid_of
from nephoscope.pipeline.consoles.grafana_history import history_uid, render_history
from nephoscope.pipeline.consoles.grafana_history_targets import Product
from nephoscope.pipeline.consoles.grafana_provisioning import render_datasources, render_provider

CONSOLES = ("cloudwatch", "gcp", "azure", "grafana")
"""What `--for` takes; the first is written by our functions themselves."""

DEPLOYED = "nephoscope-prod"


def write_console(call: Call) -> int:
    """Print the dashboard, or write it under --out. Raises CallError, ConfigError."""
    console, config = call.args.console, call.config()
    if console in (Cloud.GCP, Cloud.AZURE) and Cloud(console) not in config.gather.kinds:
        raise CallError(f"{console} is not gathered, so there is nothing to show", "Write it under `gather`.")
    product = Product.OPENSEARCH if call.args.opensearch else Product.ELASTICSEARCH
    files = files_of(console, config, load_catalog(), call.args.deployment, product)
    if call.args.out is None:
        call.terminal.line(next(iter(files.values())).rstrip("\n"))
        return WELL
    for name, text in files.items():
        _write(Path(call.args.out, name), text)
        call.terminal.line(str(Path(call.args.out, name)))
    return WELL


def files_of(
    console: str,
    config: Config,
    catalog: Catalog,
    deployment: str = DEPLOYED,
    product: Product = Product.ELASTICSEARCH,
) -> Mapping[str, str]:
    """Name below the folder -> text; the dashboard itself comes first. product: what keeps history."""
    board = board_of(config, catalog)
    if console == "gcp":
        return {"google-dashboard.json": _json(render_google(board, config, deployment))}
    if console == "azure":
        return {"azure-workbook-template.json": _json(render_template(board, config, catalog))}
    return _grafana(board, config, history_board(config, catalog), product)


def _grafana(board: Board, config: Config, history: Board, product: Product) -> Mapping[str, str]:
    files = {f"nephoscope/{uid_of(board.title)}.json": _json(render_grafana(board, config))}
    if history.sections:
        files[f"nephoscope/{history_uid(history.title)}.json"] = _json(render_history(history, product))
    return files | {
        "datasources/nephoscope.yaml": render_datasources(board, config, product),
        "dashboards/nephoscope.yaml": render_provider(),
    }


def _json(value: object) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CallError(f"{path} cannot be written: {error.strerror}") from error
