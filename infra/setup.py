"""The project's own Python environment, from nothing: .venv, the locked packages, the project itself editable.

    python3 infra/setup.py          (make does it when requirements.lock or pyproject.toml changed)

Needs Python 3.11 or newer and pip; nothing but the standard library until then. uv does the work in seconds where it
can be had; plain pip does the same in a minute.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
READY = VENV / ".ready"
NEEDED = (3, 11)


class SetupError(Exception):
    """What is missing on this machine, and what a person can do about it."""


def main() -> int:
    try:
        check_python()
        if not works(PYTHON):
            make_venv()
        installer = best_installer()
        install(installer, "-r", str(ROOT / "requirements.lock"))
        install(installer, "--no-deps", "--editable", str(ROOT))
    except SetupError as error:
        print(error, file=sys.stderr)
        return 2
    READY.touch()
    return 0


def check_python() -> None:
    if sys.version_info < NEEDED:
        have = ".".join(map(str, sys.version_info[:3]))
        raise SetupError(
            f"Python 3.11 or newer is needed, this is {have} ({sys.executable}); try: make PYTHON=python3.11"
        )


def works(python: Path) -> bool:
    return python.exists() and _run(python, "-c", "import sys; sys.exit(sys.version_info < (3, 11))") == 0


def make_venv() -> None:
    """With a pip of its own where Debian's python3-venv is there, else to be filled by the pip of this Python."""
    own_pip = importlib.util.find_spec("ensurepip") is not None
    if not own_pip and importlib.util.find_spec("pip") is None:
        raise SetupError("neither venv nor pip is on this machine; on Debian: apt-get install python3-venv")
    say("making .venv")
    venv.create(VENV, clear=VENV.exists(), symlinks=True, with_pip=own_pip)
    if not own_pip and _run(*_pip(), "install", "--quiet", "pip", quiet=False):
        raise SetupError("pip could not be installed into .venv; its own words are above")


def best_installer() -> Sequence[object]:
    """uv, bootstrapped by pip; pip itself where uv cannot be had."""
    pip = _pip()
    if _run(PYTHON, "-m", "uv", "--version") and _run(*pip, "install", "--quiet", "uv>=0.9"):
        say("uv cannot be had here; pip does it, which takes a minute")
        return (*pip, "install", "--quiet")
    return (PYTHON, "-m", "uv", "pip", "install", "--quiet", "--python", PYTHON)


def _pip() -> Sequence[object]:
    if _run(PYTHON, "-m", "pip", "--version") == 0:
        return (PYTHON, "-m", "pip", "--disable-pip-version-check")
    if importlib.util.find_spec("pip") is None:
        raise SetupError(".venv has no pip, nor has this Python; on Debian: apt-get install python3-venv")
    return (sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", PYTHON)


def install(installer: Sequence[object], *what: str) -> None:
    """Raises SetupError. Where uv fails (it does not know pip's own settings, a mirror for example), pip tries too."""
    say(f"installing {' '.join(Path(word).name for word in what if not word.startswith('-'))}")
    if _run(*installer, *what) and _run(*_pip(), "install", "--quiet", *what, quiet=False):
        raise SetupError("the packages could not be installed; pip's own words are above")


def say(text: str) -> None:
    print(f"setup: {text}", file=sys.stderr)


def _run(*command: object, quiet: bool = True) -> int:
    sink = subprocess.DEVNULL if quiet else None
    return subprocess.run([str(word) for word in command], stdout=sink, stderr=sink, check=False, cwd=ROOT).returncode


if __name__ == "__main__":
    sys.exit(main())
