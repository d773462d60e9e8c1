"""Metric math, as far as our dashboards and their tests use it: SEARCH, Metrics Insights, SUM and its sisters over
METRICS(), FILL, SORT, IF, arithmetic and comparison.

A value is a number, one course, or a list of courses. What two courses give together exists only at times that both
have; a function of a list joins what is there at each time. A name that stands here for nothing is an error, never an
empty course.
Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
"""

from __future__ import annotations

import operator
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from nephoscope.localcloud.aws.call import AwsError
from nephoscope.localcloud.aws.course import Course
from nephoscope.localcloud.aws.grammar import Binary, Invoke, Listing, Name, Node, Number, Text, parse_expression
from nephoscope.localcloud.aws.insights import run_insights
from nephoscope.localcloud.aws.scene import Scene
from nephoscope.localcloud.aws.search import run_search

Value = float | Course | list[Course]


def evaluate(scene: Scene, text: str, period: int = 0) -> list[Course]:
    """The courses that an expression gives; period is the query's own, 0 when it has none. Raises AwsError."""
    if text.lstrip().upper().startswith("SELECT"):
        return run_insights(scene, text, period)
    value = _value(scene, parse_expression(text))
    if isinstance(value, float):
        raise _error("a number is no time series; expressions must give one")
    return value if isinstance(value, list) else [value]


def _error(text: str) -> AwsError:
    return AwsError("ValidationError", f"Error in expression: {text}")


def _value(scene: Scene, node: Node) -> Value:
    match node:
        case Number(value):
            return value
        case Name(name):
            courses = scene.query(name)
            return courses[0] if len(courses) == 1 else courses
        case Binary(sign, left, right):
            return _combined(_OPERATORS[sign], _value(scene, left), _value(scene, right))
        case Listing(members):
            return [course for member in members for course in _courses(_value(scene, member))]
        case Invoke(function, arguments):
            return _invoked(scene, function, arguments)
        case Text():
            raise _error("a text stands where a value is needed")


def _courses(value: Value) -> list[Course]:
    if isinstance(value, float):
        raise _error("a number stands where time series are needed")
    return value if isinstance(value, list) else [value]


def _invoked(scene: Scene, function: str, arguments: Sequence[Node]) -> Value:
    if function == "SEARCH":
        return run_search(scene, *_search_arguments(arguments))
    if function == "METRICS":
        wanted = arguments[0].value if arguments and isinstance(arguments[0], Text) else ""
        return [course for name in scene.metric_ids() if wanted in name for course in scene.query(name)]
    if function == "FILL" and isinstance(arguments[1], Name):
        return [_filled(scene, course, arguments[1].name) for course in _courses(_value(scene, arguments[0]))]
    if function == "SORT":
        words = [node.name for node in arguments[1:3] if isinstance(node, Name)]
        return _sorted(_courses(_value(scene, arguments[0])), words, arguments[3:])
    if function not in _FUNCTIONS:
        raise _error(f"function {function} is not known here")
    return _FUNCTIONS[function](scene, [_value(scene, argument) for argument in arguments])


def _search_arguments(arguments: Sequence[Node]) -> tuple[str, str, int]:
    match arguments:
        case [Text(what), Text(statistic)]:
            return what, statistic, 0
        case [Text(what), Text(statistic), Number(period)]:
            return what, statistic, int(period)
    raise _error("SEARCH takes a search text, a statistic and a period")


# --- operators ---------------------------------------------------------------------------------------------------


def _quotient(left: float, right: float) -> float | None:
    return left / right if right else None


_Operation = Callable[[float, float], float | None]
_OPERATORS: Mapping[str, _Operation] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _quotient,
    "^": operator.pow,
    "<": lambda left, right: float(left < right),
    ">": lambda left, right: float(left > right),
    "<=": lambda left, right: float(left <= right),
    ">=": lambda left, right: float(left >= right),
    "==": lambda left, right: float(left == right),
    "!=": lambda left, right: float(left != right),
    "AND": lambda left, right: float(bool(left) and bool(right)),
    "OR": lambda left, right: float(bool(left) or bool(right)),
}


def _combined(operation: _Operation, left: Value, right: Value) -> Value:
    if isinstance(left, list):
        if isinstance(right, list):
            raise _error("two lists of time series have no common order")
        return [_pair(operation, course, right) for course in left]
    if isinstance(right, list):
        return [_pair(operation, left, course) for course in right]
    if isinstance(left, float) and isinstance(right, float):
        result = operation(left, right)
        if result is None:
            raise _error("division by zero")
        return result
    return _pair(operation, left, right)


def _pair(operation: _Operation, left: float | Course, right: float | Course) -> Course:
    course = left if isinstance(left, Course) else right
    if not isinstance(course, Course):
        raise _error("two numbers are no time series")
    points: dict[int, float] = {}
    for at in course.points:
        one, other = _at(left, at), _at(right, at)
        result = None if one is None or other is None else operation(one, other)
        if result is not None:
            points[at] = result
    return replace(course, points=points)


