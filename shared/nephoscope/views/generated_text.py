"""Texts in the repository that are made from tables: the metrics' reference, the README's diagram of an alert's life.

python -m nephoscope.views.generated_text metrics|lifecycle [--check]
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from nephoscope.catalog.loader import Catalog, load_catalog
from nephoscope.model.alert import OPEN_STATES, AlertState
from nephoscope.model.metric import Metric, Source
from nephoscope.pipeline.lifecycle import ENDING, TABLE
from nephoscope.pipeline.wording import render_duration

ROOT = Path(__file__).resolve().parents[3]
BEGIN, END = "<!-- lifecycle: made by `make generated` -->", "<!-- /lifecycle -->"


def render_metrics(catalog: Catalog) -> str:
    """A table for each kind of resource: what a metric is called, what it is, where its provider keeps it."""
    kinds = dict.fromkeys(metric.on for metric in catalog.metrics.values())
    parts = ["# Metrics\n\nMade from `metrics.toml` by `make generated`; a metric is added there.\n"]
    for kind in kinds:
        rows = [row for metric in catalog.metrics_on(kind) for row in _rows(metric)]
        head = "| metric | unit | meaning | provider's own | every | final after |\n|---|---|---|---|---|---|\n"
        parts.append(f"\n## {kind}\n\n{head}{''.join(rows)}")
    return "".join(parts)


def _rows(metric: Metric) -> list[str]:
    return [
        f"| `{metric.name}` | `{metric.unit}` | {metric.description} | [{source.cloud}: {source.namespace} "
        f"{source.vendor_name}, {source.statistic}]({source.page}) | {_periods(source)} | {_settled(source)} |\n"
        for source in metric.sources.values()
    ]


def _periods(source: Source) -> str:
    fine = f", {render_duration(source.fine_period)} with detailed monitoring" if source.fine_period else ""
    return render_duration(source.period) + fine


def _settled(source: Source) -> str:
    periods = [source.period, *([source.fine_period] if source.fine_period else [])]
    return ", ".join(render_duration(source.final_after(period)) for period in periods)


def render_lifecycle() -> str:
    """A Mermaid state diagram, an arrow for each way between two states; what people are told stands behind a colon's
    slash, as in UML. Outcomes that end an alert whatever its numbers are one arrow."""
    arrows: dict[tuple[AlertState, AlertState, str], list[str]] = defaultdict(list)
    for (before, outcome), (after, told) in TABLE.items():
        if before is after and told is None:
            continue
        word = "stopped, gone, withdrawn" if outcome in ENDING else str(outcome)
        words = arrows[before, after, f" / {told}" if told else ""]
        if word not in words:
            words.append(word)
    lines = [f"    {before} --> {after}: {', '.join(words)}{told}" for (before, after, told), words in arrows.items()]
    shown = ", ".join(sorted(OPEN_STATES))
    return (
        "```mermaid\nstateDiagram-v2\n    [*] --> ok\n" + "\n".join(lines) + "\n```\n\n"
        "What follows a slash may be told (silence only where the rule says so). While an alert is\n"
        f"{shown} it is open: somebody was told that it fired, and will be told that it ended.\n"
        "What is unknown, and what is absent and ignored, changes no state.\n"
    )


def insert_lifecycle(readme: str) -> str:
    """The README with the diagram between its two marks. Raises ValueError where a mark is missing."""
    before, rest = readme.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n{render_lifecycle()}{END}{after}"


FILES: Mapping[str, tuple[Path, Callable[[str], str]]] = {
    "metrics": (ROOT / "shared/nephoscope/catalog/metrics.md", lambda _: render_metrics(load_catalog())),
    "lifecycle": (ROOT / "README.md", insert_lifecycle),
}


def main(arguments: Sequence[str]) -> int:
    """1 when a file differs from what would be written, and --check asks; otherwise it is written."""
    path, render = FILES[arguments[0]]
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    after = render(before)
    if "--check" in arguments:
        return int(before != after)
    path.write_text(after, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
