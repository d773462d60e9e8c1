"""The registry of scopes, and the dashboard that is drawn of them.

The registry is where all functions meet: each notes there what its own runs have found, and the one that draws the
dashboard learns from it what there is in the other clouds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from nephoscope.app.outside import Outside
from nephoscope.model.errors import DeliveryError, StoreError
from nephoscope.model.publish import Dashboard
from nephoscope.model.scope import Cloud, Scope
from nephoscope.model.time import Deadline
from nephoscope.pipeline.dashboard import render_dashboards


def registered(outside: Outside, clouds: Iterable[Cloud]) -> list[Scope]:
    """The scopes that runs have noted, of these clouds. Raises StoreError."""
    return [row.scope for cloud in clouds for row in outside.memory.read_registry(cloud)]


def register(outside: Outside, scopes: Iterable[Scope]) -> tuple[tuple[Scope, ...], list[str]]:
    """Note scopes that the registry does not know yet: the sweeper and the pages look there. Returns all that are
    known now, and what went wrong."""
    try:
        known = set(registered(outside, _drawn(outside)))
        for scope in scopes:
            if scope not in known:
                outside.memory.register(scope)
    except StoreError as error:
        return tuple(scopes), [str(error)]
    return tuple(sorted(known.union(scopes))), []


def _drawn(outside: Outside) -> Iterable[Cloud]:
    """The clouds whose scopes this run must know: all of them where it draws the dashboard, else its own."""
    return outside.config.gather.kinds if outside.settings.writes_dashboard else outside.readers


def draw(outside: Outside, scopes: Sequence[Scope], deadline: Deadline) -> tuple[int, list[str]]:
    """The dashboard follows the configuration and the registry; it is written when it differs from what stands."""
    if not outside.settings.writes_dashboard:
        return 0, []
    try:
        return outside.dashboards.write_dashboards(dashboards_of(outside, scopes), deadline), []
    except DeliveryError as error:
        return 0, [str(error)]


def dashboards_of(outside: Outside, scopes: Sequence[Scope]) -> tuple[Dashboard, ...]:
    """The dashboards as they should stand for these scopes."""
    gathered = outside.config.gather.aws
    linked = [account.id for account in gathered.accounts if account.linked] if gathered else []
    settings = outside.settings
    return render_dashboards(outside.config, scopes, outside.catalog, settings.widget_arn, settings.account, linked)
