"""Each rule in a sentence, as it was understood, its defaults filled in. A short form never hides its meaning."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from nephoscope.app.authoring.aggregates import counts_what_is_seen
from nephoscope.app.authoring.findings import listed
from nephoscope.app.authoring.looking import clouds_looking, subject_of
from nephoscope.app.authoring.quantities import render_quantity
from nephoscope.app.authoring.telling import DAYS
from nephoscope.catalog.loader import Catalog
from nephoscope.model.config import Channel, Config, GatherAws, GatherAzure, GatherGcp, PublishElasticsearch
from nephoscope.model.metric import Metric, Unit
from nephoscope.model.quiet import Matcher, QuietWindow, Route
from nephoscope.model.resource import Kind
from nephoscope.model.rule import Aggregate, Condition, MissingData, Observation, Rule, Selector, Threshold, Window
from nephoscope.model.scope import Cloud
from nephoscope.model.time import DAY, HOUR, MINUTE, iso
from nephoscope.pipeline.board.bounds import CLOUD_NAMES
from nephoscope.pipeline.conditions import render_measured
from nephoscope.pipeline.partials import figure_period
from nephoscope.pipeline.wording import render_duration

_ORIGINS = {"user": "", "starter": " (starter rule, for none is written)", "built-in": " (built in)"}

_MISSING = {
    MissingData.IGNORE: "a missing point changes nothing",
    MissingData.MISSING: "without points it has no data",
    MissingData.BREACHING: "a missing point counts as bad",
    MissingData.NOT_BREACHING: "a missing point counts as good",
}


def explain(config: Config, catalog: Catalog) -> list[str]:
    """What is gathered and where it is shown, then a sentence a rule, then a sentence a channel; in their order."""
    return [
        _explain_gather(config),
        *(explain_rule(rule, catalog.metrics, _clouds_of(rule, config)) for rule in config.rules),
        *(_explain_channel(channel) for channel in config.channels.values()),
        *(_explain_route(route) for route in config.routes),
        *(_explain_quiet(window) for window in config.quiet),
    ]


def _clouds_of(rule: Rule, config: Config) -> list[Cloud]:
    """Where its kind of resource is gathered; a scope is on each."""
    return [cloud for cloud, kinds in config.gather.kinds.items() if rule.on in (*kinds, Kind.SCOPE)]


def explain_rule(rule: Rule, metrics: Mapping[str, Metric], clouds: Sequence[Cloud]) -> str:
    """`cpu-hot: every instance: fires when ...; clears when ...; ...; critical; told to oncall.`"""
    looking = clouds_looking(rule.when, clouds, metrics)
    periods = _periods(rule.when, metrics, looking)
    parts = [
        f"{rule.name}{_ORIGINS[rule.origin]}: {_whom(rule)}{_apart(rule, metrics, looking)}: "
        f"fires when {_holds(rule.when, rule.window, metrics, periods)}",
        f"clears when {_cleared(rule, metrics, periods)}",
        *([_missing(rule)] if rule.derived else []),
        *_blind(rule, [cloud for cloud in clouds if cloud not in looking]),
        str(rule.severity),
        _told(rule),
    ]
    return "; ".join(parts) + "."


def _whom(rule: Rule) -> str:
    """`every instance with tag env = prod`, `all instances, by cloud_region`."""
    if not isinstance(rule.when, Aggregate):
        return f"every {rule.on}{_selected(rule.where)}"
    groups = f", each group of one {listed(rule.by)}" if rule.by else " together"
    return f"all {rule.on}s{_selected(rule.where)}{groups}"


def render_condition(condition: Condition, metrics: Mapping[str, Metric]) -> str:
    """As a person would write it: `cpu.utilization > 90 %`, `state is not running`, `count(state is running) < 3`."""
    if isinstance(condition, Observation):
        return f"{condition.attribute} is {'not ' if condition.negated else ''}{listed(condition.words, 'or')}"
    if isinstance(condition, Aggregate):
        inner = render_condition(condition.counted, metrics) if condition.counted else condition.metric
        unit = metrics[condition.metric].unit if condition.metric else Unit.COUNT
        amount = render_quantity(condition.value, unit)
        return f"{condition.function}({inner}) {condition.comparison} {amount}"
    amount = render_quantity(condition.value, metrics[condition.metric].unit)
    return f"{render_measured(condition)} {condition.comparison} {amount}"


def _periods(condition: Condition, metrics: Mapping[str, Metric], clouds: Iterable[Cloud]) -> list[int]:
    """Every period that a series of the condition's metric may have, the finest first."""
    if isinstance(condition, Observation):
        return []
    if isinstance(condition, Aggregate):
        return [figure_period(metrics[condition.reads], clouds)] if condition.reads else []
    sources = [metrics[condition.metric].sources[cloud] for cloud in clouds]
    return sorted({source.period_of(fine=fine) for source in sources for fine in (True, False)})


