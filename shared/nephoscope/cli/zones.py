"""The zone that a person lives in: as they say, as TZ says, or as this machine's clock is set; otherwise UTC."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from nephoscope.app.authoring.findings import nearest
from nephoscope.cli.call import CallError
from nephoscope.pipeline.wording import clean

LOCALTIME = Path("/etc/localtime")
_FOLDER = "zoneinfo/"


def zone_of(name: str | None, environment: Mapping[str, str]) -> ZoneInfo:
    """Raises CallError for a name that was said and is no zone's, with the nearest that is."""
    if name is None:
        return _own(environment)
    zone = _known(name)
    if zone is None:
        raise CallError(f'unknown time zone "{clean(name, 60)}"{_meant(name)}', "For example: --zone Europe/Berlin")
    return zone


def _own(environment: Mapping[str, str]) -> ZoneInfo:
    told = environment.get("TZ", "").removeprefix(":")
    _, _, linked = str(LOCALTIME.resolve()).partition(_FOLDER)
    return next((zone for name in (told, linked) if name and (zone := _known(name))), ZoneInfo("UTC"))


def _known(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # no such zone; no such name; a folder of zones
        return None


def _meant(name: str) -> str:
    """`berlin` is Europe/Berlin, as people say it."""
    zones = sorted(available_timezones())
    cities = {zone.rpartition("/")[2]: zone for zone in zones}
    near = cities.get(nearest(name.rpartition("/")[2], cities), "") or nearest(name, zones)
    return f"; did you mean {near}?" if near else ""
