"""The Lambda's zip: what is in it, what is not, and that it is the same each time."""

from __future__ import annotations

import json
import os
import re
import stat
import zipfile
from importlib.metadata import requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from infra.build import PACKAGES, BuildError, install_packages, locked, write_artifact
from tests.package.conftest import build, make_project

BROUGHT_BY_THE_RUNTIME = {"boto3"}


def names_of(artifact: Path) -> list[str]:
    with zipfile.ZipFile(artifact) as archive:
        return archive.namelist()


def test_two_builds_are_the_same_bytes_whenever_wherever_and_by_whomever(artifact: Path, tmp_path: Path) -> None:
    elsewhere = make_project(tmp_path / "elsewhere")
    os.utime(elsewhere / "nephoscope.yaml", (0, 0))
    before = os.umask(0o077)
    try:
        again = build(elsewhere)
    finally:
        os.umask(before)
    assert again.read_bytes() == artifact.read_bytes()


def test_entries_are_sorted_old_and_readable_by_all(artifact: Path) -> None:
    with zipfile.ZipFile(artifact) as archive:
        entries = archive.infolist()
    assert [entry.filename for entry in entries] == sorted(entry.filename for entry in entries)
    assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}
    assert {stat.filemode(entry.external_attr >> 16) for entry in entries} == {"-rw-r--r--"}


def test_it_holds_the_entrance_the_checked_configuration_and_the_catalog(artifact: Path) -> None:
    names = set(names_of(artifact))
    assert {"handler.py", "config.json", "LICENSE", "nephoscope/app/run.py", "nephoscope/catalog/metrics.toml"} <= names
    with zipfile.ZipFile(artifact) as archive:
        assert json.loads(archive.read("config.json"))["fleet"] == "acme"


@pytest.mark.parametrize(
    "unwanted",
    [
        r"nephoscope/(localcloud|cli|app/authoring|app/looking|pipeline/looking|views/web)/",
        r"(^|/)tests?/",
        r"^nephoscope/.*\.md$",
        r"\.pyc$",
        r"__pycache__",
        r"\.(so|pyd|dll|dylib)(\.|$)",
        r"^(boto3|botocore|pydantic|pydantic_core|yaml|rich|dash|plotly|waitress|ministack|google|azure)/",
        r"^bin/",
        r"/(RECORD|INSTALLER|direct_url\.json)$",
    ],
)
def test_it_holds_nothing_that_a_function_does_not_need(artifact: Path, unwanted: str) -> None:
    assert [name for name in names_of(artifact) if re.search(unwanted, name)] == []


def test_it_is_small(artifact: Path) -> None:
    assert artifact.stat().st_size < 2_000_000


def test_what_its_packages_require_is_there_too() -> None:
    """The versions are chosen by the lock; that the list of names is complete follows from the packages themselves."""
    needs = [Requirement(text) for name in PACKAGES for text in requires(name) or []]
    required = {need.name for need in needs if need.marker is None or need.marker.evaluate({"extra": ""})}
    assert required
    assert required - BROUGHT_BY_THE_RUNTIME <= set(PACKAGES)


@pytest.mark.parametrize("binary", ["fast/speedups.cpython-313-aarch64-linux-gnu.so", "lib/libz.so.1", "a.pyd"])
def test_a_binary_is_refused_and_nothing_is_left(tmp_path: Path, binary: str) -> None:
    with pytest.raises(BuildError, match=re.escape(binary)):
        write_artifact(tmp_path / "aws.zip", {"handler.py": b"", binary: b"\x7fELF"})
    assert list(tmp_path.iterdir()) == []


def test_versions_are_the_locks_own() -> None:
    lock = "dacite==1.9.2\njmespath==1.1.0 ; sys_platform != 'emscripten'\n"
    assert locked(["jmespath", "dacite"], lock) == ("jmespath==1.1.0", "dacite==1.9.2")
    with pytest.raises(BuildError, match="does not pin aws-lambda-powertools"):
        locked(["dacite", "aws-lambda-powertools"], lock)


def test_of_two_builds_at_once_the_slower_takes_what_the_faster_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed: list[Path] = []

    def install(_: object, fresh: Path, __: object) -> None:
        installed.append(fresh)
        fresh.mkdir()
        (fresh / "package.py").write_text(f"{len(installed)}")
        if len(installed) == 1:
            install_packages(tmp_path)

    monkeypatch.setattr("infra.build._pip_install", install)
    made = install_packages(tmp_path)
    assert (made / "package.py").read_text() == "2"
    assert list(tmp_path.iterdir()) == [made]
