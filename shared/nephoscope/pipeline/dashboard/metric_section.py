

def _fleet(audience: Audience, one: Metric) -> Iterator[Widget]:
    if not audience.distributed(one):
        return
    period = max(source.period for source in one.sources.values())
    style = {"lines": _lines(audience, one), "axis": _axis(one)}
    region = audience.config.publish.region
    for group in audience.groups:
        widest = _ours(audience, one.name, group, "Maximum", period)
        most = _ours(audience, one.name, group, "p90", period)
        mean = f"{total(_ours(audience, one.name, group, 'Sum', period))}/{total(_ours(audience, one.name, group, 'SampleCount', period))}"
        metrics: list[list[object]] = [
            [{"expression": highest(widest), "id": "highest", "label": "highest", "color": "#d62728"}],
            [
                {
                    "expression": highest(most),
                    "id": "p90",
                    "label": "nine in ten are below, in the worst region",
                    "color": "#ff7f0e",
                }
            ],
            [{"expression": mean, "id": "mean", "label": "average", "color": "#1f77b4"}],
        ]
        yield graph(
            f"{title_of(one)}: the whole fleet{_of(group)}",
            metrics,
            region,
            series=len(group.scopes) * 4,
            period=period,
            since=_since(period),
            **style,
        )
        yield graph(
            f"{title_of(one)}: nine in ten are below, by region{_of(group)}",
            [[{"expression": most, "id": "p90", "label": _SCOPE_LABEL}]],
            region,
            series=len(group.scopes),
            period=period,
            legend="right",
            since=_since(period),
            **style,
        )


def _regions(audience: Audience, one: Metric) -> Iterator[Widget]:
    """The worst in each AWS region, straight from AWS's own series. One Metrics Insights query a widget: CloudWatch
    takes only one in a call."""
    source = one.sources.get(Cloud.AWS)
    if source is None:
        return
    upward = all(threshold.comparison.upward for _, threshold in audience.rules_on(one))
    for region in audience.open_regions:
        if not audience.distributed(one):
            yield _course(audience, one, source, region)
        query = worst(source, WORST, upward=upward, accounts=bool(audience.linked))
        yield graph(
            f"{title_of(one)}{_in_period(source)}: the {WORST} {'highest' if upward else 'lowest'} in {region}",
            [[{"expression": query, "id": "worst", "label": ""}]],
            region,
            series=WORST,
            period=source.period,
            size=(8, 6) if audience.distributed(one) else (12, 6),
            lines=_vendor_lines(audience, one, source),
            axis=_vendor_axis(one, source),
            since=_since(source.period),
        )


def _course(audience: Audience, one: Metric, source: Source, region: str) -> Widget:
    what = "sum" if source.statistic == "Sum" else source.statistic.lower()
    return graph(
        f"{title_of(one)}{_in_period(source)}: {what} over all in {region}",
        [[{"expression": course(source), "id": "course", "label": what}]],
        region,
        series=1,
        period=source.period,
        axis=_vendor_axis(one, source) if what != "sum" else Axis(source.vendor_unit.lower()),
        since=_since(source.period),
    )


def _lines(audience: Audience, one: Metric) -> list[Line]:
    """Thresholds where our own series are drawn: in the unit that people read."""
    shown = SHOWN[one.unit]
    return [
        _line(rule.name, rule.severity, threshold.comparison, threshold.value * shown.factor, shown.label)
        for rule, threshold in audience.rules_on(one)
    ]


def _vendor_lines(audience: Audience, one: Metric, source: Source) -> list[Line]:
    """Thresholds where AWS's own series are drawn: in the vendor's unit, and for the whole period where it sums."""
    spread = source.period if source.per_second else 1
    unit = "%" if source.vendor_unit == "Percent" else source.vendor_unit.lower()
    return [
        _line(rule.name, rule.severity, threshold.comparison, threshold.value / source.scale * spread, unit)
        for rule, threshold in audience.rules_on(one)
    ]


def _line(name: str, severity: Severity, comparison: str, value: float, unit: str) -> Line:
    rounded = float(f"{value:.6g}")
    return Line(rounded, f"{name} ({comparison} {rounded:,.6g} {unit})", SEVERITY_COLORS[severity])


def _axis(one: Metric) -> Axis:
    shown = SHOWN[one.unit]
    return Axis(shown.label, 0, 100 if shown.word == "Percent" else None)


def _vendor_axis(one: Metric, source: Source) -> Axis:
    percent = source.vendor_unit == "Percent"
    return Axis("%" if percent else source.vendor_unit.lower(), 0, 100 if percent else None)


def _in_period(source: Source) -> str:
    """AWS gives such metrics as totals of a period, not as rates."""
    return f" in {source.period // 60} min" if source.per_second else ""


def _since(period: int) -> str:
    """Daily metrics show two weeks, whatever range the dashboard is set to."""
    return "-P14D" if period >= DAY else ""


