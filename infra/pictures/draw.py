"""Pictures of every place where somebody meets nephoscope: `make pictures`, into build/pictures.

    python -m infra.pictures.draw                        all parts
    python -m infra.pictures.draw --only plots,messages
    python -m infra.pictures.draw --readme               and those that the README shows into infra/pictures

A part is a module with `draw(folder) -> list[Path]`. It runs in a process of its own, so that what it sets up (clouds,
a browser) ends with it.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "build/pictures"
PARTS: Mapping[str, str] = {
    "cloudwatch": "the dashboard in CloudWatch, as our page draws its body",
    "web": "the page of nephoscope web",
    "plots": "nephoscope plot",
    "history": "nephoscope history and states, out of Elasticsearch",
    "terminal": "the commands in terminals of three widths",
    "messages": "messages, as receivers show them",
}
README: Mapping[str, str] = {
    "dashboard.png": "cloudwatch-desk-light.png",
    "page.png": "web-overview-1280-light.png",
    "plot.png": "plot-lines.png",
    "history.png": "history-cpu-light.png",
    "history-roles.png": "history-kept-light.png",
}
"""What the README shows -> which picture it is."""


def main(arguments: Sequence[str] | None = None) -> int:
    """1 where a part could not be drawn; the others are."""
    parser = argparse.ArgumentParser(prog="make pictures", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", type=lambda text: text.split(","), default=list(PARTS), metavar="PART,PART")
    parser.add_argument("--readme", action="store_true", help="renew the README's, too")
    asked = parser.parse_args(arguments)
    if unknown := sorted({*asked.only} - {*PARTS}):
        parser.error(f"no part is called {', '.join(unknown)}; there are {', '.join(PARTS)}")
    FOLDER.mkdir(parents=True, exist_ok=True)
    failed = [name for name in asked.only if not drawn(name)]
    if asked.readme and not failed:
        for shown, picture in README.items():
            shutil.copyfile(FOLDER / picture, ROOT / "infra/pictures" / shown)
    return 1 if failed else 0


def drawn(name: str) -> bool:
    began = time.monotonic()
    program = (
        "import sys; from pathlib import Path; "
        f"from infra.pictures.{name} import draw; print(*draw(Path(sys.argv[1])), sep='\\n')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(FOLDER)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    paths = [Path(line) for line in done.stdout.splitlines() if Path(line).is_file()]
    for path in paths:
        print(f"  {path.relative_to(ROOT)}  {path.stat().st_size // 1024} kB")
    said = f"{len(paths)} files, {time.monotonic() - began:.0f} s" if done.returncode == 0 else "FAILED"
    print(f"{name}: {PARTS[name]}: {said}", flush=True)
    if done.returncode:
        print(done.stderr, file=sys.stderr)
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
