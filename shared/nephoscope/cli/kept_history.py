"""History for `backtest` out of Elasticsearch: no provider is asked, and nothing costs."""

from __future__ import annotations

from contextlib import closing

from nephoscope.app.history import SECONDS, open_reader
from nephoscope.catalog.loader import Catalog
from nephoscope.cli.call import Call, CallError
from nephoscope.model.config import Config
from nephoscope.model.history import HistoryKind
from nephoscope.model.time import DAY, MINUTE, floor_to, iso
from nephoscope.pipeline.asking.recordings import Gathering, points_body
from nephoscope.pipeline.documents import label_of
from nephoscope.pipeline.need import OVERLAP_PERIODS, evaluation_range, metrics_of
from nephoscope.pipeline.replay import Recording
from nephoscope.pipeline.wording import render_duration


def kept_recordings(call: Call, config: Config, catalog: Catalog) -> tuple[Recording, ...]:
    """Of the last --days, up to where points are settled; with what rules look back on before. Raises CallError,
    DeliveryError."""
    where = call.history(config)
    end = floor_to(int(call.clock.wall()), MINUTE)
    begin = end - DAY * call.args.days
    names = sorted(metrics_of(config.rules))
    reader, deadline = open_reader(config, call.environment, call.clock), call.deadline(SECONDS)
    reader.client.server(deadline)
    gathering = Gathering({label_of(tag): tag for tag in where.tags})
    body = points_body(config.fleet, names, begin - _reach(config, catalog, names), end)
    with closing(reader), call.terminal.progress("reading history"):
        for page in reader.read_pages(HistoryKind.METRICS, body, deadline):
            gathering.add(page)
        others = () if gathering.series else reader.read_metrics(config.fleet, deadline)
    traffic = reader.client.traffic
    call.terminal.note(f"{traffic.requests:,} requests, {traffic.received / 1e6:.1f} MB; no provider was asked")
    if not gathering.series:
        raise CallError(
            f"no point of {', '.join(names)} is kept since {iso(begin)} ({render_duration(end - begin)})",
            f"Kept are: {', '.join(each.metric for each in others) or 'nothing'}.",
        )
    return gathering.recordings(begin, min(end, gathering.last))


def _reach(config: Config, catalog: Catalog, names: list[str]) -> int:
    """Seconds before the beginning that a rule looks back, at the coarsest period that a cloud has."""
    return max(
        (evaluation_range(name, config.rules, source.period) + OVERLAP_PERIODS) * source.period
        for name in names
        for source in catalog.metrics[name].sources.values()
    )