def _blind(rule: Rule, clouds: Sequence[Cloud]) -> list[str]:
    """`does not look on Azure, where cpu.credit.balance is not known`."""
    where = listed((CLOUD_NAMES[cloud] for cloud in clouds), "or")
    return [f"does not look on {where}, where {subject_of(rule.when)} is not known"] if clouds else []


def _apart(rule: Rule, metrics: Mapping[str, Metric], clouds: Iterable[Cloud]) -> str:
    """`, each storage_class by itself`: a metric with attributes is several series of one resource."""
    if not isinstance(rule.when, Threshold):
        return ""
    sources = metrics[rule.when.metric].sources
    attributes = sorted({attribute for cloud in clouds for attribute in sources[cloud].attributes.values()})
    return f", each {listed(attributes)} by itself" if attributes else ""


def _holds(condition: Condition, window: Window, metrics: Mapping[str, Metric], periods: list[int]) -> str:
    said = render_condition(condition, metrics)
    if counts_what_is_seen(condition):
        return f"{said} for {render_duration(window.span)}" if window.span else f"{said} is seen once"
    return f"{said} at {listed((_points(window, period) for period in periods), 'or')}" if periods else said


def _points(window: Window, period: int) -> str:
    """`3 of 5 one-minute points`."""
    m, n = window.points(period)
    return f"{m} of {n} {_each(period)} point{'s' if n > 1 else ''}"


def _each(period: int) -> str:
    words = {MINUTE: "one-minute", 5 * MINUTE: "five-minute", HOUR: "hourly", DAY: "daily"}
    return words.get(period, f"{render_duration(period).replace(' ', '-')}")


def _cleared(rule: Rule, metrics: Mapping[str, Metric], periods: list[int]) -> str:
    return _cleared_at(rule, metrics, periods) + _kept_firing(rule)


def _kept_firing(rule: Rule) -> str:
    return f", and has not fired for {render_duration(rule.keep_firing)}" if rule.keep_firing else ""


def _cleared_at(rule: Rule, metrics: Mapping[str, Metric], periods: list[int]) -> str:
    if rule.clear is not None:
        return _holds(rule.clear, rule.clear_window, metrics, periods)
    if isinstance(rule.when, Observation):
        return render_condition(replace(rule.when, negated=not rule.when.negated), metrics)
    return "that no longer holds" + (" for as many points" if rule.derived else "")


def _missing(rule: Rule) -> str:
    sent = {True: ", which is told", False: ", which is shown and not told"}
    said = _MISSING[rule.missing]
    return said + sent[rule.tell_missing] if rule.missing is MissingData.MISSING else said


def _selected(selector: Selector) -> str:
    with_ = [_tag(key, values) for key, values in selector.tags.items()]
    without = [_tag(key, values) for key, values in selector.except_tags.items()]
    return (f" with {listed(with_)}" if with_ else "") + (f" except with {listed(without, 'or')}" if without else "")


def _tag(key: str, values: tuple[str, ...]) -> str:
    return f"any tag {key}" if "*" in values else f"tag {key} = {listed(values, 'or')}"


def _explain_gather(config: Config) -> str:
    """What is watched of each cloud, and where it is shown."""
    gather, publish = config.gather, config.publish
    watched = [
        *([_explain_aws(gather.aws)] if gather.aws else []),
        *([_explain_gcp(gather.gcp)] if gather.gcp else []),
        *([_explain_azure(gather.azure)] if gather.azure else []),
    ]
    history = config.history
    kept = f"; history in Elasticsearch under {history.index}, {_kept_for(history)}" if history else ""
    return (
        f"{config.fleet}: every {render_duration(gather.every)}, {'; '.join(watched)}; "
        f"dashboard {publish.dashboard} and metrics under {publish.namespace} in {publish.region}{kept}."
    )


def _kept_for(history: PublishElasticsearch) -> str:
    return f"for {render_duration(history.keep)}" if history.keep else "for good"


def _explain_aws(aws: GatherAws) -> str:
    accounts = listed(account.id or "the account that it runs in" for account in aws.accounts)
    regions = "every region opted into" if aws.regions == ("all",) else listed(aws.regions)
    return f"{_kinds(aws.resources, aws.where)} in {regions}, of {accounts}"


