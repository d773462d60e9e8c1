"""What all entrances share: the slot, and a package's requirements."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from infra.build import BuildError, closure, clouds_of, locked
from nephoscope.app.entrance import slot_at

NOW = datetime(2026, 11, 23, 12, 7, 31, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("said", "slot"),
    [
        ("2026-11-23T12:06:43Z", "12:06"),
        ("2026-11-23T12:06:43.123456789Z", "12:06"),  # Google says nanoseconds
        ("2026-11-23T12:06:59.9999999+00:00", "12:06"),  # .NET says ticks
        ("2026-11-23T13:06:00+01:00", "12:06"),
        ("", "12:07"),
        (None, "12:07"),
        (1_795_435_200, "12:07"),
        ("soon", "12:07"),
        ("2028-11-23T12:06:43Z", "12:07"),  # far ahead
    ],
)
def test_the_slot_is_the_scheduled_minute_or_else_the_clocks(said: object, slot: str) -> None:
    assert slot_at(said, 60, NOW) == datetime.fromisoformat(f"2026-11-23T{slot}:00Z").timestamp()


def test_what_a_requirement_brings_is_found_with_its_extras_on_the_functions_platform() -> None:
    found = closure(["google-api-core[grpc]"])
    assert {"google-api-core", "grpcio", "grpcio-status", "protobuf", "requests", "urllib3"} <= set(found)
    assert "grpcio" not in closure(["google-api-core"])
    assert "colorama" not in closure(["click"])  # Windows only


def test_what_is_not_installed_cannot_be_looked_into() -> None:
    with pytest.raises(BuildError, match="no-such-package-here is not installed"):
        closure(["no-such-package-here>=1"])


def test_of_two_versions_the_one_for_the_functions_python_counts() -> None:
    lock = "a==1.0 ; python_full_version < '3.13'\na==2.0 ; python_full_version >= '3.13'\n"
    lock += "b==1 ; sys_platform == 'win32'\n"
    assert locked(["a"], lock) == ("a==2.0",)
    with pytest.raises(BuildError, match="does not pin b"):
        locked(["b"], lock)


@pytest.mark.parametrize(
    ("named", "made"),
    [('["aws"]', ("aws",)), ('["gcp"]', ("aws", "gcp")), ('["azure", "aws", "gcp"]', ("aws", "gcp", "azure"))],
)
def test_a_package_is_made_for_each_cloud_that_is_gathered_and_always_for_aws(
    tmp_path: Path, named: str, made: tuple[str, ...]
) -> None:
    (tmp_path / "deploy.json").write_text(f'{{"clouds": {named}}}')
    assert clouds_of(tmp_path) == made
