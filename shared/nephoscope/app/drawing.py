"""The dashboard, as it should stand for what is watched: written by one function, whenever it differs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nephoscope.app.outside import Outside
from nephoscope.model.errors import DeliveryError, Reason
from nephoscope.model.publish import Dashboard
from nephoscope.model.scope import Scope
from nephoscope.model.time import Deadline


@dataclass(frozen=True, slots=True)
class Drawn:
    """changed: dashboards that were written. unreached: the time was up."""

    changed: int = 0
    errors: tuple[str, ...] = ()
    unreached: bool = False


def draw(outside: Outside, scopes: Sequence[Scope], deadline: Deadline) -> Drawn:
    """The dashboard follows the configuration and the registry; it is written when it differs from what stands."""
    if not outside.settings.writes_dashboard:
        return Drawn()
    try:
        return Drawn(outside.dashboards.write_dashboards(dashboards_of(outside, scopes), deadline))
    except DeliveryError as error:
        return Drawn(errors=(str(error),), unreached=error.reason is Reason.DEADLINE)


def dashboards_of(outside: Outside, scopes: Sequence[Scope]) -> tuple[Dashboard, ...]:
    """The dashboards as they should stand for these scopes."""
    from nephoscope.pipeline.dashboard import render_dashboards  # noqa: PLC0415 - three of four entrances never draw

    gathered = outside.config.gather.aws
    linked = [account.id for account in gathered.accounts if account.linked] if gathered else []
    settings = outside.settings
    return render_dashboards(
        outside.config, scopes, outside.catalog, settings.widget_arn, settings.account, linked, settings.alarms
    )
