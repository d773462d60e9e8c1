"""The dashboard of a fleet, from its configuration and its scopes. Pure: the same arguments give the same bodies, so
that the writer can tell whether anything changed."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from nephoscope.catalog.loader import Catalog
from nephoscope.model.config import Config
from nephoscope.model.publish import Dashboard
from nephoscope.model.scope import Scope
from nephoscope.pipeline.dashboard.audience import audience
from nephoscope.pipeline.dashboard.layout import dashboards
from nephoscope.pipeline.dashboard.sections import all_sections

START = "-PT3H"
"""The time range that is shown when the dashboard is opened."""


def render_dashboards(
    config: Config,
    scopes: Sequence[Scope],
    catalog: Catalog,
    widget_arn: str = "",
    home_account: str = "",
    linked_accounts: Collection[str] = (),
    alarms: Sequence[str] = (),
) -> tuple[Dashboard, ...]:
    """One dashboard, or as many as CloudWatch's limits ask: `name`, `name-2`, ... with links between them.

    scopes: any order, may be empty (nothing has run yet). widget_arn: the custom widget's function; empty: none.
    home_account: where the dashboard stands. linked_accounts: accounts that share their metrics with it (OAM); the
    dashboard says which accounts of the fleet do not. alarms: ARNs of the alarms that watch nephoscope, where a
    deployment made some.
    """
    about = audience(config, scopes, catalog, home_account, linked_accounts, widget_arn, alarms)
    limits = catalog.limits["cloudwatch.dashboard"]
    return dashboards(config.publish.dashboard, all_sections(about), limits, START, about.variables)
