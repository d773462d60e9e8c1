"""What a story expects: `nothing`, or all that happens, in order."""

from __future__ import annotations

from collections.abc import Sequence

from nephoscope.app.authoring.document import Items, Keys, Node, Text
from nephoscope.app.authoring.findings import Findings, did_you_mean, listed
from nephoscope.app.authoring.reading import describe, read_section, text_of, texts_of
from nephoscope.app.stories.shape import EXPECTATION
from nephoscope.app.stories.story import Expectation
from nephoscope.app.stories.words import minute_of
from nephoscope.model.alert import TransitionKind
from nephoscope.model.config import Config

NOTHING = "nothing"
KINDS = tuple(kind.value for kind in TransitionKind)


def read_expected(
    node: Node | None, config: Config, machines: Sequence[str], findings: Findings
) -> tuple[Expectation, ...]:
    """In the order of the file; empty for `nothing`."""
    if node is None or (isinstance(node, Text) and node.value == NOTHING):
        return ()
    if not isinstance(node, Items):
        findings.problem(node.place, f"expect: expected a list, or {NOTHING}, found {describe(node)}")
        return ()
    if not node.nodes:
        findings.problem(node.place, f"expect: an empty list; write {NOTHING}")
    found = (_expectation(each, config, machines, findings) for each in node.nodes)
    return tuple(each for each in found if each)


def _expectation(node: Node, config: Config, machines: Sequence[str], findings: Findings) -> Expectation | None:
    keys = read_section(node, EXPECTATION, findings)
    if keys is None:
        return None
    kinds = [kind for kind in KINDS if keys.wrote(kind)]
    if len(kinds) != 1:
        found = f"found {listed(kinds)}" if kinds else "none is there"
        findings.problem(keys.place, f"expect: one of {listed(KINDS, 'or')} names the rule; {found}")
        return None
    rule = text_of(keys, kinds[0])
    if rule is None:
        return None
    _check_rule(rule, config, findings)
    at, told = (_minute(keys, name, findings) for name in ("at", "told"))
    if not keys.wrote("at") and not keys.wrote("told"):
        findings.problem(keys.place, "expect: when? `at` is a minute of data time, `told` that of the run that tells")
    return Expectation(
        place=keys.place,
        kind=TransitionKind(kinds[0]),
        rule=rule.value,
        on=_on(keys, rule.value, config, machines, findings),
        at=at,
        told=told,
        tell=_tell(keys, config, findings),
        why=_value(keys, "why"),
    )


def _check_rule(rule: Text, config: Config, findings: Findings) -> None:
    known = [each.name for each in config.rules]
    if rule.value not in known:
        findings.problem(rule.place, f'expect: no rule is called "{rule.value}"{did_you_mean(rule.value, known)}')


def _on(keys: Keys, rule: str, config: Config, machines: Sequence[str], findings: Findings) -> str:
    """A machine's name; what a rule over a group or a scope is on has another."""
    text = text_of(keys, "on")
    if text is None:
        return ""
    found = next((each for each in config.rules if each.name == rule), None)
    single = found is not None and found.on in ("instance", "bucket") and getattr(found, "by", None) in (None, ())
    if single and text.value not in machines:
        said = f'expect: no machine is called "{text.value}"{did_you_mean(text.value, machines)}'
        findings.problem(text.place, said)
    return text.value


def _minute(keys: Keys, key: str, findings: Findings) -> int | None:
    text = text_of(keys, key)
    return minute_of(text, key, findings) if text else None


def _tell(keys: Keys, config: Config, findings: Findings) -> tuple[str, ...] | None:
    texts = texts_of(keys, "tell")
    for text in texts or ():
        if text.value not in config.channels:
            said = f'expect: unknown channel "{text.value}"{did_you_mean(text.value, config.channels)}'
            findings.problem(text.place, said)
    return None if texts is None else tuple(text.value for text in texts)


def _value(keys: Keys, key: str) -> str:
    text = text_of(keys, key)
    return text.value if text else ""
