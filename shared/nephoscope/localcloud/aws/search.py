"""SEARCH: every metric of a schema that a text finds, at most 500.

`{AWS/EC2,InstanceId} MetricName="CPUUtilization" (prod OR staging)`: the braces name a namespace and exactly its
dimensions; a quoted value must be equal, any other word need only be part of a name or value, in any case.
Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/search-expression-syntax.html
"""

from __future__ import annotations

import re
from collections.abc import Callable

from nephoscope.localcloud.aws.call import AwsError
from nephoscope.localcloud.aws.course import Course
from nephoscope.localcloud.aws.scene import Scene
from nephoscope.localcloud.aws.streams import Stream, bucketed
from nephoscope.localcloud.aws.summary import check_statistic

FOUND = 500
_DEFAULT_PERIOD = 300
_TOKEN = re.compile(r'\s*(?:(?P<schema>\{[^}]*\})|(?P<quoted>"[^"]*")|(?P<sign>[()=])|(?P<word>[^\s()="{}]+))')
_TWO_WEEKS = 14 * 86_400
_Test = Callable[[Stream], bool]


def run_search(scene: Scene, text: str, statistic: str, period: int) -> list[Course]:
    """The courses that were found, by name. Each metric that was found is billed."""
    check_statistic(statistic)
    search = _Search(text)
    test = search.any_of()
    search.end()
    streams = scene.world.named(scene.account, scene.region, search.namespace, search.metric_name)
    found = [
        stream for stream in streams if test(stream) and stream.active(scene.window.now - _TWO_WEEKS, scene.window.now)
    ]
    found = sorted(found, key=lambda stream: stream.key)[:FOUND]
    scene.units += len(found)
    return [_course(scene, stream, statistic, period or _DEFAULT_PERIOD) for stream in found]


def _course(scene: Scene, stream: Stream, statistic: str, period: int) -> Course:
    points = {
        at: value
        for at, summary in bucketed(stream, period, scene.window).items()
        if (value := summary.statistic(statistic)) is not None
    }
    label = " ".join([*(value for _, value in stream.key.dimensions), stream.key.name])
    return Course(label, period, points, dict(stream.key.dimensions))


class _Search:
    """namespace, metric_name: what every hit must have, where the text says so outright; they shorten the way."""

    def __init__(self, text: str) -> None:
        self.namespace = ""
        self.metric_name = ""
        self._text = text
        self._tokens = [(found.lastgroup or "", found[found.lastgroup or 0]) for found in _TOKEN.finditer(text)]
        self._place = 0

    def any_of(self) -> _Test:
        """Terms joined by OR bind looser than those that only stand beside each other."""
        options = [self._all_of()]
        while self._take("word", "OR"):
            options.append(self._all_of())
        if len(options) == 1:
            return options[0]
        self.metric_name = ""
        return lambda stream: any(option(stream) for option in options)

    def end(self) -> None:
        if self._place < len(self._tokens):
            raise AwsError("ValidationError", f"Error in SEARCH {self._text!r}: unexpected {self._peek()[1]!r}")

    def _all_of(self) -> _Test:
        tests = []
        while self._peek()[0] and self._peek() not in (("sign", ")"), ("word", "OR")):
            if not self._take("word", "AND"):
                tests.append(self._term())
        return lambda stream: all(test(stream) for test in tests)

    def _term(self) -> _Test:
        if self._take("word", "NOT"):
            negated = self._term()
            return lambda stream: not negated(stream)
        if self._take("sign", "("):
            inner = self.any_of()
            self._take("sign", ")")
            return inner
        kind, word = self._next()
        if kind == "schema":
            return self._schema(word)
        if self._take("sign", "="):
            return self._equal(word.strip('"'))
        return _part(word)

    def _schema(self, word: str) -> _Test:
        names = [name.strip().strip('"') for name in word.strip("{}").split(",")]
        namespace, dimensions = names[0], frozenset(names[1:])
        self.namespace = namespace
        return lambda stream: stream.key.namespace == namespace and stream.key.schema == dimensions

    def _equal(self, name: str) -> _Test:
        if self._take("sign", "("):
            values = self._values()
            return lambda stream: any(_named(stream, name, value) for value in values)
        value = self._next()[1]
        if name == "MetricName" and value.startswith('"'):
            self.metric_name = value.strip('"')
        return lambda stream: _named(stream, name, value)

    def _values(self) -> list[str]:
        values = []
        while not self._take("sign", ")"):
            if not self._peek()[0]:
                raise AwsError("ValidationError", f"Error in SEARCH {self._text!r}: a bracket is not closed")
            if not self._take("word", "OR"):
                values.append(self._next()[1])
        return values

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._place] if self._place < len(self._tokens) else ("", "")

    def _next(self) -> tuple[str, str]:
        token = self._peek()
        self._place += 1
        return token

    def _take(self, kind: str, word: str) -> bool:
        if self._peek() == (kind, word):
            self._place += 1
            return True
        return False


def _named(stream: Stream, name: str, value: str) -> bool:
    facts = {"MetricName": stream.key.name, "Namespace": stream.key.namespace, **dict(stream.key.dimensions)}
    return name in facts and _fits(facts[name], value)


def _part(word: str) -> _Test:
    return lambda stream: any(
        _fits(fact, word) for fact in (stream.key.name, *(part for pair in stream.key.dimensions for part in pair))
    )


def _fits(fact: str, value: str) -> bool:
    return fact == value.strip('"') if value.startswith('"') else value.lower() in fact.lower()
