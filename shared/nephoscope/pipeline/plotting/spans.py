"""When alerts were open, out of their history; and out of a replay, when they would have been."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from nephoscope.model.alert import HistoryEntry, TransitionKind
from nephoscope.model.rule import Severity
from nephoscope.model.scope import Scope
from nephoscope.pipeline.firings import Firing


@dataclass(frozen=True, slots=True)
class Span:
    """One alert from its beginning to its end, cut to what is looked at (data time). silent: it is that data stopped,
    and nothing worse. is_open: it has not ended."""

    rule: str
    severity: Severity
    scope: Scope
    resource_id: str
    attributes: tuple[tuple[str, str], ...]
    begin: int
    end: int
    is_open: bool = False
    silent: bool = False


def spans_of(
    history: Sequence[HistoryEntry],
    severity: Severity,
    scope: Scope,
    attributes: tuple[tuple[str, str], ...],
    begin: int,
    end: int,
) -> tuple[Span, ...]:
    """Of one alert. history: in any order; where it begins with an end, the beginning lies further back."""
    ordered = sorted(history, key=lambda entry: (entry.at, entry.seq))
    found: list[Span] = []
    since: int | None = None
    silent = False

    def close(at: int, *, is_open: bool = False) -> None:
        first = ordered[0]
        low, high = max(begin, begin if since is None else since), min(end, at)
        if low < high:
            of = (first.rule, severity, scope, first.resource_id, attributes)
            found.append(Span(*of, low, high, is_open, silent))

    for entry in ordered:
        if entry.kind is TransitionKind.FIRED:
            if since is not None and silent:
                close(entry.at)
                since = None
            since, silent = (entry.at if since is None else since), False
        elif entry.kind is TransitionKind.WENT_SILENT:
            since, silent = (entry.at, True) if since is None else (since, silent)
        else:
            if since is not None or entry is ordered[0]:
                silent = silent or (since is None and entry.kind is TransitionKind.BACK)
                close(entry.at)
            since, silent = None, False
    if since is not None:
        close(end, is_open=True)
    return tuple(found)


def spans_of_replay(
    firings: Iterable[Firing], severities: dict[str, Severity], begin: int, end: int
) -> tuple[Span, ...]:
    """severities: by rule."""
    return tuple(
        Span(
            each.rule,
            severities[each.rule],
            each.scope,
            each.resource_id,
            each.attributes,
            max(begin, each.begin),
            end if each.end is None else min(end, each.end),
            is_open=each.end is None,
        )
        for each in firings
        if each.begin < end and (each.end is None or each.end > begin)
    )
