"""The alert memory as `status`, `outbox` and `run` show it."""

from __future__ import annotations

from collections.abc import Mapping

from nephoscope.app.looking.places import places, registered, watching
from nephoscope.app.outside import Outside
from nephoscope.cli.call import Call, CallError
from nephoscope.model.alert import AlertRecord
from nephoscope.model.metric import Metric
from nephoscope.model.rule import Rule
from nephoscope.pipeline.notify import measured_of
from nephoscope.pipeline.wording import clean, render_id, render_value

__all__ = ["NOTHING_YET", "about_words", "open_existing", "places", "registered", "value_words", "watching"]

NOTHING_YET = "Do a first run with `nephoscope run`, or name the memory of a deployment with --table NAME."


def open_existing(call: Call) -> Outside:
    """Everything opened, with a memory that is already there: looking makes no file. Raises CallError."""
    if not call.has_memory:
        raise CallError(f"nothing is remembered here: there is no {call.settings().table}", NOTHING_YET)
    return call.outside()


def value_words(record: AlertRecord, rules: Mapping[str, Rule], metrics: Mapping[str, Metric]) -> str:
    """The alert's value in its metric's unit; empty for what is seen rather than measured."""
    rule = rules.get(record.rule)
    if record.value is None or rule is None:
        return ""
    measured, unit = measured_of(rule, metrics)
    return render_value(record.value, unit) if measured else ""


def about_words(record: AlertRecord) -> str:
    """`i-0abc [/dev/sda1]`; Azure's `rg-prod/web-1`."""
    attributes = ", ".join(clean(value) for _, value in record.attributes)
    return clean(render_id(record.resource_id)) + (f" [{attributes}]" if attributes else "")
