"""The builder of what is deployed: pip, packaging, zipfile and nothing else.

    python infra/build.py [--config nephoscope.yaml] [--out build] [--config-only] [--cloud gcp]... [--machine here]

First the configuration is checked and compiled: config.json goes into the artifacts, deploy.json and the dashboards of
Google's and Azure's consoles to the deployment. Then a zip is made for each cloud that the configuration names, or that
--cloud names. Same sources, same bytes: names are sorted, times and permissions are fixed, so an unchanged package is
not deployed again.

aws.zip holds everything that the Lambda imports. It holds no binary, so the one zip runs on arm64, on x86_64 and on the
local cloud; boto3 stands in the Lambda runtime already. Where the configuration says that AWS's functions read another
cloud (from_aws), that cloud's room and its SDK are in it too: gRPC and cryptography are binaries, so then it is one for
arm64, or with --machine here for the Python that builds, on which it can be tried.

gcp.zip and azure.zip hold our sources and requirements.txt: both platforms install packages themselves, for their own
machines (Google's buildpacks; Azure's remote build, which Flex Consumption runs on an upload with RemoteBuild=true).
The lock's versions stand there, of all that is needed and of nothing else.

No .pyc: they would serve one minor version of Python only, and the machine that builds need not have the runtime's. A
function that is called each minute starts cold a few times a day; that is what it costs.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path
from typing import Any

from packaging.markers import Marker, default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
RUNTIME = "3.13"
PACKAGES = ("aws-lambda-powertools", "dacite", "jmespath", "typing-extensions", "tzdata")
"""What the artifact carries beside our own; the versions are the lock's."""

NOT_DEPLOYED = (
    "nephoscope/localcloud/",
    "nephoscope/cli/",
    "nephoscope/app/authoring/",
    "nephoscope/app/stories/",
    "nephoscope/app/looking/",
    "nephoscope/pipeline/looking/",
    "nephoscope/views/web/",
    "nephoscope/pipeline/consoles/",
    "nephoscope/pipeline/plotting/",
    "nephoscope/views/plots/",
    "nephoscope/pipeline/asking/",
    "nephoscope/sinks/elasticsearch/asking",
    "nephoscope/app/history",
)
"""Rooms for a person's machine: no function imports them."""

CLOUDS = ("aws", "gcp", "azure")
ENTRANCES: Mapping[str, tuple[str, ...]] = {
    "aws": ("handler.py",),
    "gcp": ("main.py",),
    "azure": ("function_app.py", "host.json"),
}
"""What each platform looks for at the zip's root."""
PLATFORMS = ("functions-framework", "azure-functions")
"""What stands among a cloud's packages for its own platform's sake alone."""
TARGET: Mapping[str, str] = {
    "python_version": RUNTIME,
    "python_full_version": f"{RUNTIME}.0",
    "implementation_name": "cpython",
    "platform_python_implementation": "CPython",
    "os_name": "posix",
    "sys_platform": "linux",
    "platform_system": "Linux",
    "platform_machine": "x86_64",
}
"""Where the functions run, in the words of requirements' markers."""

UNZIPPED = 262_144_000
"""Bytes. Source: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""

BINARIES = (".so", ".pyd", ".dylib", ".dll")
_INSTALLERS_NOTES = ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json")
_LONG_AGO = (1980, 1, 1, 0, 0, 0)


class BuildError(Exception):
    """The artifact cannot be made as it should be; says what stands in the way."""


@dataclass(frozen=True, slots=True)
class Machine:
    """Where packages are to run. markers: in the words of requirements' markers. wheels: which ones pip may take."""

    name: str
    markers: Mapping[str, str]
    wheels: tuple[str, ...]


ANY = Machine("any", TARGET, ("--implementation=py", "--abi=none", "--platform=any", f"--python-version={RUNTIME}"))
"""No binaries."""

LAMBDA = Machine(
    "lambda",
    {**TARGET, "platform_machine": "aarch64"},
    (
        "--implementation=cp",
        f"--python-version={RUNTIME}",
        *(f"--platform=manylinux_2_{glibc}_aarch64" for glibc in range(34, 16, -1)),
        "--platform=manylinux2014_aarch64",
    ),
)
"""Amazon Linux 2023 has glibc 2.34. Source: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html,
PEP 600."""

