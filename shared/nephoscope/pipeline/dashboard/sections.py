"""What the dashboard shows, section by section, in the order in which a person asks: is all well, how many machines
are there, how do they fare and which fare worst, and does the watcher itself work."""

from __future__ import annotations

from collections.abc import Iterator

from nephoscope.model.resource import StateGroup
from nephoscope.model.scope import Cloud
from nephoscope.pipeline.dashboard.audience import SCOPE_LABEL, Audience, Group
from nephoscope.pipeline.dashboard.expressions import total
from nephoscope.pipeline.dashboard.widgets import Axis, Widget, custom, graph, heading, number, text

STATE_COLORS = {
    StateGroup.RUNNING: "#2ca02c",
    StateGroup.STOPPED: "#7f7f7f",
    StateGroup.CHANGING: "#ff7f0e",
    StateGroup.GONE: "#d62728",
}
CLOUD_NAMES = {Cloud.AWS: "AWS", Cloud.GCP: "Google Cloud", Cloud.AZURE: "Azure"}


def overview(audience: Audience, widget_arn: str) -> Iterator[Widget]:
    """Coverage, what is firing, what cannot be shown here."""
    yield text(_introduction(audience), height=2)
    if not audience.scopes:
        return
    region, every = audience.config.publish.region, audience.config.gather.every
    coverage = [_own(audience, "coverage", cloud) for cloud in audience.clouds]
    count = len(audience.clouds)
    yield number("Resources with fresh data (%)", coverage, region, series=count, period=every, size=(6, 4))
    yield number(
        "Alerts firing", _totals(audience, "alerts_firing"), region, series=count * 2, period=every, size=(6, 4)
    )
    yield from _totals_by_state(audience)
    if widget_arn:
        params = {"fleet": audience.config.fleet}
        yield custom("Firing alerts", widget_arn, params | {"page": "alerts"}, (16, 6))
        yield custom("Where we are blind", widget_arn, params | {"page": "gaps"}, (8, 6))
        yield custom("Worst machines", widget_arn, params | {"page": "worst"}, (24, 8))
    if audience.hidden:
        yield text(_hidden(audience), height=3)


