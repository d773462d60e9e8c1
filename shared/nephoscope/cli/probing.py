"""The probe of AWS, opened over the reader that is open already: the same credentials, the same pace. Where nothing of
AWS is gathered, a reader of its own: it is published there all the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from nephoscope.app.outside import Outside
from nephoscope.app.secrets import open_secrets
from nephoscope.app.wiring import wire
from nephoscope.model.scope import Cloud, Scope
from nephoscope.ports import CloudReader

if TYPE_CHECKING:
    from nephoscope.clouds.aws.probe import AwsProbe, Ways


def open_probe(outside: Outside) -> AwsProbe:
    from nephoscope.clouds.aws.probe import AwsProbe  # noqa: PLC0415 - a room is imported when it is asked for

    reader = outside.readers.get(Cloud.AWS) or _open_reader(outside)
    return AwsProbe(cast("Ways", reader), outside.config)


def _open_reader(outside: Outside) -> CloudReader:
    secrets = open_secrets(outside.settings)
    reader: CloudReader = wire("cloud", Cloud.AWS)(
        outside.config, outside.settings, outside.catalog, outside.clock, secrets
    )
    return reader


def home_of(outside: Outside, account: str = "") -> Scope:
    """Where metrics and dashboard are published: by the account that the functions run in, never by a member's role."""
    return Scope(Cloud.AWS, account or outside.settings.account, outside.config.publish.region)