HERE = Machine("here", {str(name): str(value) for name, value in default_environment().items()}, ())
MACHINES: Mapping[str, Machine] = {machine.name: machine for machine in (LAMBDA, HERE)}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="build.py", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--config", type=Path, default=ROOT / "nephoscope.yaml", help="what a person wrote")
    parser.add_argument("--out", type=Path, default=ROOT / "build", help="where the results go")
    parser.add_argument("--config-only", action="store_true", help="compile the configuration, make no artifact")
    parser.add_argument("--cloud", action="append", choices=CLOUDS, help="make this artifact, and others so named")
    parser.add_argument(
        "--machine",
        choices=MACHINES,
        default=os.environ.get("NEPHOSCOPE_MACHINE", LAMBDA.name),
        help="what an aws.zip with binaries is for",
    )
    options = parser.parse_args(arguments)
    try:
        compile_configuration(options.config, options.out)
        for cloud in [] if options.config_only else options.cloud or clouds_of(options.out):
            artifact = options.out / f"{cloud}.zip"
            pure = cloud != "aws" or not guests_of(options.out)
            write_artifact(artifact, files_of(cloud, options.out, MACHINES[options.machine]), pure=pure)
            print(f"{artifact}: {artifact.stat().st_size:,} bytes, sha256 {_digest(artifact.read_bytes())[:16]}")
    except BuildError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def compile_configuration(config: Path, out: Path) -> None:
    """nephoscope.yaml -> out/config.json, out/deploy.json. Raises BuildError with all problems that were found."""
    out.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "nephoscope.app.authoring", str(config), "--out", str(out)]
    done = subprocess.run(command, env=_environment(), capture_output=True, text=True, check=False)
    if done.returncode:
        raise BuildError(done.stderr.strip() or f"{config}: could not be compiled")
    sys.stderr.write(done.stderr)  # warnings


def clouds_of(out: Path) -> tuple[str, ...]:
    """Those that the compiled configuration gathers; AWS always, where the memory and the dashboard are."""
    named = json.loads((out / "deploy.json").read_text(encoding="utf-8"))["clouds"]
    return tuple(cloud for cloud in CLOUDS if cloud == "aws" or cloud in named)


def guests_of(out: Path) -> tuple[str, ...]:
    """The other clouds that AWS's functions read."""
    return tuple(json.loads((out / "deploy.json").read_text(encoding="utf-8"))["from_aws"])


def files_of(cloud: str, out: Path, machine: Machine = LAMBDA) -> dict[str, bytes]:
    """Everything that goes into a cloud's zip, by name. machine: for aws.zip where it holds binaries. Raises
    BuildError."""
    guests = guests_of(out) if cloud == "aws" else ()
    others = tuple(f"nephoscope/clouds/{other}/" for other in CLOUDS[1:] if other not in (cloud, *guests))
    sources = _tree(ROOT / "shared", "nephoscope")
    left_out = (*NOT_DEPLOYED, *others)
    files = {name: content for name, content in sources if not (name.startswith(left_out) or name.endswith(".md"))}
    files |= {name: (ROOT / "functions" / cloud / name).read_bytes() for name in ENTRANCES[cloud]}
    files |= {"config.json": (out / "config.json").read_bytes(), "LICENSE": (ROOT / "LICENSE").read_bytes()}
    if cloud != "aws":
        return files | {"requirements.txt": requirements_of(cloud).encode()}
    names = tuple(sorted({*PACKAGES, *packages_of(guests, machine)}))
    packages = _tree(install_packages(out / "packages", names, machine if guests else ANY))
    files |= {name: content for name, content in packages if not name.startswith("bin/")}
    if (size := sum(map(len, files.values()))) > UNZIPPED:
        raise BuildError(f"the artifact has {size:,} bytes unzipped, and Lambda takes {UNZIPPED:,}")
    return files


def packages_of(guests: Sequence[str], machine: Machine) -> tuple[str, ...]:
    """What the rooms of these clouds import, without what their own platforms need. Raises BuildError."""
    extras = _project()["optional-dependencies"]
    asked = [text for guest in guests for text in extras[guest] if Requirement(text).name not in PLATFORMS]
    return closure(asked, machine)


def requirements_of(cloud: str) -> str:
    """requirements.txt for a platform that installs by itself: what pyproject.toml asks for and all that needs, at the
    lock's versions. Raises BuildError."""
    project = _project()
    asked = [*project["dependencies"], *project["optional-dependencies"][cloud]]
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    return "\n".join(locked(closure(asked), lock)) + "\n"


