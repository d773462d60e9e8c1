"""The probe of AWS, opened over the reader that is open already: the same credentials, the same pace."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from nephoscope.app.outside import Outside
from nephoscope.model.scope import Cloud, Scope

if TYPE_CHECKING:
    from nephoscope.clouds.aws.probe import AwsProbe, Ways


def open_probe(outside: Outside) -> AwsProbe:
    from nephoscope.clouds.aws.probe import AwsProbe  # noqa: PLC0415 - a room is imported when it is asked for

    return AwsProbe(cast("Ways", outside.readers[Cloud.AWS]), outside.config)


def home_of(outside: Outside, account: str = "") -> Scope:
    """Where metrics and dashboard are published: by the account that the functions run in, never by a member's role."""
    return Scope(Cloud.AWS, account or outside.settings.account, outside.config.publish.region)
