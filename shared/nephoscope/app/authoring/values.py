"""What several sections mean alike: a text or its default, a duration, a reference that is checked, names of metrics.

As everywhere in authoring: what is wrong is noted at its place, and a default goes on in its stead.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from nephoscope.app.authoring.document import Keys, Text
from nephoscope.app.authoring.findings import Findings, did_you_mean
from nephoscope.app.authoring.quantities import UnclearError, parse_duration
from nephoscope.app.authoring.reading import text_of, texts_of
from nephoscope.model.metric import Metric
from nephoscope.model.time import DAY, HOUR, MINUTE


def value_of(text: Text | None, default: str = "") -> str:
    return text.value if text else default


def check_text(text: Text | None, name: str, check: Callable[[str], None], findings: Findings) -> bool:
    """Whether there is a text that passes; check raises UnclearError where it does not."""
    if text is None:
        return False
    try:
        check(text.value)
    except UnclearError as unclear:
        findings.problem(text.place, f"{name}: {unclear}")
        return False
    return True


def duration_of(keys: Keys, name: str, default: int, findings: Findings, *, most: int) -> int:
    """Whole minutes between one and `most`; the default where nothing, or nothing right, is written."""
    text = text_of(keys, name)
    if text is None:
        return default
    try:
        seconds = parse_duration(text.value)
        if seconds % MINUTE or not MINUTE <= seconds <= most:
            shown = {HOUR: "1 h", DAY: "1 d"}.get(most, f"{most // DAY} d")
            raise UnclearError(f'expected whole minutes from 1 min to {shown}, found "{text.value}"')
        return seconds
    except UnclearError as unclear:
        findings.problem(text.place, f"{name}: {unclear}")
        return default


def no_doubles(texts: tuple[Text, ...], what: str, findings: Findings) -> None:
    """Note each text that stands there again."""
    seen: set[str] = set()
    for text in texts:
        if text.value in seen:
            findings.problem(text.place, f'the {what} "{text.value}" stands twice')
        seen.add(text.value)


def metrics_of(
    keys: Keys | None, name: str, metrics: Mapping[str, Metric], default: tuple[str, ...], findings: Findings
) -> tuple[str, ...]:
    """Names of metrics in the order of the file, each once; unknown ones are noted."""
    texts = texts_of(keys, name)
    if texts is None:
        return default
    no_doubles(texts, "metric", findings)
    for text in texts:
        if text.value not in metrics:
            guess = did_you_mean(text.value, metrics)
            said = f'{name}: unknown metric "{text.value}"{guess} (nephoscope metrics --catalog lists them)'
            findings.problem(text.place, said)
    return tuple(dict.fromkeys(text.value for text in texts if text.value in metrics))