def _project() -> Mapping[str, Any]:
    project: Mapping[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project


def closure(asked: Sequence[str], machine: Machine = ANY) -> tuple[str, ...]:
    """The names of everything that these requirements bring on the machine, sorted. Raises BuildError for one that is
    not installed here: what it needs stands in its own metadata."""
    found: set[str] = set()
    seen: set[str] = set()
    left = [Requirement(text) for text in asked]
    while left:
        need = left.pop()
        if str(need) in seen:
            continue
        seen.add(str(need))
        found.add(canonicalize_name(need.name))
        left += _needs_of(need, machine)
    return tuple(sorted(found))


def _needs_of(need: Requirement, machine: Machine) -> Iterator[Requirement]:
    try:
        texts = requires(need.name) or []
    except PackageNotFoundError as error:
        raise BuildError(f"{need.name} is not installed here: make package installs everything") from error
    for each in map(Requirement, texts):
        if any(_applies(each.marker, machine, extra) for extra in ("", *need.extras)):
            yield each


def _applies(marker: Marker | None, machine: Machine, extra: str = "") -> bool:
    return marker is None or marker.evaluate({**machine.markers, "extra": extra})


def install_packages(cache: Path, names: Sequence[str] = PACKAGES, machine: Machine = ANY) -> Path:
    """A folder with these packages as wheels for the machine, at the lock's versions. Made once for a set of them."""
    pins = locked(names, (ROOT / "requirements.lock").read_text(encoding="utf-8"), machine)
    wanted = cache / _digest("\n".join([*pins, *_kind(machine)]).encode())[:16]
    if wanted.is_dir():
        return wanted
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as scratch:
        fresh = Path(scratch, "fresh")
        _pip_install(pins, fresh, machine)
        _move(fresh, wanted)
    return wanted


def _move(fresh: Path, wanted: Path) -> None:
    """Another build may have been quicker: what it made is the same."""
    try:
        fresh.rename(wanted)
    except OSError:
        if not wanted.is_dir():
            raise


def _kind(machine: Machine) -> tuple[str, ...]:
    """What tells one machine's wheels from another's: a Python that is upgraded here needs others."""
    return machine.wheels or tuple(machine.markers.values())


def locked(names: Sequence[str], lock: str, machine: Machine = ANY) -> tuple[str, ...]:
    """`name==version` for each name, as it is on the machine. Raises BuildError for one that the lock does not pin."""
    pins = [Requirement(line) for line in lock.splitlines() if "==" in line]
    versions = {pin.name: f"{pin.name}{pin.specifier}" for pin in pins if _applies(pin.marker, machine)}
    if missing := [name for name in names if name not in versions]:
        raise BuildError(f"requirements.lock does not pin {', '.join(missing)}")
    return tuple(versions[name] for name in names)


def _pip_install(pins: Sequence[str], target: Path, machine: Machine) -> None:
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    wheels = ["--only-binary=:all:", *machine.wheels]
    done = subprocess.run(
        [*command, "--no-compile", *wheels, "--target", str(target), *pins], capture_output=True, text=True, check=False
    )
    if done.returncode:
        shutil.rmtree(target, ignore_errors=True)
        raise BuildError(f"pip could not install {' '.join(pins)}\n{done.stderr.strip()}")


def write_artifact(path: Path, files: Mapping[str, bytes], *, pure: bool = True) -> None:
    """One zip, the same bytes for the same files. pure: raises BuildError when a binary is among them."""
    if pure and (binaries := [name for name in files if is_binary(name)]):
        raise BuildError(f"the artifact must be pure Python, but holds {', '.join(sorted(binaries))}")
    unfinished = path.with_suffix(".part")
    with zipfile.ZipFile(unfinished, "w") as archive:
        for name in sorted(files):
            archive.writestr(_entry(name), files[name], compress_type=zipfile.ZIP_DEFLATED, compresslevel=9)
    unfinished.replace(path)


def is_binary(name: str) -> bool:
    return name.endswith(BINARIES) or ".so." in name


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _LONG_AGO)
    entry.create_system = 3  # Unix, wherever it was built
    entry.external_attr = 0o100644 << 16
    return entry


def _tree(root: Path, below: str = "") -> Iterator[tuple[str, bytes]]:
    for path in (root / below).rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts and path.name not in _INSTALLERS_NOTES:
            yield path.relative_to(root).as_posix(), path.read_bytes()


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT / "shared")}


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


if __name__ == "__main__":
    sys.exit(main())
