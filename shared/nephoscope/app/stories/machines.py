"""The machines of a story: what they are, what is seen of them, and their series."""

from __future__ import annotations

from collections.abc import Iterator

from nephoscope.app.authoring.document import Items, Keys, Node, Text
from nephoscope.app.authoring.findings import Findings, did_you_mean
from nephoscope.app.authoring.quantities import UnclearError, parse_duration
from nephoscope.app.authoring.reading import describe, flag_of, keys_of, read_section, text_of
from nephoscope.app.stories.notation import parse_course
from nephoscope.app.stories.shape import SERIES
from nephoscope.app.stories.story import Course, Machine, Words
from nephoscope.app.stories.words import minute_of
from nephoscope.catalog.loader import Catalog
from nephoscope.model.config import Config
from nephoscope.model.metric import Metric, Source
from nephoscope.model.observation import OBSERVATIONS, ONLY_ON
from nephoscope.model.resource import Kind, State
from nephoscope.model.scope import Cloud, Scope
from nephoscope.model.time import MINUTE
from nephoscope.pipeline.wording import render_duration

ABSENT = "absent"
"""The machine is not there: not launched yet, or no longer listed."""

_REGIONS = {Cloud.AWS: "eu-west-1", Cloud.GCP: "europe-west1", Cloud.AZURE: "westeurope"}
_ACCOUNTS = {
    Cloud.AWS: "111111111111",
    Cloud.GCP: "story-project",
    Cloud.AZURE: "00000000-0000-0000-0000-000000000000",
}


def read_machine(name: str, keys: Keys, start: int, config: Config, catalog: Catalog, findings: Findings) -> Machine:
    """One machine; what cannot be understood of it is noted and left out."""
    return _Reader(name, keys, start, config, catalog, findings).machine()