def instances(audience: Audience, widget_arn: str) -> Iterator[Widget]:
    """How many machines there are, by state, cloud, account and region."""
    yield heading("Machines", _filtered(audience))
    for group in audience.groups:
        yield _by_state(audience, group)
        yield _running_by_scope(audience, group)
    if widget_arn:
        params = {"fleet": audience.config.fleet, "page": "states"}
        height = min(10, 4 + len(audience.scopes) // 2)  # half a grid unit a row, and its title and date
        yield custom("Machines by region and state", widget_arn, params, (24, height))


def watcher(audience: Audience) -> Iterator[Widget]:
    """Whether nephoscope itself works, and what it costs to run."""
    yield heading("nephoscope itself", "A heartbeat that stops, or coverage below 100 %, means that we may not see.")
    for title, name, statistic, unit in (
        ("Coverage over time (%)", "coverage", "Average", "%"),
        ("Heartbeats: scopes that ran", "heartbeat", "Sum", ""),
        ("Data behind the clock", "lag", "Maximum", "s"),
        ("Length of a run", "run_seconds", "Maximum", "s"),
        ("Scopes that could not be run", "scopes_failed", "Maximum", ""),
        ("API calls", "api_calls", "Sum", "calls"),
        ("Metrics that AWS charges for reading", "billable_units", "Sum", "metrics"),
        ("Notifications owed", "owed", "Maximum", ""),
        ("Oldest notification owed", "oldest_owed", "Maximum", "s"),
    ):
        metrics = [_own(audience, name, cloud) for cloud in audience.clouds]
        axis = Axis(unit, 0, 100) if unit == "%" else Axis(unit)
        yield graph(
            title,
            metrics,
            audience.config.publish.region,
            series=len(metrics),
            period=max(300, audience.config.gather.every),
            size=(6, 5),
            statistic=statistic,
            axis=axis,
        )


# --- overview and machines ---------------------------------------------------------------------------------------


def _introduction(audience: Audience) -> str:
    accounts = {(scope.cloud, scope.account) for scope in audience.scopes}
    regions = {(scope.cloud, scope.region) for scope in audience.scopes}
    where = ", ".join(CLOUD_NAMES[cloud] for cloud in audience.clouds) or "no cloud yet"
    return (
        f"# {audience.config.fleet}\n"
        f"Watched by nephoscope in {where}: {_many(len(accounts), 'account')}, {_many(len(regions), 'region')}, "
        f"{_many(len(audience.config.rules), 'rule')}."
    )


def _filtered(audience: Audience) -> str:
    """Our numbers follow the configuration's tags; AWS's own series know nothing of them."""
    gather = audience.config.gather.aws
    if gather is None or not (gather.where.tags or gather.where.except_tags):
        return ""
    return (
        "Counts, distributions and alerts are of the machines that the configuration's tags select; "
        "graphs of the highest or lowest machines come from AWS itself and show any of the region."
    )


def _hidden(audience: Audience) -> str:
    listed = ", ".join(sorted(audience.hidden))
    return (
        f"**Not shown machine by machine: {_accounts(len(audience.hidden))} {listed}.** CloudWatch shows another "
        "account's own metrics only where that account is linked to this one (cross-account observability, OAM); "
        "nephoscope's template for member accounts makes the link. Their counts, distributions and alerts are complete."
    )


def _own(audience: Audience, name: str, cloud: Cloud, **options: object) -> list[object]:
    """A metric of nephoscope about itself, as CloudWatch's metrics array writes it."""
    own: dict[str, object] = {"label": CLOUD_NAMES[cloud], **options}
    dimensions = ["cloud_provider", str(cloud), "fleet", audience.config.fleet]
    return [audience.config.publish.namespace, f"nephoscope.{name}", *dimensions, own]


def _totals(audience: Audience, name: str) -> list[list[object]]:
    """The sum over all scopes of a number that each gives once a run: their average times the scopes, which is true
    for whatever period CloudWatch chooses to draw. A Sum would grow with the period."""
    metrics: list[list[object]] = []
    for cloud in audience.clouds:
        own_id = f"{name}_{cloud}"
        scopes = sum(scope.cloud is cloud for scope in audience.scopes)
        metrics.append(_own(audience, name, cloud, id=own_id, stat="Average", visible=False))
        expression = f"{own_id}*{scopes}"
        metrics.append([{"expression": expression, "id": f"{own_id}_total", "label": CLOUD_NAMES[cloud]}])
    return metrics


def _totals_by_state(audience: Audience) -> Iterator[Widget]:
    for group in audience.groups:
        yield number(
            f"Machines{group.suffix}",
            _state_totals(audience, group),
            audience.config.publish.region,
            series=len(group.scopes) * len(StateGroup),
            period=audience.config.gather.every,
            size=(12, 4),
        )


def _by_state(audience: Audience, group: Group) -> Widget:
    return graph(
        f"Machines by state{group.suffix}",
        _state_totals(audience, group),
        audience.config.publish.region,
        series=len(group.scopes) * len(StateGroup),
        period=audience.config.gather.every,
        stacked=True,
        axis=Axis("machines"),
    )


def _state_totals(audience: Audience, group: Group) -> list[list[object]]:
    """Each scope's count once, however often it was written: Maximum, then the sum over scopes."""
    return [
        [
            {
                "expression": total(
                    audience.ours(f"instances.{state}", group, "Maximum", audience.config.gather.every)
                ),
                "id": str(state),
                "label": str(state),
                "color": STATE_COLORS[state],
            }
        ]
        for state in StateGroup
    ]


def _running_by_scope(audience: Audience, group: Group) -> Widget:
    expression = audience.ours("instances.running", group, "Maximum", audience.config.gather.every)
    return graph(
        f"Running machines by region{group.suffix}",
        [[{"expression": expression, "id": "running", "label": SCOPE_LABEL}]],
        audience.config.publish.region,
        series=len(group.scopes),
        period=audience.config.gather.every,
        stacked=True,
        axis=Axis("machines"),
        legend="right",
    )


def _many(number: int, thing: str) -> str:
    return f"{number} {thing}" + ("" if number == 1 else "s")


def _accounts(number: int) -> str:
    return "account" if number == 1 else "accounts"
