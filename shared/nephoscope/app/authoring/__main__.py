"""`python -m nephoscope.app.authoring nephoscope.yaml --out build/`: what packaging calls.

`--schema` writes the JSON Schema anew, `--reference` the reference of all keys; with `--check` it is only told whether
it would differ. Exit codes: 0 well, 1 it differs, 2 the configuration or the call is wrong.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from nephoscope.app.authoring.compile import build
from nephoscope.app.authoring.reference import REFERENCE_FILE, render_reference
from nephoscope.app.authoring.schema import SCHEMA_FILE, render_schema
from nephoscope.model.errors import ConfigError


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m nephoscope.app.authoring", description="Check and compile.")
    parser.add_argument("path", nargs="?", type=Path, default=Path("nephoscope.yaml"))
    parser.add_argument("--out", type=Path, default=Path("build"))
    parser.add_argument("--schema", action="store_true", help="write the JSON Schema instead")
    parser.add_argument("--reference", action="store_true", help="write the reference of all keys instead")
    parser.add_argument("--check", action="store_true", help="write nothing of these, exit with 1 if it differs")
    options = parser.parse_args(arguments)
    if options.schema:
        return _written(SCHEMA_FILE, render_schema(), "--schema", check=options.check)
    if options.reference:
        return _written(REFERENCE_FILE, render_reference(), "--reference", check=options.check)
    return _build(options.path, options.out)


def _build(path: Path, out: Path) -> int:
    try:
        compiled = build(path, out)
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except OSError as error:
        sys.stderr.write(f"{out}: cannot be written: {error.strerror}\n")
        return 2
    for warning in compiled.warnings:
        sys.stderr.write(f"{warning} (warning)\n")
    return 0


def _written(path: Path, text: str, option: str, *, check: bool) -> int:
    if not check:
        path.write_text(text, encoding="utf-8")
        return 0
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return 0
    sys.stderr.write(f"{path.name} differs; python -m nephoscope.app.authoring {option} writes it anew\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
