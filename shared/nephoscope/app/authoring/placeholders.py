"""The check of a rule's own sentence: every placeholder in it is one that there is."""

from __future__ import annotations

from nephoscope.app.authoring.document import Keys
from nephoscope.app.authoring.findings import Findings, listed, nearest
from nephoscope.app.authoring.reading import text_of
from nephoscope.pipeline.placeholders import NAMES, TAG, blanks_in, is_known

KNOWN = (*(f"{{{name}}}" for name in NAMES), f"{{{TAG}NAME}}")


def read_summary(keys: Keys, findings: Findings) -> str:
    """The sentence as it is written; each mistake in it is told once."""
    text = text_of(keys, "summary")
    if text is None:
        return ""
    for problem in dict.fromkeys(map(_problem, (blank.name for blank in blanks_in(text.value)))):
        if problem:
            findings.problem(text.place, f"summary: {problem}")
    return text.value


def _problem(name: str | None) -> str:
    if name is None:
        return "a brace that belongs to no pair; for the sign itself write {{ or }}"
    if is_known(name):
        return ""
    meant = nearest(name.partition(":")[0].strip(), [*NAMES, TAG.rstrip(":")])
    if meant:
        meant = f"{TAG}NAME" if f"{meant}:" == TAG else meant
        return f"unknown placeholder {{{name}}}; did you mean {{{meant}}}?"
    return f"unknown placeholder {{{name}}}; known are {listed(KNOWN)}"
