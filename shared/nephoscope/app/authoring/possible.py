"""Whether a rule can ever fire, and ever clear: what each of its texts alone does not show.

A number that a metric never reaches, an unknown word, a window of more points than are judged: conditions.py and
rules.py refuse those where they read them. Here the parts of a rule stand together: words that are all there are, a
selection that leaves out what it selects, a window that is longer than the provider keeps its points.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from nephoscope.app.authoring.document import Keys
from nephoscope.app.authoring.findings import Findings, listed
from nephoscope.app.authoring.reading import keys_of, text_of
from nephoscope.catalog.loader import load_catalog
from nephoscope.model.metric import Source
from nephoscope.model.observation import OBSERVATIONS
from nephoscope.model.resource import Kind
from nephoscope.model.rule import Condition, Observation, Selector, Window
from nephoscope.model.scope import Cloud
from nephoscope.model.time import DAY
from nephoscope.pipeline.wording import render_duration

MEANT = 366 * DAY
"""Seconds. A longer window is a slip of the hand, and called too long already."""


def check_possible(
    keys: Keys,
    kind: Kind | None,
    when: Condition | None,
    windows: Mapping[str, Window],
    selector: Selector,
    sources: Iterable[Source],
    findings: Findings,
) -> None:
    """keys: the rule's own. windows: by the key that says them. sources: of the condition's metric, where the rule
    looks; empty for what is seen rather than measured."""
    if kind and isinstance(when, Observation) and (text := text_of(keys, "when")) and (said := _of_words(kind, when)):
        findings.problem(text.place, f"when: {said}")
    if said := _of_selection(selector):
        findings.problem((keys_of(keys, "except") or keys).place, f"except: {said}")
    kept = min((kept_for(source, source.period_of(fine=True)) for source in sources), default=0)
    for key, window in windows.items():
        if kept and kept < window.span < MEANT and (text := text_of(keys, key)):
            span = render_duration(window.span)
            said = f"{key}: its points are kept for {render_duration(kept)}; nobody can look back {span}"
            findings.problem(text.place, said)


def _of_words(kind: Kind, when: Observation) -> str:
    known = OBSERVATIONS[kind].get(when.attribute, ())
    if not known or set(when.words) != set(known):
        return ""
    holds = "can never hold" if when.negated else "always holds"
    return f"this {holds}: {when.attribute} is always one of {listed(known, 'or')}"


def _of_selection(selector: Selector) -> str:
    """Why nothing can be selected; empty where something can."""
    for key, left_out in selector.except_tags.items():
        wanted = selector.tags.get(key)
        if wanted is not None and ("*" in left_out or set(wanted) <= set(left_out)):
            return f"it leaves out all that `where` selects by tag {key}: the rule looks at nothing"
    return ""


def kept_for(source: Source, period: int) -> int:
    """Seconds for which the provider keeps points of this period as they are. Source: the catalog's rows `*.kept`."""
    limits = load_catalog().limits
    if source.query:
        return limits["log_analytics.kept"]["seconds"]
    match source.cloud:
        case Cloud.AWS:
            row = limits["cloudwatch.kept"]
            return row["minute"] if period < 300 else row["five_minutes"] if period < 3600 else row["hour"]
        case Cloud.GCP:
            return limits["monitoring.kept"]["seconds"]
        case Cloud.AZURE:
            return limits["azure_monitor.kept"]["seconds"]
