"""The files in this repository that a program writes, and what writes each.

    python infra/generated.py            write them anew
    python infra/generated.py --check    say which differ from what would be written; fail if one does
"""

from __future__ import annotations

import difflib
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

GENERATED: dict[str, tuple[str, ...]] = {
    # file                    the module that prints it, with its arguments
    "nephoscope.schema.json": ("nephoscope.app.authoring.schema",),
}


def main(arguments: list[str]) -> int:
    if arguments not in ([], ["--check"]):
        print(__doc__, file=sys.stderr)
        return 2
    return check() if arguments else write()


def write() -> int:
    for name in GENERATED:
        (ROOT / name).write_text(made(name), encoding="utf-8")
    return 0


def check() -> int:
    """How many files differ; the first lines of each difference are printed."""
    differing = 0
    for name in GENERATED:
        path = ROOT / name
        stands = path.read_text(encoding="utf-8") if path.exists() else ""
        lines = list(difflib.unified_diff(stands.splitlines(), made(name).splitlines(), name, "made anew", lineterm=""))
        if lines:
            differing += 1
            print("\n".join([*lines[:40], f"{name} is not what its source makes: make generated"]))
    return min(differing, 1)


def made(name: str) -> str:
    command = [sys.executable, "-m", *GENERATED[name]]
    return subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