def _explain_gcp(gcp: GatherGcp) -> str:
    where = f"the projects below {gcp.parent}" if gcp.parent else _counted("project", gcp.projects)
    read = f", read from AWS as {gcp.from_aws.service_account}" if gcp.from_aws else ""
    return f"{_kinds(gcp.resources, gcp.where)} in every region of {where} in Google Cloud{read}"


def _explain_azure(azure: GatherAzure) -> str:
    where = (
        f"the subscriptions below management group {azure.management_group}"
        if azure.management_group
        else _counted("subscription", azure.subscriptions)
    )
    guests = f", with what guests tell {_counted('workspace', azure.workspaces)}" if azure.workspaces else ""
    read = f", read from AWS as client {azure.from_aws.client}" if azure.from_aws else ""
    return f"{_kinds(azure.resources, azure.where)} in every region of {where} in Azure{guests}{read}"


def _kinds(kinds: Iterable[Kind], where: Selector) -> str:
    return listed(f"{kind}s{_selected(where)}" for kind in kinds)


def _counted(word: str, names: Sequence[str]) -> str:
    """`project acme-web`, `projects acme-web and acme-data`."""
    return f"{word}{'' if len(names) == 1 else 's'} {listed(names)}"


def _explain_channel(channel: Channel) -> str:
    signed = ", signed" if channel.secret else ", not signed"
    how = f"SNS topic {channel.sns}" if channel.sns else f"webhook, {channel.format}{signed}"
    how = "PagerDuty, an incident for each alert" if channel.key else how
    again = f"; told again every {render_duration(channel.repeat)}" if channel.repeat else ""
    again = _grouped(channel) + again
    extra = "; told when another channel is given up" if channel.fallback else ""
    own = any(text.startswith("${own-cloud:") for text in (channel.webhook, channel.secret, channel.key))
    how += ", kept in the cloud of each function" if own else ""
    return f"{channel.name}: {how}; a message is tried for {render_duration(channel.max_age)}{again}{extra}."


def _grouped(channel: Channel) -> str:
    """`; grouped by rule and cloud_region: ...`. A run sees its own scope only, and so does a group."""
    if channel.group_by is None:
        return ""
    by = f"by {listed(channel.group_by)}" if channel.group_by else "all in one"
    wait, interval = render_duration(channel.group_wait), render_duration(channel.group_interval)
    return (
        f"; grouped {by}, in each account and region for itself: the first wait {wait} for company, then one message "
        f"in {interval} at most"
    )


def _told(rule: Rule) -> str:
    if rule.tell_default:
        return "told by the routes that fit, or else to every channel that is no fallback"
    return f"told to {listed(rule.tell)}" if rule.tell else "shown, told to nobody"


def _explain_route(route: Route) -> str:
    """`Route: alerts of severity critical: told to oncall; after 30 min without acknowledgement to managers.`"""
    parts = [f"told to {listed(route.tell)}"] if route.tell else []
    if route.escalate_to:
        after = render_duration(route.escalate_after)
        parts.append(f"after {after} without acknowledgement also to {listed(route.escalate_to)}")
    return f"Route: {_matched(route.match)}: {'; '.join(parts)}."


def _explain_quiet(window: QuietWindow) -> str:
    """`Quiet sunday: Sun 02:00 to 04:00 (Europe/Berlin): alerts with tag env=staging.`"""
    return f"Quiet {window.name}: {_when(window)}: {_matched(window.match)}; announced at its end if still there."


def _when(window: QuietWindow) -> str:
    if window.ends:
        return f"{iso(window.starts)} to {iso(window.ends)}"
    if window.cron:
        return f"{render_duration(window.lasts)} from each {window.cron} ({window.zone})"
    days = "daily" if len(window.days) == len(DAYS) else listed(DAYS[day].capitalize() for day in window.days)
    return f"{days} {_clock(window.begin)} to {_clock(window.end)} ({window.zone})"


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def _matched(match: Matcher) -> str:
    named = {
        "of rule": match.rules,
        "on": match.resources,
        "of severity": match.severities,
        "in": (*match.clouds, *match.accounts, *match.regions),
    }
    parts = [f"{word} {listed(values, 'or')}" for word, values in named.items() if values]
    parts += [f"with label {name}={value}" for name, value in match.labels.items()]
    said = f"alerts {' '.join(parts)}" if parts else "every alert"
    return said + _selected(match.where)