def _at(value: float | Course, at: int) -> float | None:
    return value if isinstance(value, float) else value.points.get(at)


# --- functions ---------------------------------------------------------------------------------------------------


def _joining(join: Callable[[Sequence[float]], float]) -> Callable[[Scene, Sequence[Value]], Value]:
    """Of a list: a course, joined time by time. Of one course: a number, joined over its points."""

    def joined(_scene: Scene, arguments: Sequence[Value]) -> Value:
        (value,) = arguments
        if isinstance(value, Course):
            return float(join(list(value.points.values()))) if value.points else 0.0
        courses = _courses(value)
        gathered: dict[int, list[float]] = {}
        for course in courses:
            for at, number in course.points.items():
                gathered.setdefault(at, []).append(number)
        period = max((course.period for course in courses), default=60)
        return Course("", period, {at: float(join(numbers)) for at, numbers in gathered.items()})

    return joined


def _each(change: Callable[[float], float]) -> Callable[[Scene, Sequence[Value]], Value]:
    def changed(_scene: Scene, arguments: Sequence[Value]) -> Value:
        (value,) = arguments
        if isinstance(value, float):
            return float(change(value))
        courses = [
            replace(course, points={at: float(change(number)) for at, number in course.points.items()})
            for course in _courses(value)
        ]
        return courses if isinstance(value, list) else courses[0]

    return changed


def _fill(scene: Scene, arguments: Sequence[Value]) -> Value:
    value, filling = arguments
    courses = []
    for course in _courses(value):
        other = [_at(filling, at) for at in _grid(scene, course)] if not isinstance(filling, list) else []
        put = {at: number for at, number in zip(_grid(scene, course), other, strict=True) if number is not None}
        courses.append(replace(course, points=put | course.points))
    return courses if isinstance(value, list) else courses[0]


def _filled(scene: Scene, course: Course, how: str) -> Course:
    points = dict(course.points)
    if how == "REPEAT":
        last: float | None = None
        for at in _grid(scene, course):
            last = points.get(at, last)
            if last is not None:
                points[at] = last
        return replace(course, points=points)
    if how == "LINEAR":
        known = sorted(course.points)
        for left, right in pairwise(known):
            for at in range(left + course.period, right, course.period):
                share = (at - left) / (right - left)
                points[at] = course.points[left] * (1 - share) + course.points[right] * share
        return replace(course, points=points)
    raise _error(f"FILL with {how}")


def _grid(scene: Scene, course: Course) -> range:
    start = scene.window.start - scene.window.start % course.period
    return range(start, scene.window.end, course.period)


def _if(_scene: Scene, arguments: Sequence[Value]) -> Value:
    condition, then, otherwise = (*arguments, None)[:3]
    if not isinstance(condition, Course) or isinstance(then, list) or isinstance(otherwise, list):
        raise _error("IF takes a time series, and numbers or time series")
    points: dict[int, float] = {}
    for at, truth in condition.points.items():
        chosen = then if truth else otherwise
        result = None if chosen is None else _at(chosen, at)
        if result is not None:
            points[at] = result
    return replace(condition, points=points)


def _remove_empty(_scene: Scene, arguments: Sequence[Value]) -> Value:
    return [course for course in _courses(arguments[0]) if course.points]


def _time_series(scene: Scene, arguments: Sequence[Value]) -> Value:
    (value,) = arguments
    if not isinstance(value, float):
        raise _error("TIME_SERIES takes a number")
    course = Course("", 60, {})
    return replace(course, points=dict.fromkeys(_grid(scene, course), value))


def _sorted(courses: Sequence[Course], words: Sequence[str], rest: Sequence[Node]) -> list[Course]:
    """SORT(courses, SUM|AVG|MIN|MAX, ASC|DESC, how many)."""
    by = _ORDERS.get(words[0] if words else "")
    if by is None or words[1:] not in (["ASC"], ["DESC"]):
        raise _error("SORT takes time series, AVG, MIN, MAX or SUM, ASC or DESC, and how many")
    ordered = sorted(courses, key=lambda course: by(list(course.points.values()) or [0.0]), reverse=words[1] == "DESC")
    return ordered[: int(rest[0].value)] if rest and isinstance(rest[0], Number) else ordered


_ORDERS: Mapping[str, Callable[[Sequence[float]], float]] = {
    "SUM": sum,
    "AVG": statistics.fmean,
    "MIN": min,
    "MAX": max,
}
_FUNCTIONS: Mapping[str, Callable[[Scene, Sequence[Value]], Value]] = {
    "SUM": _joining(sum),
    "AVG": _joining(statistics.fmean),
    "MIN": _joining(min),
    "MAX": _joining(max),
    "METRIC_COUNT": lambda _scene, arguments: float(len(_courses(arguments[0]))),
    "ABS": _each(abs),
    "CEIL": _each(lambda number: -(-number // 1)),
    "FLOOR": _each(lambda number: number // 1),
    "FILL": _fill,
    "IF": _if,
    "REMOVE_EMPTY": _remove_empty,
    "TIME_SERIES": _time_series,
}