class _Reader:
    def __init__(self, name: str, keys: Keys, start: int, config: Config, catalog: Catalog, findings: Findings) -> None:
        self._name = name
        self._keys = keys
        self._start = start
        self._config = config
        self._catalog = catalog
        self._findings = findings
        self._cloud = Cloud(self._value("cloud", Cloud.AWS))
        self._kind = Kind(self._value("on", Kind.INSTANCE))
        self._detailed = flag_of(keys, "detailed")

    def machine(self) -> Machine:
        cloud = self._cloud
        if self._kind not in self._config.gather.kinds.get(cloud, ()):
            said = f"{self._name}: the configuration gathers no {self._kind} on {cloud}"
            self._findings.problem((self._keys.key("cloud") or self._keys).place, said)
        launched = text_of(self._keys, "launched")
        minute = minute_of(launched, "launched", self._findings, negative=True) if launched else None
        return Machine(
            name=self._name,
            scope=Scope(cloud, self._value("account", _ACCOUNTS[cloud]), self._value("region", _REGIONS[cloud])),
            kind=self._kind,
            type=self._value("type", ""),
            tags=self._texts("tags"),
            detailed=self._detailed,
            launched_at=None if minute is None else self._start + MINUTE * minute,
            seen=self._seen(),
            courses=tuple(self._courses()),
        )

    def _value(self, key: str, default: str) -> str:
        text = text_of(self._keys, key)
        return text.value if text else default

    def _texts(self, key: str, keys: Keys | None = None) -> dict[str, str]:
        found = keys_of(keys or self._keys, key)
        entries = found.entries if found else ()
        return {name.value: node.value for name, node in entries if isinstance(node, Text)}

    # --- what is seen ---------------------------------------------------------------------------------------------

    def _seen(self) -> dict[str, Words]:
        known = OBSERVATIONS[self._kind]
        seen: dict[str, Words] = {}
        if self._kind is Kind.INSTANCE:
            state = self._keys.get("state")
            words = (*map(str, State), ABSENT)
            seen["state"] = self._words(state, "state", words) if state else {0: State.RUNNING.value}
        node = self._keys.get("seen")
        if node is not None and not isinstance(node, Keys):
            said = f"seen: expected attributes, each with a word or minute: word, found {describe(node)}"
            self._findings.problem(node.place, said)
        for name, value in node.entries if isinstance(node, Keys) else ():
            if name.value not in known or name.value == "state":
                guess = did_you_mean(name.value, [each for each in known if each != "state"])
                self._findings.problem(name.place, f'seen: unknown attribute "{name.value}"{guess}')
            elif self._cloud not in ONLY_ON.get(name.value, tuple(Cloud)):
                self._findings.problem(name.place, f"seen: {name.value} is not known on {self._cloud}")
            else:
                seen[name.value] = self._words(value, name.value, known[name.value])
        return seen

    def _words(self, node: Node, key: str, known: tuple[str, ...]) -> Words:
        """One word from minute 0, or a word at each minute named."""
        if isinstance(node, Text):
            return {0: self._word(node, key, known)}
        if not isinstance(node, Keys):
            said = f"{key}: expected a word, or minute: word, found {describe(node)}"
            self._findings.problem(node.place, said)
            return {}
        words: dict[int, str] = {}
        for minute, value in node.entries:
            at = minute_of(minute, key, self._findings)
            if not isinstance(value, Text):
                self._findings.problem(value.place, f"{key}: expected a word, found {describe(value)}")
            elif at is not None:
                words[at] = self._word(value, key, known)
        return words

    def _word(self, text: Text, key: str, known: tuple[str, ...]) -> str:
        if text.value not in known:
            guess = did_you_mean(text.value, known) or f"; it is one of {', '.join(known)}"
            self._findings.problem(text.place, f'{key} is never "{text.value}"{guess}')
        return text.value

    # --- what is measured -----------------------------------------------------------------------------------------

    def _courses(self) -> Iterator[Course]:
        node = self._keys.get("series")
        if node is not None and not isinstance(node, Keys):
            self._findings.problem(node.place, f"series: expected metric: values, found {describe(node)}")
        for name, value in node.entries if isinstance(node, Keys) else ():
            metric = self._metric(name)
            if metric is None:
                continue
            for each in value.nodes if isinstance(value, Items) else (value,):
                course = self._course(metric, each)
                if course is not None:
                    yield course

    def _metric(self, name: Text) -> Metric | None:
        metric = self._catalog.metrics.get(name.value)
        if metric is None or metric.on is not self._kind:
            known = [each.name for each in self._catalog.metrics_on(self._kind)]
            said = f'series: unknown metric "{name.value}" for {self._kind}{did_you_mean(name.value, known)}'
            self._findings.problem(name.place, f"{said} (nephoscope metrics --catalog lists them)")
            return None
        if self._cloud not in metric.sources:
            said = f"series: {metric.name} is not measured on {self._cloud}"
            self._findings.problem(name.place, said)
            return None
        return metric

    def _course(self, metric: Metric, node: Node) -> Course | None:
        keys = None
        if not isinstance(node, Text):
            keys = read_section(node, SERIES, self._findings)
            if keys is None:
                return None
        text = text_of(keys, "values") if keys else node
        if not isinstance(text, Text):
            return None
        source = metric.sources[self._cloud]
        unit = text_of(keys, "unit")
        try:
            values = parse_course(text.value, metric.unit, unit.value if unit else "")
        except UnclearError as unclear:
            self._findings.problem(text.place, f"{metric.name}: {unclear}")
            return None
        period = source.period_of(fine=self._detailed)
        apart = self._apart(metric, source, text, keys)
        begins = text_of(keys, "from")
        minute = (minute_of(begins, "from", self._findings, negative=True) if begins else 0) or 0
        start = self._start + MINUTE * minute
        if apart and start % period:
            said = f"{metric.name}: its periods begin at whole {render_duration(period)}; write begins or from so"
            self._findings.problem(text.place, said)
        samples = tuple(value for value in values for _ in range(max(1, apart // period)))
        attributes = tuple(sorted(self._texts("attributes", keys).items())) if keys else ()
        return Course(metric.name, period, start, samples, attributes)

    def _apart(self, metric: Metric, source: Source, text: Text, keys: Keys | None) -> int:
        """Seconds between two values; 0 where that is wrong, which is noted."""
        every = text_of(keys, "every")
        period = source.period_of(fine=self._detailed)
        try:
            apart = parse_duration(every.value.removeprefix("every ")) if every else MINUTE
        except UnclearError as unclear:
            self._findings.problem((every or text).place, f"every: {unclear}")
            return 0
        if apart and apart % period == 0:
            return apart
        fine = source.fine_period
        more = ", or `detailed: true` for the machine" if fine and apart % fine == 0 and not self._detailed else ""
        each = render_duration(period)
        said = f"{metric.name} has one point in {each} here; write {{every: {each}, values: ...}}{more}"
        self._findings.problem((every or text).place, said)
        return 0
