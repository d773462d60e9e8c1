"""The dashboard of a fleet, from its configuration and its scopes. Pure: the same arguments give the same bodies, so
that the writer can tell whether anything changed."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from nephoscope.catalog.loader import Catalog
from nephoscope.model.config import Config
from nephoscope.model.publish import Dashboard
from nephoscope.model.scope import Scope
from nephoscope.pipeline.dashboard import sections
from nephoscope.pipeline.dashboard.audience import Audience, audience
from nephoscope.pipeline.dashboard.layout import dashboards
from nephoscope.pipeline.dashboard.metric_section import metric_section
from nephoscope.pipeline.dashboard.widgets import Widget

START = "-PT3H"
"""The time range that is shown when the dashboard is opened."""


def render_dashboards(
    config: Config,
    scopes: Sequence[Scope],
    catalog: Catalog,
    widget_arn: str = "",
    home_account: str = "",
    linked_accounts: Collection[str] = (),
) -> tuple[Dashboard, ...]:
    """One dashboard, or as many as CloudWatch's limits ask: `name`, `name-2`, ... with links between them.

    scopes: any order, may be empty (nothing has run yet). widget_arn: the custom widget's function; empty: none.
    home_account: where the dashboard stands. linked_accounts: accounts that share their metrics with it (OAM); the
    dashboard says which accounts of the fleet do not.
    """
    about = audience(config, scopes, catalog, home_account, linked_accounts)
    limits = catalog.limits["cloudwatch.dashboard"]
    return dashboards(config.publish.dashboard, _widgets(about, widget_arn), limits, START)


def _widgets(about: Audience, widget_arn: str) -> Iterator[Widget]:
    yield from sections.overview(about, widget_arn)
    if not about.scopes:
        return
    yield from sections.instances(about, widget_arn)
    for metric in about.metrics:
        yield from metric_section(about, metric)
    yield from sections.watcher(about)
