"""The builder of what is deployed: pip, zipfile and nothing else.

    python infra/build.py [--config nephoscope.yaml] [--out build] [--config-only]

First the configuration is checked and compiled (config.json goes into the artifact, deploy.json to serverless.yml).
Then everything that the function imports goes into one zip. Same sources, same bytes: names are sorted, times and
permissions are fixed, so an unchanged package is not deployed again. It holds no binary, so the one zip runs on arm64,
on x86_64 and on the local cloud; boto3 stands in the Lambda runtime already.

No .pyc: they would serve one minor version of Python only, and the machine that builds need not have the runtime's. A
function that is called each minute starts cold a few times a day; that is what it costs.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RUNTIME = "3.13"
PACKAGES = ("aws-lambda-powertools", "dacite", "jmespath", "typing-extensions")
"""What the artifact carries beside our own; the versions are the lock's."""

NOT_DEPLOYED = ("nephoscope/localcloud/", "nephoscope/cli/", "nephoscope/app/authoring/")
"""Rooms for a person's machine: no function imports them."""

BINARIES = (".so", ".pyd", ".dylib", ".dll")
_INSTALLERS_NOTES = ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json")
_LONG_AGO = (1980, 1, 1, 0, 0, 0)


class BuildError(Exception):
    """The artifact cannot be made as it should be; says what stands in the way."""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="build.py", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--config", type=Path, default=ROOT / "nephoscope.yaml", help="what a person wrote")
    parser.add_argument("--out", type=Path, default=ROOT / "build", help="where the results go")
    parser.add_argument("--config-only", action="store_true", help="compile the configuration, make no artifact")
    options = parser.parse_args(arguments)
    try:
        compile_configuration(options.config, options.out)
        if not options.config_only:
            artifact = options.out / "aws.zip"
            write_artifact(artifact, aws_files(options.out))
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


def aws_files(out: Path) -> dict[str, bytes]:
    """Everything that goes into the Lambda's zip, by name. Raises BuildError."""
    files = {
        "handler.py": (ROOT / "functions/aws/handler.py").read_bytes(),
        "config.json": (out / "config.json").read_bytes(),
        "LICENSE": (ROOT / "LICENSE").read_bytes(),
    }
    files |= {
        name: content for name, content in _tree(ROOT / "shared", "nephoscope") if not name.startswith(NOT_DEPLOYED)
    }
    packages = _tree(install_packages(out / "packages"))
    return files | {name: content for name, content in packages if not name.startswith("bin/")}


def install_packages(cache: Path) -> Path:
    """A folder with PACKAGES as wheels without binaries, at the lock's versions. Made once for a set of versions."""
    pins = locked(PACKAGES, (ROOT / "requirements.lock").read_text(encoding="utf-8"))
    wanted = cache / _digest("\n".join(pins).encode())[:16]
    if wanted.is_dir():
        return wanted
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as scratch:
        fresh = Path(scratch, "fresh")
        _pip_install(pins, fresh)
        fresh.rename(wanted)
    return wanted


def locked(names: Sequence[str], lock: str) -> tuple[str, ...]:
    """`name==version` for each name. Raises BuildError for one that the lock does not pin."""
    pins = {line.partition("==")[0]: line.partition(";")[0].strip() for line in lock.splitlines() if "==" in line}
    if missing := [name for name in names if name not in pins]:
        raise BuildError(f"requirements.lock does not pin {', '.join(missing)}")
    return tuple(pins[name] for name in names)


def _pip_install(pins: Sequence[str], target: Path) -> None:
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    pure = ["--only-binary=:all:", "--implementation=py", "--abi=none", "--platform=any", f"--python-version={RUNTIME}"]
    done = subprocess.run(
        [*command, "--no-compile", *pure, "--target", str(target), *pins], capture_output=True, text=True, check=False
    )
    if done.returncode:
        shutil.rmtree(target, ignore_errors=True)
        raise BuildError(f"pip could not install {' '.join(pins)}\n{done.stderr.strip()}")


def write_artifact(path: Path, files: Mapping[str, bytes]) -> None:
    """One zip, the same bytes for the same files. Raises BuildError when a binary is among them."""
    if binaries := [name for name in files if name.endswith(BINARIES) or ".so." in name]:
        raise BuildError(f"the artifact must be pure Python, but holds {', '.join(sorted(binaries))}")
    unfinished = path.with_suffix(".part")
    with zipfile.ZipFile(unfinished, "w") as archive:
        for name in sorted(files):
            archive.writestr(_entry(name), files[name], compress_type=zipfile.ZIP_DEFLATED, compresslevel=9)
    unfinished.replace(path)


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
