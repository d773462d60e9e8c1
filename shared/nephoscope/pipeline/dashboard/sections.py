"""The board's sections as widgets, in its order: is all well, what is where, which machines fare worst, how it came to
this, and does the watcher itself work. CloudWatch has more than the board asks: an answer in words, and alarms."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from nephoscope.model.scope import Cloud
from nephoscope.pipeline.board import Figure, Listing, Measure, Panel, Section
from nephoscope.pipeline.board.bounds import CLOUD_NAMES, title_of
from nephoscope.pipeline.board.metric_panels import metrics_shown
from nephoscope.pipeline.dashboard.alarms import alarm_states
from nephoscope.pipeline.dashboard.audience import Audience
from nephoscope.pipeline.dashboard.figures import figure_panel
from nephoscope.pipeline.dashboard.measures import measure_panel
from nephoscope.pipeline.dashboard.tables import states_height, worst_height
from nephoscope.pipeline.dashboard.variables import ANY_ACCOUNT, ANY_REGION
from nephoscope.pipeline.dashboard.widgets import Widget, custom, heading, text

_CHOOSABLE = {"worst", "states"}
"""Pages of the custom widget that follow what was chosen; the answers at the top are of everything."""

_HALF, _ROW = (8, 3), (24, 3)
"""Beside the open alerts two stand one below the other; without that table, over the whole width."""


def all_sections(audience: Audience) -> Iterator[Widget]:
    """Every widget, in reading order. Where nothing was seen yet, a page that says so."""
    board = audience.board
    yield text(f"# {board.title}\n{board.introduction}", height=2)
    if not audience.scopes:
        yield from _nothing_yet(audience)
        return
    for section in board.sections:
        for widget in _SECTIONS.get(section.name, _plain)(audience, section):
            yield replace(widget, topic=section.title)


# --- sections ----------------------------------------------------------------------------------------------------


def _nothing_yet(audience: Audience) -> Iterator[Widget]:
    """Before the first run; what watches nephoscope is there already."""
    yield text(
        "**Nothing has been read yet.** The first run that finds something writes this dashboard anew.", height=1
    )
    if audience.alarms:
        yield alarm_states(audience.alarms, _ROW)


def _now(audience: Audience, section: Section) -> Iterator[Widget]:
    """No heading: it is the first screen, and every row counts."""
    if audience.widget:
        yield custom("", audience.widget, {"fleet": audience.config.fleet, "page": "answer"}, (24, 2))
    for panel in section.panels:
        yield from _panel(audience, panel)
    if audience.alarms:
        yield (
            alarm_states(audience.alarms, _HALF, under=True) if audience.widget else alarm_states(audience.alarms, _ROW)
        )
    if audience.hidden:
        yield text(_hidden(audience), height=2)


def _places(audience: Audience, section: Section) -> Iterator[Widget]:
    yield heading(section.title, _sentences(_choosing(audience), section.below))
    for panel in section.panels:
        yield from _panel(audience, panel)


def _by_metric(audience: Audience, section: Section) -> Iterator[Widget]:
    """A title for each metric above its graphs, if there are any."""
    widgets: list[Widget] = []
    shown = ""
    for panel in section.panels:
        title = _metric_title(audience, panel)
        drawn = [replace(widget, about=title) for widget in _panel(audience, panel)]
        if drawn and title and title != shown:
            widgets.append(replace(heading(title, panel.note, level=3), about=title))
            shown = title
        widgets += drawn
    if widgets:
        yield heading(section.title, section.below or (_elsewhere(audience) if section.name == "worst" else ""))
        yield from widgets


def _plain(audience: Audience, section: Section) -> Iterator[Widget]:
    yield heading(section.title, section.below)
    for panel in section.panels:
        yield from _panel(audience, panel)


_SECTIONS: Mapping[str, Callable[[Audience, Section], Iterator[Widget]]] = {
    "now": _now,
    "places": _places,
    "worst": _by_metric,
    "history": _by_metric,
}


# --- panels ------------------------------------------------------------------------------------------------------


def _panel(audience: Audience, panel: Panel) -> Iterator[Widget]:
    first = panel.asks[0]
    match first:
        case Listing():
            yield from _listing(audience, panel, first.page)
        case Measure():
            yield from measure_panel(audience, panel, first)
        case Figure():
            yield from figure_panel(audience, panel, [one for one in panel.asks if isinstance(one, Figure)])


def _listing(audience: Audience, panel: Panel, page: str) -> Iterator[Widget]:
    """A table of the custom widget; nothing where there is no function to ask."""
    if not audience.widget:
        return
    params: dict[str, object] = {"fleet": audience.config.fleet, "page": page}
    if page in _CHOOSABLE:
        chosen = {"account": ANY_ACCOUNT, "region": ANY_REGION}
        offered = {one.pattern for one in audience.variables}
        params |= {name: pattern for name, pattern in chosen.items() if pattern in offered}
    yield custom(panel.title, audience.widget, params, _size(audience, page))


def _size(audience: Audience, page: str) -> tuple[int, int]:
    match page:
        case "alerts":
            return 16, 6
        case "gaps":
            return _HALF if audience.alarms else (8, 6)
        case "worst":
            return 24, worst_height(len(metrics_shown(audience.config, audience.catalog)))
    return 24, states_height(len(audience.scopes), len(audience.clouds))


# --- words -------------------------------------------------------------------------------------------------------


def _choosing(audience: Audience) -> str:
    """What the variables act upon, for a person who has just chosen something."""
    if not audience.variables:
        return ""
    names = " and ".join(one.label for one in audience.variables)
    return (
        f"{names}, above, narrow the counts, distributions and tables from here on; AWS's own graphs name their region."
    )


def _elsewhere(audience: Audience) -> str:
    """Why a cloud has no graphs of its own machines here."""
    others = [CLOUD_NAMES[cloud] for cloud in audience.clouds if cloud is not Cloud.AWS]
    if not others:
        return ""
    return f"The graphs come from AWS itself. Machines of {' and '.join(others)} stand in the table, with links."


def _hidden(audience: Audience) -> str:
    listed = ", ".join(sorted(audience.hidden))
    word = "account" if len(audience.hidden) == 1 else "accounts"
    return (
        f"**Not shown machine by machine: {word} {listed}.** CloudWatch shows another "
        "account's own metrics only where that account is linked to this one (cross-account observability, OAM); "
        "nephoscope's template for member accounts makes the link. Their counts, distributions and alerts are complete."
    )


def _metric_title(audience: Audience, panel: Panel) -> str:
    first = panel.asks[0]
    if isinstance(first, Measure):
        return title_of(first.metric)
    metric = audience.catalog.metrics.get(first.name) if isinstance(first, Figure) else None
    return title_of(metric) if metric else ""


def _sentences(*sentences: str) -> str:
    return " ".join(filter(None, sentences))
