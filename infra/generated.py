"""The files in this repository that a program writes, and what writes each.

    python infra/generated.py            write them anew
    python infra/generated.py --check    fail, and say so, if one differs from what would be written

A generator is a command that writes its file; with `--check` behind it, it only tells (exit code 1) that it differs.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

GENERATED: dict[str, tuple[str, ...]] = {
    # file                                               the module that writes it, with its arguments
    "shared/nephoscope/catalog/nephoscope.schema.json": ("nephoscope.app.authoring", "--schema"),
    "shared/nephoscope/catalog/configuration.md": ("nephoscope.app.authoring", "--reference"),
    "shared/nephoscope/notifiers/formats/messages.md": ("infra.reference.messages",),
    "shared/nephoscope/sinks/elasticsearch/fields.md": ("infra.reference.fields",),
    "shared/nephoscope/catalog/metrics.md": ("nephoscope.views.generated_text", "metrics"),
    "README.md": ("nephoscope.views.generated_text", "lifecycle"),
}


def main(arguments: list[str]) -> int:
    """The exit code: how many files differ, 1 at most. All are looked at."""
    if arguments not in ([], ["--check"]):
        print(__doc__, file=sys.stderr)
        return 2
    differing = [name for name, command in GENERATED.items() if differs(name, command, arguments)]
    return min(len(differing), 1)


def differs(name: str, command: tuple[str, ...], arguments: list[str]) -> bool:
    done = subprocess.run([sys.executable, "-m", *command, *arguments], check=False, cwd=ROOT)
    if done.returncode:
        print(f"{name} is not what its source makes: make generated", file=sys.stderr)
    return done.returncode != 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
