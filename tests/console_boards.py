"""Boards for the tests of consoles: the kept fleets, and one in which every name is odd."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from pathlib import Path

from nephoscope.catalog.loader import load_catalog
from nephoscope.model.config import Config, Gather, GatherAws, GatherAzure, GatherGcp, PublishCloudWatch
from nephoscope.model.resource import Kind
from nephoscope.model.rule import Comparison, Rule, Severity, Threshold
from nephoscope.pipeline.board import Board, board_of

GOLDEN = Path(__file__).parent / "golden" / "consoles"
CATALOG = load_catalog()
BOTH = (Kind.INSTANCE, Kind.BUCKET)
ODD = "x\"y\\z'{TimeRange}[a](b)$region|*`<b>"
"""What no console may take for its own notation."""

_spec = importlib.util.spec_from_file_location("console_fleets", GOLDEN / "fleets.py")
assert _spec
assert _spec.loader
FLEETS = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(FLEETS)


def kept() -> Mapping[Path, str]:
    files: Mapping[Path, str] = FLEETS.kept()
    return files


def written(name: str) -> Config:
    config: Config = FLEETS.written(name)
    return config


def odd() -> Config:
    """Names that a compiled configuration could not have, and rules that it could."""
    hot = Threshold("cpu.utilization", Comparison.GREATER, 0.9)
    rules = (
        Rule(ODD, Kind.INSTANCE, hot, severity=Severity.CRITICAL),
        Rule("ünïcode 東京", Kind.INSTANCE, Threshold("cpu.utilization", Comparison.LESS, 0.01)),
    )
    gather = Gather(60, GatherAws(("eu-west-1",)), GatherGcp((ODD,)), GatherAzure((ODD,)))
    return Config(ODD, gather, PublishCloudWatch("eu-west-1", "acme"), rules)


def ruleless(*, projects: int = 0) -> Config:
    """No rule, no distribution; projects: so many, or a search where there are none."""
    gcp = GatherGcp(tuple(f"acme-{number:04d}" for number in range(projects)), "" if projects else "folders/1", BOTH)
    return Config("bare", Gather(60, gcp=gcp), PublishCloudWatch("eu-west-1", "bare"))


def everything() -> Config:
    """A rule on each metric of the catalog, and ten more on each, as no dashboard can hold."""
    rules = tuple(
        Rule(f"{name}-{number}", metric.on, Threshold(name, Comparison.GREATER, float(number)))
        for name, metric in CATALOG.metrics.items()
        for number in range(11)
    )
    azure = GatherAzure(("00000000-0000-0000-0000-000000000000",), workspaces=("w",), resources=BOTH)
    gather = Gather(60, GatherAws(("eu-west-1",), resources=BOTH), GatherGcp(("acme-web",), resources=BOTH), azure)
    return Config("all", gather, PublishCloudWatch("eu-west-1", "all"), rules)


def shown(config: Config) -> Board:
    return board_of(config, CATALOG)
